"""The MQTT broker in front: does it lose what it acknowledges, and whom does it let in?"""

import re
import ssl
from collections.abc import Iterator

from engine.doctor.finding import Finding, error, good, note, warning
from engine.doctor.mosquitto_conf import conf_findings
from engine.doctor.mqtt_client import Client
from engine.doctor.mqtt_probe import NAME, denial, is_denied, queued
from engine.doctor.patient import Broker, Patient
from sensors.mqtt.packets import Publish, Subscribe, Version, Wish

SYS = ("$SYS/broker/version", "$SYS/broker/publish/messages/dropped")
SYS_S = 1.5
TAKEN_OVER_S = 1.0
UNDER_WAY_MIN = 100
FIXED = (2, 0, 17)
"""Mosquitto: versions before miscount what is under way to a client."""


def mqtt_findings(patient: Patient) -> Iterator[Finding]:
    """Every broker, and the file of a Mosquitto where it is given."""
    for broker in patient.brokers:
        try:
            yield from _broker(broker, patient.probe)
        except (OSError, ssl.SSLError) as failure:
            yield error("mqtt_reach", broker.place, reason=failure)
    if patient.mosquitto_conf is not None:
        yield from conf_findings(patient.mosquitto_conf)
    elif patient.brokers:
        yield note("mqtt_conf_unseen")


def _broker(broker: Broker, probe: bool) -> Iterator[Finding]:
    yield from _anonymous(broker)
    if not broker.user:
        yield note("mqtt_no_user", broker.place)
        return
    with Client(broker) as client:
        code = client.login(NAME, broker.user, broker.password.reveal()).code
    if code:
        yield error("mqtt_login", broker.place, user=broker.user, code=code)
        return
    yield good("mqtt_login", broker.place, user=broker.user)
    yield from _client_id(broker)
    yield from _sys(broker)
    if probe:
        yield from _denial(broker)
        yield from _queue(broker)
    else:
        yield note("mqtt_not_probed", broker.place)


def _anonymous(broker: Broker) -> Iterator[Finding]:
    with Client(broker) as client:
        if client.login("outfall-doctor-anonymous", "", "").code:
            yield good("mqtt_anonymous", broker.place)
        else:
            yield error("mqtt_anonymous", broker.place)


def _client_id(broker: Broker) -> Iterator[Finding]:
    """Whether a second login of one user under another client id ends the first."""
    login = broker.user, broker.password.reveal()
    with Client(broker) as first, Client(broker) as second:
        first.login(f"{NAME}-1", *login)
        second.login(f"{NAME}-2", *login)
        is_forced = first.is_closed(TAKEN_OVER_S)
        second.leave()
    yield good("mqtt_client_id", broker.place) if is_forced else warning("mqtt_client_id", broker.place)


def _sys(broker: Broker) -> Iterator[Finding]:
    """What a Mosquitto tells of itself."""
    found: dict[str, str] = {}
    with Client(broker) as client:
        client.login(NAME, broker.user, broker.password.reveal())
        client.send(Subscribe(packet_id=1, wishes=tuple(Wish(filter=topic) for topic in SYS)))
        for packet in client.packets(SYS_S):
            if isinstance(packet, Publish):
                found[packet.topic] = packet.payload.decode("utf-8", "replace")
            if len(found) == len(SYS):
                break
    if not found:
        yield note("mqtt_sys_unseen", broker.place)
        return
    yield from _version(broker, found.get(SYS[0], ""))
    dropped = found.get(SYS[1], "0")
    if dropped not in ("", "0"):
        yield warning("mqtt_dropped", broker.place, count=dropped)
    else:
        yield good("mqtt_dropped", broker.place)


def _version(broker: Broker, text: str) -> Iterator[Finding]:
    numbers = re.search(r"(\d+)\.(\d+)\.(\d+)", text)
    if numbers is None:
        return
    version = tuple(int(number) for number in numbers.groups())
    shown = numbers[0]
    yield (
        note("mqtt_version", broker.place, version=shown)
        if version < FIXED
        else good("mqtt_version", broker.place, version=shown)
    )


def _denial(broker: Broker) -> Iterator[Finding]:
    if not is_denied(denial(broker, Version.V5)):
        yield error("mqtt_rights", broker.place, user=broker.user)
        return
    yield good("mqtt_rights", broker.place, user=broker.user)
    if denial(broker, Version.V311) is not None:
        yield note("mqtt_silent_denial", broker.place)


def _queue(broker: Broker) -> Iterator[Finding]:
    found = queued(broker)
    if found is None or not found.came_back:
        yield error("mqtt_probe_refused", broker.place, user=broker.user)
        return
    if not found.session_kept:
        yield error("mqtt_session", broker.place)
    lost = found.acknowledged - found.kept
    counts = {"sent": found.acknowledged, "kept": found.kept, "lost": lost}
    yield error("mqtt_queue", broker.place, **counts) if lost > 0 else good("mqtt_queue", broker.place, **counts)
    shown = {"count": found.under_way, "least": UNDER_WAY_MIN}
    few = found.under_way < UNDER_WAY_MIN
    yield note("mqtt_under_way", broker.place, **shown) if few else good("mqtt_under_way", broker.place, **shown)
