"""From a stream of bytes, in pieces of any size, to packets."""

from sensors.mqtt import parse, wire
from sensors.mqtt.packets import Connect, Packet, PacketType, Version
from sensors.mqtt.reasons import MqttError, Reason

HEADER_MAX = 5
"""Bytes of type and length in front of a packet's body, at most."""

PUBLISH = PacketType.PUBLISH


class PacketReader:
    """Cuts a stream into packets. Holds the unread input and never asks for a packet longer than `packet_max` bytes.

    >>> reader = PacketReader(packet_max=100)
    >>> reader.feed(bytes([0xC0]))
    >>> reader.next() is None  # half a PINGREQ
    True
    >>> reader.feed(bytes([0x00]))
    >>> reader.next()
    Ping(type=<PacketType.PINGREQ: 12>)

    A length beyond the bound is refused when it is announced, not when it has arrived.

    >>> reader.feed(bytes([0x30, 0xFF, 0xFF, 0xFF, 0x7F]))
    >>> reader.next()
    Traceback (most recent call last):
    sensors.mqtt.reasons.MqttError: packet_too_large: PUBLISH of 268435455 bytes, at most 100 are accepted
    """

    __slots__ = ("_at", "_buffer", "packet_max", "version")

    def __init__(self, *, packet_max: int, version: Version = Version.V311) -> None:
        self.packet_max = packet_max
        self.version = version  # a CONNECT sets it
        self._buffer = bytearray()
        self._at = 0  # what stands before it has been read

    def feed(self, piece: bytes | bytearray | memoryview) -> None:
        """More of the stream."""
        if self._at:
            del self._buffer[: self._at]
            self._at = 0
        self._buffer += piece

    @property
    def unread(self) -> int:
        """Bytes held."""
        return len(self._buffer) - self._at

    def glimpse(self, count: int = 64) -> bytes:
        """The first unread bytes, for the report of an error."""
        return bytes(self._buffer[self._at : self._at + count])

    def next(self) -> Packet | None:
        """The next packet; None until more is fed. After an MqttError the stream cannot be read any further."""
        buffer, at = self._buffer, self._at
        if len(buffer) - at < 2:
            return None
        first, length = buffer[at], buffer[at + 1]
        body = at + 2
        if length > 0x7F:
            length, body = self._long_length()
        if first >> 4 != PUBLISH:
            _check_first(first)
        if length > self.packet_max:
            raise _too_large(first, length, self.packet_max)
        end = body + length
        if not body or len(buffer) < end:
            return None
        self._at = end
        if first >> 4 == PUBLISH:
            return parse.publish(buffer, first & 15, body, end, self.version)
        return self._other(PacketType(first >> 4), bytes(buffer[body:end]))

    def _long_length(self) -> tuple[int, int]:
        """(length, where the body begins), for lengths of two to four bytes; (0, 0) while bytes of it are missing."""
        length = 0
        for place in range(4):
            where = self._at + 1 + place
            if where >= len(self._buffer):
                return 0, 0
            byte = self._buffer[where]
            length |= (byte & 0x7F) << 7 * place
            if byte < 0x80:
                return length, where + 1
        raise wire.malformed("packet length: a variable byte integer of more than 4 bytes")

    def _other(self, type: PacketType, body: bytes) -> Packet:
        if type is not PacketType.CONNECT:
            return parse.packet(type, body, self.version)
        packet: Connect = parse.connect(body)
        self.version = packet.version
        return packet


def _check_first(first: int) -> None:
    if first == 0x16:
        raise wire.malformed("the first byte is 0x16: a TLS client on a port without TLS?")
    if not first >> 4 or first & 15 != parse.FLAGS.get(PacketType(first >> 4), 0):
        raise wire.malformed(f"{first:#04x} does not begin a packet")


def _too_large(first: int, length: int, packet_max: int) -> MqttError:
    name = PacketType(first >> 4).name
    return MqttError(Reason.PACKET_TOO_LARGE, f"{name} of {length} bytes, at most {packet_max} are accepted")
