"""What endpoint and bridges count, and what each count means. The table in docs/intake.md has a row for every one."""

from collections.abc import Mapping
from enum import StrEnum


class Refused(StrEnum):
    """Why an intake refused something; counted as `refused.<reason>` and kept (`engine.intake.refusals`)."""

    # one message
    MN_NOT_LOGIN = "mn_not_login"  # published under an MN that is not the login's
    WRONG_TOPIC = "wrong_topic"  # published under no monitor's up topic
    TOO_LARGE = "too_large"
    RETAINED = "retained"  # MQTT 5: the endpoint has said that it retains nothing
    # something else
    LOGIN = "login"  # wrong name or secret, or none
    CONNECT = "connect"  # a CONNECT that asks for what there is not
    SUBSCRIPTION = "subscription"  # to anything but its own down topic
    WILL_TOPIC = "will_topic"  # a will for another topic: the client may stay, its will is not said
    PROTOCOL = "protocol"  # not MQTT, or MQTT broken
    CONNECTIONS = "connections"  # more than `connections_max`
    SESSION_LOST = "session_lost"  # not refused but lost: a broker did not keep what it held for a bridge


MESSAGES = (Refused.MN_NOT_LOGIN, Refused.WRONG_TOPIC, Refused.TOO_LARGE, Refused.RETAINED)
"""received = stored + repeated + abandoned + the refused of these + what waits for the log."""

COUNTS: Mapping[str, str] = {
    "connections": "sockets accepted",
    "logins": "CONNECTs accepted",
    "takeovers": "sessions ended because the same client logged in again",
    "revoked": "sessions ended because their login was removed or changed",
    "goodbyes": "sessions ended by the client's DISCONNECT",
    "offline": "sessions ended in any other way while the endpoint ran",
    "keep_alive_expired": "of these: nothing was heard for one and a half keep-alives",
    "wills": "last wills appended to the log as payloads",
    "received": "messages that arrived, wills included",
    "received_bytes": "their payloads",
    "stored": "messages committed to the log",
    "acknowledged": "of these: told to their sender (PUBACK, PUBREC), or to the broker they came from",
    "repeated": "QoS 2 messages sent again before their PUBREL: not stored a second time",
    "abandoned": "messages dropped at a stop because the log did not take them; none was acknowledged",
    "redelivered": "messages that a broker sent again: not acknowledged over the connection before. They are stored again",
    "broker_logins": "times a bridge was let in by its broker and subscribed",
    "broker_losses": "times a bridge was without its broker",
    "broker_dropped": "messages that a Mosquitto said it threw away while a bridge listened, for whomever they were",
    "sessions_lost": "times a broker did not have the session any more: what it held for the bridge may be lost",
    "history_requests": "commands to monitors to send their history of such a time",
    "pauses": "times a socket was not read because of a bound",
    "log_failures": "appends that the log refused; tried again",
    "log_outages": "times the log was lost",
    "refusals_not_kept": "refusals counted only, because they came too fast or their file cannot be written",
    **{f"refused.{reason}": f"refused: {reason}" for reason in Refused},
}

GAUGES: Mapping[str, str] = {
    "connected": "sockets that are open now",
    "sessions": "of these: logged in",
    "waiting": "messages received that are not in the log yet",
    "waiting_bytes": "what they take of the memory that `waiting_mib_max` bounds",
    "brokers": "bridges that have their broker",
}
"""What endpoint and bridges hold at a moment."""


def zero() -> dict[str, int]:
    """Every count at 0."""
    return dict.fromkeys(COUNTS, 0)
