"""One client's MQTT session: what is done with each packet. None of it outlives the connection."""

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from engine.intake import handshake
from engine.intake.counts import Refused
from engine.intake.credentials import Login
from engine.intake.messages import Messages
from engine.intake.refusals import SHOWN_MAX, IntakeRefusal
from engine.logs import fields
from sensors.mqtt import wire
from sensors.mqtt.build import build
from sensors.mqtt.packets import (
    Ack,
    Connack,
    Connect,
    Goodbye,
    Granted,
    Packet,
    PacketType,
    Ping,
    Publish,
    Subscribe,
    Unsubscribe,
    Version,
    Will,
)
from sensors.mqtt.reasons import CONNECT_RETURN, SUBSCRIBE_FAILURE, MqttError, Reason

if TYPE_CHECKING:
    from engine.intake.connection import Connection
    from engine.intake.reception import Reception

log = logging.getLogger("outfall.intake")

FILTERS_MAX = 10_000
"""Subscriptions of one session."""

PONG = build(Ping(type=PacketType.PINGRESP), Version.V311)


class Session:
    """The state of one client between CONNECT and the end of its connection."""

    def __init__(self, line: "Connection", reception: "Reception") -> None:
        self.version = Version.V311
        self.key = ""  # of `Reception.sessions`; "": not connected yet
        self.login: Login | None = None
        self.client_id = ""
        self.keep_alive_s = 0
        self.is_shut = False  # the endpoint stops
        self._line = line
        self._reception = reception
        self._messages = Messages(self, line, reception)
        self._will: Will | None = None
        self._said_goodbye = False
        self._filters: set[str] = set()

    @property
    def name(self) -> str:
        """The login; "" for anonymous."""
        return self.login.name if self.login else ""

    def take(self, packet: Packet) -> None:
        """Do what a packet asks for; MqttError where it may not."""
        if not self.key:
            self._first(packet)
        elif type(packet) is Publish:
            self._messages.publish(packet)
        else:
            HANDLERS[type(packet)](self, packet)

    def broken(self, error: MqttError, glimpse: bytes) -> None:
        """The stream cannot be read any further: tell why, and end."""
        too_large = error.reason is Reason.PACKET_TOO_LARGE and bool(self.key)
        if too_large:
            self._reception.counts["received"] += 1
        self.refuse(Refused.TOO_LARGE if too_large else Refused.PROTOCOL, str(error), payload=glimpse)
        if not self.key and error.reason is Reason.UNSUPPORTED_PROTOCOL_VERSION:
            self._line.write(build(Connack(code=CONNECT_RETURN[error.reason]), Version.V311))
        self._line.finish(error.reason)

    def refuse(self, why: Refused, detail: str, *, topic: str = "", payload: bytes = b"") -> None:
        """Count and keep a refusal."""
        refusal = IntakeRefusal(
            at_ms=time.time_ns() // 1_000_000,
            reason=why,
            detail=detail,
            peer=self._line.peer,
            login=self.name,
            client_id=self.client_id[:128],
            topic=topic,
            size=len(payload),
            payload=payload[:SHOWN_MAX],
        )
        self._reception.refusals.keep(refusal)

    def ended(self) -> None:
        """The connection is gone: count it, say the will; unless it was the endpoint that went."""
        if not self.key or self.is_shut:
            return
        self._reception.counts["goodbyes" if self._said_goodbye else "offline"] += 1
        if self._will:
            self._messages.say_will(self._will)

    def _first(self, packet: Packet) -> None:
        if not isinstance(packet, Connect):
            raise wire.violation(f"expected CONNECT first, got {type(packet).__name__}")
        self.version, self.client_id = packet.version, packet.client_id
        given_id = f"outfall-{id(self):x}"
        outcome = handshake.answer(packet, given_id, self._reception.settings, self._reception.credentials)
        if isinstance(outcome, handshake.Denied):
            self._deny(outcome)
        else:
            self._accept(outcome)

    def _deny(self, denied: handshake.Denied) -> None:
        self.refuse(denied.why, f"CONNECT: {denied.detail}")
        code = handshake.refusal_code(denied.reason, self.version)
        if code is not None:
            self._line.write(build(Connack(code=code), self.version))
        self._line.finish(None)

    def _accept(self, accepted: handshake.Accepted) -> None:
        self.login, self.client_id, self._will = accepted.login, accepted.client_id, accepted.will
        self.keep_alive_s = accepted.keep_alive_s
        if accepted.will_refused:
            self.refuse(Refused.WILL_TOPIC, accepted.will_refused)
        self.key = self._session_key()
        self._take_over()
        self._reception.counts["logins"] += 1
        self._line.logged_in()
        self._line.write(build(accepted.connack, self.version))

    def _session_key(self) -> str:
        """A device is one session whatever its client id; gateways and anonymous clients are one per client id."""
        if self.login and not self.login.is_gateway:
            return f"device {self.login.name}"
        return f"client {self.name}/{self.client_id}"

    def _take_over(self) -> None:
        before = self._reception.sessions.get(self.key)
        self._reception.sessions[self.key] = self._line
        if before:
            self._reception.counts["takeovers"] += 1
            told = (self.key, self._line.peer, before.peer)
            about = fields(login=self.key, peer=self._line.peer)
            log.info("%s: logged in again from %s, its session from %s ends", *told, extra=about)
            before.close(Reason.SESSION_TAKEN_OVER)

    def _ack(self, ack: Ack) -> None:
        """Only PUBREL means something: the others answer messages, and the endpoint sends none."""
        if ack.type is PacketType.PUBREL:
            self._messages.release(ack.packet_id)

    def _subscribe(self, packet: Subscribe) -> None:
        codes = []
        refused = []
        for wish in packet.wishes:
            if handshake.may_subscribe(self.login, wish.filter) and len(self._filters) < FILTERS_MAX:
                self._filters.add(wish.filter)
                codes.append(min(wish.qos, 1))
            else:
                refused.append(wish.filter[:128])
                codes.append(Reason.NOT_AUTHORIZED if self.version is Version.V5 else SUBSCRIBE_FAILURE)
        if refused:
            expected = "expected outfall/v1/<MN>/down with an MN of this login"
            self.refuse(Refused.SUBSCRIPTION, f"SUBSCRIBE to {refused[0]!r} ({len(refused)} such), {expected}")
        self._grant(PacketType.SUBACK, packet.packet_id, codes)

    def _unsubscribe(self, packet: Unsubscribe) -> None:
        none = Reason.NO_SUBSCRIPTION_EXISTED
        codes = [Reason.SUCCESS if filter in self._filters else none for filter in packet.filters]
        self._filters.difference_update(packet.filters)
        self._grant(PacketType.UNSUBACK, packet.packet_id, codes)

    def _grant(self, type: PacketType, packet_id: int, codes: Sequence[int]) -> None:
        self._line.write(build(Granted(type=type, packet_id=packet_id, codes=tuple(codes)), self.version))

    def _ping(self, packet: Ping) -> None:
        if packet.type is not PacketType.PINGREQ:
            raise wire.violation("a client does not send PINGRESP")
        self._line.write(PONG)

    def _goodbye(self, packet: Goodbye) -> None:
        if packet.type is PacketType.AUTH:
            raise wire.violation("AUTH, but CONNECT named no authentication method")
        self._said_goodbye = True
        if packet.reason != Reason.DISCONNECT_WITH_WILL:
            self._will = None
        self._line.finish(None)

    def _unexpected(self, packet: Packet) -> None:
        raise wire.violation(f"a client does not send {type(packet).__name__} here")


HANDLERS: Mapping[type, Callable[[Session, Any], None]] = {
    Ack: Session._ack,
    Subscribe: Session._subscribe,
    Unsubscribe: Session._unsubscribe,
    Ping: Session._ping,
    Goodbye: Session._goodbye,
    Connect: Session._unexpected,
    Connack: Session._unexpected,
    Granted: Session._unexpected,
}
"""What is done with each packet of a connected client; PUBLISH goes to `Messages`."""
