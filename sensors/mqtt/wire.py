"""The field types of MQTT (MQTT 5, 1.5): integers, text, binary data, and the variable byte integer."""

from sensors.mqtt.reasons import MqttError, Reason

VARINT_MAX = 268_435_455
"""Four bytes of seven bits: the longest packet MQTT can say."""


class Fields:
    """Takes the fields of one packet in order. A field that does not fit is an MqttError, never an IndexError.

    >>> fields = Fields(bytes([0, 3]) + b"abc" + bytes([0x80, 0x01]))
    >>> fields.text("topic"), fields.varint("length"), fields.left
    ('abc', 128, 0)
    """

    __slots__ = ("_body", "at", "end")

    def __init__(self, body: bytes) -> None:
        self._body = body
        self.at = 0
        self.end = len(body)

    @property
    def left(self) -> int:
        """Bytes not taken yet."""
        return self.end - self.at

    def take(self, count: int, what: str) -> bytes:
        """The next `count` bytes; `what` names the field in the error."""
        if count > self.left:
            raise malformed(f"{what}: expected {count} bytes, got {self.left}")
        self.at += count
        return self._body[self.at - count : self.at]

    def u8(self, what: str) -> int:
        """One byte."""
        return self.take(1, what)[0]

    def u16(self, what: str) -> int:
        """Two bytes, the higher first."""
        return int.from_bytes(self.take(2, what))

    def u32(self, what: str) -> int:
        """Four bytes, the highest first."""
        return int.from_bytes(self.take(4, what))

    def varint(self, what: str) -> int:
        """One to four bytes, the lowest seven bits first; the high bit says that more follow."""
        value = 0
        for shift in (0, 7, 14, 21):
            byte = self.u8(what)
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                return value
        raise malformed(f"{what}: a variable byte integer of more than 4 bytes")

    def binary(self, what: str) -> bytes:
        """Bytes behind their own length."""
        return self.take(self.u16(what), what)

    def text(self, what: str) -> str:
        """UTF-8 behind its own length; no NUL, no lone surrogate (MQTT 5, 1.5.4)."""
        raw = self.binary(what)
        try:
            text = raw.decode()
        except UnicodeDecodeError as error:
            raise malformed(f"{what}: {raw[:64]!r} is not UTF-8") from error
        if "\0" in text:
            raise malformed(f"{what}: {text[:64]!r} has a NUL character")
        return text

    def part(self, what: str) -> "Fields":
        """A run of fields behind its own length, as properties are."""
        return Fields(self.take(self.varint(what), what))

    def rest(self) -> bytes:
        """All that is left."""
        return self.take(self.left, "rest")

    def done(self, what: str) -> None:
        """Nothing may be left."""
        if self.left:
            raise malformed(f"{what}: {self.left} bytes too many")


def malformed(detail: str) -> MqttError:
    """The bytes are no packet."""
    return MqttError(Reason.MALFORMED_PACKET, detail)


def violation(detail: str) -> MqttError:
    """The bytes are a packet that may not be sent, or not now."""
    return MqttError(Reason.PROTOCOL_ERROR, detail)


def varint(value: int) -> bytes:
    """A variable byte integer; ValueError where four bytes do not hold it.

    >>> varint(127).hex(), varint(128).hex(), varint(VARINT_MAX).hex()
    ('7f', '8001', 'ffffff7f')
    """
    if not 0 <= value <= VARINT_MAX:
        raise ValueError(f"variable byte integer: expected 0..{VARINT_MAX}, got {value}")
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def u16(value: int) -> bytes:
    """Two bytes, the higher first; OverflowError where they do not hold it."""
    return value.to_bytes(2)


def binary(value: bytes) -> bytes:
    """Bytes behind their own length."""
    return u16(len(value)) + value


def text(value: str) -> bytes:
    """UTF-8 behind its own length."""
    return binary(value.encode())
