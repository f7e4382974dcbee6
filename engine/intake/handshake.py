"""What is answered to a CONNECT, and why."""

from dataclasses import dataclass

from engine.intake import topics
from engine.intake.counts import Refused
from engine.intake.credentials import Credentials, CredentialsError, Login
from engine.intake.settings import IntakeSettings
from sensors.mqtt.packets import Connack, Connect, Version, Will
from sensors.mqtt.properties import Property
from sensors.mqtt.reasons import CONNECT_RETURN, Reason

PACKET_HEAD_MAX = 8 * 1024
"""Bytes of a PUBLISH besides its payload: topic and properties."""

NO_WILL: tuple[Will | None, str] = (None, "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """Come in."""

    login: Login | None  # None: anonymous
    client_id: str
    keep_alive_s: int  # 0: none
    will: Will | None  # on an up topic of the login's
    will_refused: str  # why there is none although the client gave one; "": it did not, or there is
    connack: Connack


@dataclass(frozen=True, slots=True, kw_only=True)
class Denied:
    """Not like this."""

    why: Refused
    reason: Reason
    detail: str


def answer(connect: Connect, given_id: str, settings: IntakeSettings, credentials: Credentials) -> Accepted | Denied:
    """Accept or deny a client. `given_id`: its client id, should it have none of its own."""
    if Property.AUTHENTICATION_METHOD in connect.properties:
        method = connect.properties[Property.AUTHENTICATION_METHOD]
        return _denied(Reason.BAD_AUTHENTICATION_METHOD, f"method {method[:32]!r}, expected user name and password")
    if connect.will and connect.will.retain and connect.version is Version.V5:
        return _denied(Reason.RETAIN_NOT_SUPPORTED, "a retained will, expected one that is not: nothing is retained")
    if not connect.client_id and not connect.clean_start and connect.version is not Version.V5:
        return _denied(Reason.CLIENT_IDENTIFIER_NOT_VALID, "no client id, expected one or a clean session")
    login = _login(connect, settings, credentials)
    if isinstance(login, Denied):
        return login
    will, will_refused = _will(connect.will, login)
    return Accepted(
        login=login,
        client_id=connect.client_id or given_id,
        keep_alive_s=_keep_alive_s(connect, settings),
        will=will,
        will_refused=will_refused,
        connack=Connack(properties=_properties(connect, given_id, settings)),
    )


def refusal_code(reason: Reason, version: Version) -> int | None:
    """What CONNACK says of a reason; None where that version has no word for it and only closes."""
    return reason if version is Version.V5 else CONNECT_RETURN.get(reason)


def may_publish(login: Login | None, topic: str) -> str | Refused:
    """The MN a message under `topic` speaks for, or why this login may not publish it. None: anonymous, any MN."""
    mn = topics.mn_of(topic, "up")
    if mn is None:
        return Refused.WRONG_TOPIC
    return mn if login is None or mn in login.mns else Refused.MN_NOT_LOGIN


def may_subscribe(login: Login | None, filter: str) -> bool:
    """Whether this login may listen there: the down topic of its own MNs, no wildcards."""
    mn = topics.mn_of(filter, "down")
    return mn is not None and (login is None or mn in login.mns)


def _denied(reason: Reason, detail: str) -> Denied:
    return Denied(why=Refused.CONNECT, reason=reason, detail=detail)


def _login(connect: Connect, settings: IntakeSettings, credentials: Credentials) -> Login | Denied | None:
    if connect.username is None and settings.anonymous:
        return None
    if connect.username is None:
        detail = "no user name, expected the MN (or the gateway's name) as user name, and its secret"
        return Denied(why=Refused.LOGIN, reason=Reason.NOT_AUTHORIZED, detail=detail)
    try:
        login = credentials.verify(connect.username, connect.password or b"")
    except CredentialsError as error:
        return Denied(why=Refused.LOGIN, reason=Reason.SERVER_UNAVAILABLE, detail=str(error))
    if login is None:
        detail = f"user name {connect.username[:64]!r}: unknown, or not its secret"
        return Denied(why=Refused.LOGIN, reason=Reason.BAD_USER_NAME_OR_PASSWORD, detail=detail)
    return login


def _will(will: Will | None, login: Login | None) -> tuple[Will | None, str]:
    if will is None:
        return NO_WILL
    mn = may_publish(login, will.topic)
    if isinstance(mn, Refused):
        return None, f"will for topic {will.topic[:128]!r}: {mn}; the client is let in, its will is not said"
    return will, ""


def _keep_alive_s(connect: Connect, settings: IntakeSettings) -> int:
    if connect.version is not Version.V5:
        return connect.keep_alive_s
    return min(connect.keep_alive_s or settings.keep_alive_s_max, settings.keep_alive_s_max)


def _properties(connect: Connect, given_id: str, settings: IntakeSettings) -> dict[Property, object]:
    """What an MQTT 5 client is told: nothing retained, no session kept, how much at once (MQTT 5, 3.2.2.3)."""
    told: dict[Property, object] = {
        Property.RECEIVE_MAXIMUM: min(settings.unacknowledged_max, 0xFFFF),
        Property.MAXIMUM_PACKET_SIZE: settings.payload_max + PACKET_HEAD_MAX,
        Property.RETAIN_AVAILABLE: 0,
        Property.WILDCARD_SUBSCRIPTION_AVAILABLE: 0,
        Property.SUBSCRIPTION_IDENTIFIER_AVAILABLE: 0,
        Property.SHARED_SUBSCRIPTION_AVAILABLE: 0,
    }
    if connect.properties.get(Property.SESSION_EXPIRY_INTERVAL):
        told[Property.SESSION_EXPIRY_INTERVAL] = 0
    if not connect.client_id:
        told[Property.ASSIGNED_CLIENT_IDENTIFIER] = given_id
    if _keep_alive_s(connect, settings) != connect.keep_alive_s:
        told[Property.SERVER_KEEP_ALIVE] = _keep_alive_s(connect, settings)
    return told
