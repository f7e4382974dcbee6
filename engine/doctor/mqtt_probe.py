"""Messages that the doctor sends to itself, to see what a broker does with more than it can hand over at once."""

from dataclasses import dataclass

from engine.doctor.mqtt_client import Client
from engine.doctor.patient import Broker
from sensors.mqtt.packets import Ack, Granted, PacketType, Publish, Subscribe, Version, Wish
from sensors.mqtt.reasons import Reason

NAME = "outfall-doctor"
TOPIC = "outfall/doctor/queue"
FOREIGN = "outfall/v1/not-of-outfall-doctor/up"
"""A topic that no user may publish to."""

MESSAGES = 3000
"""More than the default bound of Mosquitto and EMQX (1000), and what is under way besides."""

AT_ONCE = 200
SILENCE_S = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Queued:
    """What became of the messages."""

    sent: int
    acknowledged: int
    under_way: int  # delivered while none was acknowledged by the doctor
    session_kept: bool
    kept: int  # delivered, before and after it came back

    @property
    def came_back(self) -> bool:
        """Whether the doctor has the right to its topic at all."""
        return bool(self.kept)


def queued(broker: Broker, messages: int = MESSAGES) -> Queued | None:
    """Fill a persistent session with more messages than are taken from it, be away, and come back for them.

    None: the subscription was refused. The session and all that is in it are gone afterwards.
    """
    login = broker.user, broker.password.reveal()
    with Client(broker) as first:
        first.login(NAME, *login)  # a session that an earlier probe left is gone
        first.leave()
    with Client(broker) as client:
        client.login(NAME, *login, clean=False)
        if not _subscribed(client):
            return None
        try:
            acknowledged, delivered = _publish(client, messages)
        except OSError:  # a broker may close a connection that publishes where it must not
            acknowledged, delivered = 0, set()
    with Client(broker) as again:
        connack = again.login(NAME, *login, clean=False)
        rest = _taken(again)
        again.leave()
    with Client(broker) as last:
        last.login(NAME, *login)
        last.leave()
    return Queued(
        sent=messages,
        acknowledged=acknowledged,
        under_way=len(delivered),
        session_kept=connack.session_present,
        kept=len(delivered | rest),
    )


def denial(broker: Broker, version: Version) -> int | None:
    """What the broker answers to a publish under somebody else's topic; None: nothing, or it hung up."""
    with Client(broker, version) as client:
        client.login(NAME, broker.user, broker.password.reveal())
        client.send(Publish(FOREIGN, b"a probe of outfall doctor: may be ignored", 1, 1))
        answers = (packet.reason for packet in client.packets(SILENCE_S) if isinstance(packet, Ack))
        return next(answers, None)


def is_denied(reason: int | None) -> bool:
    """Whether an answer of MQTT 5 says no."""
    return reason is None or reason >= Reason.UNSPECIFIED_ERROR


def _subscribed(client: Client) -> bool:
    client.send(Subscribe(packet_id=1, wishes=(Wish(filter=TOPIC, qos=1),)))
    granted = next((packet for packet in client.packets(SILENCE_S) if isinstance(packet, Granted)), None)
    return granted is not None and all(code <= 2 for code in granted.codes)


def _publish(client: Client, messages: int) -> tuple[int, set[bytes]]:
    """Publish all, and acknowledge nothing of what is delivered: (acknowledged by the broker, delivered)."""
    acknowledged, delivered = 0, set()
    for start in range(0, messages, AT_ONCE):
        some = range(start, min(start + AT_ONCE, messages))
        client.send(*(Publish(TOPIC, b"%d" % n, 1, n + 2) for n in some))
        for packet in client.packets(SILENCE_S):
            acknowledged += isinstance(packet, Ack) and packet.type is PacketType.PUBACK
            if isinstance(packet, Publish):
                delivered.add(packet.payload)
            if acknowledged >= some.stop:
                break
    return acknowledged, delivered


def _taken(client: Client) -> set[bytes]:
    """Everything that the broker still has, acknowledged."""
    taken = set()
    for packet in client.packets(SILENCE_S):
        if isinstance(packet, Publish):
            taken.add(packet.payload)
            if packet.qos:
                client.send(Ack(type=PacketType.PUBACK, packet_id=packet.packet_id))
    return taken
