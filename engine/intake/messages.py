"""What is done with the messages of one session: stored and then acknowledged, or refused and never acknowledged."""

from typing import TYPE_CHECKING

from engine.intake import handshake
from engine.intake.counts import Refused
from sensors.mqtt.build import build, pack_ack
from sensors.mqtt.packets import Ack, PacketType, Publish, Version, Will
from sensors.mqtt.properties import Property
from sensors.mqtt.reasons import MqttError, Reason

if TYPE_CHECKING:
    from engine.intake.connection import Connection
    from engine.intake.reception import Reception
    from engine.intake.session import Session

CLAIMS_MAX = 10_000
"""Topics whose MN is remembered for one session; a gateway has fewer, an anonymous client may make up any number."""

ANSWERS = (0, PacketType.PUBACK << 4, PacketType.PUBREC << 4)
"""First byte of what answers a PUBLISH of QoS 1 and 2."""


class Messages:
    """Takes PUBLISH and PUBREL.

    QoS 2 is stored at its PUBLISH, and its packet id kept until PUBREL so that a repetition is not stored again. A
    repetition over a new connection is; it is the same reading at the same device time, which the judge knows.
    """

    def __init__(self, session: "Session", line: "Connection", reception: "Reception") -> None:
        self._session = session
        self._line = line
        self._reception = reception
        self._payload_max = reception.settings.payload_max
        self._claims: dict[str, str] = {}  # topic -> MN, those this login may publish under
        self._unreleased: set[int] = set()  # packet ids of QoS 2 between PUBLISH and PUBREL

    def publish(self, message: Publish) -> None:
        """One message in."""
        mn = self._claims.get(message.topic)
        if mn is None or message.retain or message.properties or len(message.payload) > self._payload_max:
            mn = self._examine(message)
            if mn is None:
                return
        answer = pack_ack(ANSWERS[message.qos], 2, message.packet_id) if message.qos else b""
        if message.qos == 2 and self._is_repeated(message.packet_id):
            self._reception.counts["received"] += 1
            self._reception.counts["repeated"] += 1
            self._line.answer(answer)
        else:
            self._store(mn, message.payload, answer)

    def release(self, packet_id: int) -> None:
        """PUBREL: the sender has heard that its QoS 2 message is stored, and will not repeat it."""
        known = packet_id in self._unreleased
        self._unreleased.discard(packet_id)
        reason = Reason.SUCCESS if known else Reason.PACKET_IDENTIFIER_NOT_FOUND
        done = Ack(type=PacketType.PUBCOMP, packet_id=packet_id, reason=reason)
        self._line.write(build(done, self._session.version))

    def say_will(self, will: Will) -> None:
        """The last will, as one more payload of its monitor."""
        mn = handshake.may_publish(self._session.login, will.topic)
        assert not isinstance(mn, Refused), "the handshake lets no other will pass"
        self._reception.counts["wills"] += 1
        self._store(mn, will.payload, b"")

    def _store(self, mn: str, payload: bytes, answer: bytes) -> None:
        counts = self._reception.counts
        counts["received"] += 1
        counts["received_bytes"] += len(payload)
        row = (self._session.name, mn, payload)
        self._reception.queue.put(self._line, self._reception.partition_of(mn), row, answer)

    def _examine(self, message: Publish) -> str | None:
        """The MN, or None if the message is refused."""
        if Property.TOPIC_ALIAS in message.properties:
            raise MqttError(Reason.TOPIC_ALIAS_INVALID, "PUBLISH: a topic alias, expected none: the maximum is 0")
        if len(message.payload) > self._payload_max:
            detail = f"payload of {len(message.payload)} bytes, at most {self._payload_max} are accepted"
            self._refuse(message, Refused.TOO_LARGE, detail)
            self._line.finish(Reason.PACKET_TOO_LARGE)
            return None
        if message.retain and self._session.version is Version.V5:
            self._refuse(message, Refused.RETAINED, "PUBLISH with RETAIN, expected without: nothing is retained")
            self._line.finish(Reason.RETAIN_NOT_SUPPORTED)
            return None
        mn = handshake.may_publish(self._session.login, message.topic)
        if isinstance(mn, Refused):
            expected = "expected outfall/v1/<MN>/up with an MN of this login"
            self._refuse(message, mn, f"PUBLISH to {message.topic[:128]!r}, {expected}")
            self._deny(message)
            return None
        if len(self._claims) < CLAIMS_MAX:
            self._claims[message.topic] = mn
        return mn

    def _refuse(self, message: Publish, why: Refused, detail: str) -> None:
        self._reception.counts["received"] += 1
        self._reception.counts["received_bytes"] += len(message.payload)
        self._session.refuse(why, detail, topic=message.topic[:256], payload=message.payload)

    def _deny(self, message: Publish) -> None:
        """MQTT 3.1.1 cannot say no to a message: an acknowledgement would be a lie, so the connection ends."""
        if self._session.version is not Version.V5 or not message.qos:
            self._line.finish(Reason.NOT_AUTHORIZED)
            return
        type = PacketType.PUBACK if message.qos == 1 else PacketType.PUBREC
        no = Ack(type=type, packet_id=message.packet_id, reason=Reason.NOT_AUTHORIZED)
        self._line.answer(build(no, Version.V5))

    def _is_repeated(self, packet_id: int) -> bool:
        if packet_id in self._unreleased:
            return True
        if len(self._unreleased) >= self._reception.settings.unacknowledged_max:
            detail = f"more than {len(self._unreleased)} QoS 2 messages without PUBREL"
            raise MqttError(Reason.RECEIVE_MAXIMUM_EXCEEDED, detail)
        self._unreleased.add(packet_id)
        return False
