"""One connection of a bridge, as the commit queue sees it: messages go to the log, and are acknowledged when they are in it.

A new connection is a new `Line` with a client of its own. So an acknowledgement that comes when its connection is gone
cannot be sent on the next one, where the same number stands for another message.
"""

import asyncio
from collections.abc import Callable

import paho.mqtt.client as mqtt

from engine.intake.bridge import dropped
from engine.intake.bridge.reception import BridgeReception
from engine.intake.bridge.wire import Wire
from engine.intake.commit_queue import Share
from engine.intake.counts import Refused

STEP_S = 0.005


class Line:
    """Takes what the broker delivers. It reads no further than the bounds of the intake allow: the broker keeps the rest."""

    def __init__(self, reception: BridgeReception, before_connect: Callable[[], object]) -> None:
        self.share: Share | None = None
        self.waiting = 0
        self.wire = Wire(reception.settings, self._take, before_connect)
        self._reception = reception
        self._window = reception.intake.unacknowledged_max
        self._leaving = False

    @property
    def is_even(self) -> bool:
        """Whether it is up and nothing holds it back: what the broker has is here within moments."""
        return self.wire.is_open and not self.wire.is_held and self.waiting <= self._window // 2

    def read_no_more(self) -> None:
        """The bridge stops: acknowledge what is here, take nothing more."""
        self._leaving = True
        self.wire.hold()

    async def answered(self, seconds: float) -> None:
        """Wait until every acknowledgement has been written, at most so long. Nothing waits for the log any more."""
        for _ in range(round(seconds / STEP_S)):
            if self.share is None:
                return
            await asyncio.sleep(STEP_S)

    def close(self) -> None:
        """Leave."""
        self._reception.queue.forget(self)
        self.wire.close()

    # what the queue calls

    def stored(self, share: Share) -> None:
        """All of this share is in the log: acknowledge it, in the order received."""
        if self.wire.is_open and share.answers:
            for at in range(0, len(share.answers), 2):
                self.wire.ack(int.from_bytes(share.answers[at : at + 2]))
            self.wire.flush()
            self._reception.counts["acknowledged"] += share.told
        self._read_on()

    def room(self) -> None:
        """The queue has room again."""
        self._read_on()

    def _read_on(self) -> None:
        has_room = self.waiting <= self._window // 2 and not self._reception.queue.full
        if self.wire.is_held and has_room and not self._leaving:
            self.wire.read_on()

    # what the wire brings

    def _take(self, message: mqtt.MQTTMessage) -> bool:
        reception, payload = self._reception, bytes(message.payload)
        topic = _topic_of(message)
        if topic == dropped.TOPIC:
            reception.dropped.saw(payload)
            return self._may_read_on()
        answer = message.mid.to_bytes(2) if message.qos else b""
        reception.counts["received"] += 1
        reception.counts["received_bytes"] += len(payload)
        reception.counts["redelivered"] += bool(message.dup)
        mn = self._examined(topic, payload)
        if mn is not None:
            row = (reception.settings.client_id, mn, payload)
            reception.queue.put(self, reception.partition_of(mn), row, answer)
        elif answer and self.share is not None:
            reception.queue.behind(self, answer)
        elif answer:
            self.wire.ack(message.mid)
        return self._may_read_on()

    def _examined(self, topic: str, payload: bytes) -> str | None:
        """The MN, or None for what can never be stored: it is written down as refused, and then acknowledged.

        Else the broker would send it for ever, and hold back others behind it.
        """
        reception, bound = self._reception, self._reception.intake.payload_max
        mn = reception.topic.mn(topic)
        if mn is None:
            expected = f"expected {reception.settings.topic} with an MN in the place of +"
            reception.refuse(Refused.WRONG_TOPIC, f"message under {topic[:128]!r}, {expected}", topic, payload)
            return None
        if len(payload) > bound:
            detail = f"payload of {len(payload)} bytes, at most {bound} are accepted"
            reception.refuse(Refused.TOO_LARGE, detail, topic, payload)
            return None
        return mn

    def _may_read_on(self) -> bool:
        may = True
        if self._reception.queue.full:
            self._reception.queue.tell_when_room(self)
            may = False
        may = may and self.waiting < self._window
        self._reception.counts["pauses"] += not may
        return may


def _topic_of(message: mqtt.MQTTMessage) -> str:
    """Its topic; "?" where that is not UTF-8."""
    try:
        return str(message.topic)
    except UnicodeDecodeError:
        return "?"
