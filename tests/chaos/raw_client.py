"""A monitor's MQTT 3.1.1 client in plain bytes: QoS 1, a window of messages in flight, resends after every reconnect."""

import asyncio
import contextlib
import struct
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

from tests.chaos.frames import Speech
from tests.chaos.journal import Journal, digest

WINDOW = 50
RECONNECT_S = 0.05
CONNACK_ACCEPTED = b"\x20\x02\x00\x00"


@dataclass
class RawClient:
    """Publishes the messages of one monitor until `stop` is set, then waits for the last acknowledgements."""

    speech: Speech
    secret: str
    port: int
    rate: float  # messages a second
    journal: Journal
    stop: asyncio.Event
    number: int = 0  # of the last message
    packet: int = 1  # id of the last packet; 1 is the subscription's
    again: list[bytes] = field(default_factory=list)  # asked for once more
    waiting: dict[int, bytes] = field(default_factory=dict)  # packet id -> payload, in the order of sending

    async def run(self) -> None:
        """Connect again and again, until all is said and acknowledged."""
        while not (self.stop.is_set() and not self.waiting):
            with contextlib.suppress(OSError, asyncio.IncompleteReadError, TimeoutError):
                async with self._connected() as (reader, writer):
                    await self._session(reader, writer)
            await asyncio.sleep(RECONNECT_S)

    @contextlib.asynccontextmanager
    async def _connected(self) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            writer.write(connect(self.speech.monitor.mn, self.secret))
            async with asyncio.timeout(5):
                answer = await reader.readexactly(4)
            if answer[:1] + answer[1:2] + b"\0" + answer[3:] != CONNACK_ACCEPTED:
                raise PermissionError(f"expected to be let in, got {answer.hex()}")
            yield reader, writer
        finally:
            writer.close()

    async def _session(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Resend what waits, then go on; ends when the connection does, or when all is done."""
        writer.write(subscribe(self.speech.monitor.mn))
        for packet_id, payload in self.waiting.items():
            self._publish(writer, packet_id, payload, again=True)
        acks = asyncio.create_task(self._read(reader, writer))
        talk = asyncio.create_task(self._talk(writer))
        done, left = await asyncio.wait((acks, talk), return_when=asyncio.FIRST_COMPLETED)
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)
        for task in done:
            task.result()

    async def _talk(self, writer: asyncio.StreamWriter) -> None:
        while not self.stop.is_set() or self.again:
            if len(self.waiting) < WINDOW:
                self._say(writer)
                await writer.drain()
            await asyncio.sleep(self._pause_s())
        while self.waiting:
            await asyncio.sleep(0.01)

    def _say(self, writer: asyncio.StreamWriter) -> None:
        """What was asked for again comes first; it is published as a message of its own."""
        self.packet = self.packet % 65_535 + 1
        if self.again:
            payload = self.again.pop(0)
        else:
            self.number += 1
            payload = self.speech.message(self.number)
        self.waiting[self.packet] = payload
        self._publish(writer, self.packet, payload, again=False)

    def _pause_s(self) -> float:
        """The usual pause, or the long one of a monitor that falls silent."""
        return 5.0 if self.speech.monitor.quiet and self.number % 300 == 299 else 1 / self.rate

    def _publish(self, writer: asyncio.StreamWriter, packet_id: int, payload: bytes, *, again: bool) -> None:
        self.journal.sent(digest(self.speech.monitor.mn, payload))
        writer.write(publish(self.speech.monitor.mn, packet_id, payload, again=again))

    async def _read(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            first, body = await packet(reader)
            if first & 0xF0 == 0x30:
                self._asked(first, body, writer)
            elif first & 0xF0 == 0x40 and (payload := self.waiting.pop(struct.unpack(">H", body)[0], None)) is not None:
                self.journal.acknowledged(digest(self.speech.monitor.mn, payload))

    def _asked(self, first: int, body: bytes, writer: asyncio.StreamWriter) -> None:
        """A request for history; with QoS 1 it is acknowledged."""
        at = 2 + struct.unpack_from(">H", body)[0]
        if first & 0x06:
            writer.write(b"\x40\x02" + body[at : at + 2])
            at += 2
        self.again += self.speech.history(body[at:])


def connect(name: str, secret: str) -> bytes:
    """CONNECT with user name and password, without a clean session."""
    body = text("MQTT") + b"\x04" + b"\xc0" + struct.pack(">H", 60) + text(name) + text(name) + text(secret)
    return b"\x10" + length(len(body)) + body


def publish(mn: str, packet_id: int, payload: bytes, *, again: bool) -> bytes:
    """PUBLISH with QoS 1."""
    body = text(f"outfall/v1/{mn}/up") + struct.pack(">H", packet_id) + payload
    return (b"\x3a" if again else b"\x32") + length(len(body)) + body


def subscribe(mn: str) -> bytes:
    """SUBSCRIBE to what a monitor is asked, with QoS 1."""
    body = b"\0\x01" + text(f"outfall/v1/{mn}/down") + b"\x01"
    return b"\x82" + length(len(body)) + body


async def packet(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    """First byte and body of the next packet."""
    kind = (await reader.readexactly(1))[0]
    size, shift, byte = 0, 0, 0x80
    while byte & 0x80:
        byte = (await reader.readexactly(1))[0]
        size |= (byte & 0x7F) << shift
        shift += 7
    return kind, await reader.readexactly(size)


def text(value: str) -> bytes:
    """A string as MQTT writes it.

    >>> text("ab")
    b'\\x00\\x02ab'
    """
    return struct.pack(">H", len(value)) + value.encode()


def length(size: int) -> bytes:
    """A remaining length as MQTT writes it.

    >>> length(321)
    b'\\xc1\\x02'
    """
    found = bytearray()
    while size > 127:
        found.append(size & 0x7F | 0x80)
        size >>= 7
    return bytes([*found, size])
