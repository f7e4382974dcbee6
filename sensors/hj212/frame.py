"""Frames cut out of a byte string, and the verdict on their length and CRC."""

import re
from dataclasses import dataclass
from enum import StrEnum

from sensors.hj212.crc import Crc, algorithm, crc
from sensors.hj212.tolerance import Tolerance

FRAMES_MAX = 1000
"""Frames read from one payload: more than any device sends in 64 KiB, and a bound on what a hostile one can cost."""


class Verdict(StrEnum):
    """What length and CRC say of a frame."""

    VALID = "valid"
    WRONG_LENGTH = "wrong-length"
    MODBUS_CRC = "modbus-crc"
    SWAPPED_CRC = "swapped-crc"
    STALE_CRC = "stale-crc"


VERDICTS = {
    Crc.RIGHT: Verdict.VALID,
    Crc.MODBUS: Verdict.MODBUS_CRC,
    Crc.SWAPPED: Verdict.SWAPPED_CRC,
    Crc.MODBUS_SWAPPED: Verdict.SWAPPED_CRC,
    Crc.NONE: Verdict.STALE_CRC,
}

MADE_BY = {
    Crc.RIGHT: "right",
    Crc.MODBUS: "CRC-16/MODBUS",
    Crc.SWAPPED: "the HJ 212 CRC with its bytes swapped",
    Crc.MODBUS_SWAPPED: "CRC-16/MODBUS with its bytes swapped",
    Crc.NONE: "made by no known algorithm: the text was changed after it, or it is a placeholder",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Cut:
    """One frame as it stands in a payload."""

    start: int  # payload[start:end] is the frame, CR LF included
    end: int
    data: bytes  # between the length field and the CRC
    declared: int
    crc_text: str  # as sent; "" where the frame ends before it
    tolerances: tuple[Tolerance, ...] = ()

    @property
    def crc(self) -> Crc:
        """Which algorithm made the CRC."""
        return algorithm(self.data, int(self.crc_text, 16)) if HEX4.fullmatch(self.crc_text) else Crc.NONE

    @property
    def verdict(self) -> Verdict:
        """Length first, then the CRC."""
        return VERDICTS[self.crc] if len(self.data) == self.declared else Verdict.WRONG_LENGTH

    def complaint(self) -> str:
        """Why the frame is not valid, for people."""
        sent = self.crc_text or "none"
        if self.verdict is Verdict.WRONG_LENGTH:
            state = "is right" if self.crc is Crc.RIGHT else f"{sent} is {MADE_BY[self.crc]}"
            return f"length: expected {self.declared} bytes as declared, got {len(self.data)}; the CRC {state}"
        return f"CRC: expected {crc(self.data):04X}, got {sent}, which is {MADE_BY[self.crc]}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Cuts:
    """All frames of a byte string, and how many bytes belong to none."""

    frames: tuple[Cut, ...]
    garbage: int  # bytes between frames that are not blanks or line ends
    too_many: bool = False  # more than FRAMES_MAX; the rest was not looked at


HEX4 = re.compile(r"[0-9A-Fa-f]{4}")
_START = re.compile(rb"##[0-9]{4}")
_CRC = re.compile(rb"([ \t]{0,2})([0-9A-Fa-f]{4})(?=[\s#]|\Z)")
_BAD_CRC = re.compile(rb"([ \t]{0,2})([^\s#]{0,4})(?=[\s#]|\Z)")
_END = re.compile(rb"&&[ \t]{0,2}([0-9A-Fa-f]{4})(?=[\s#]|\Z)")
_HEAD = 6  # ## and the length


def cut(payload: bytes) -> Cuts:
    """The frames of a payload in order. Work grows with the length of the payload only, whatever is in it.

    >>> found = cut(b"noise##0015ST=32;CN=1&&CP=ABCD")
    >>> found.garbage, found.frames[0].verdict, found.frames[0].crc_text
    (5, <Verdict.WRONG_LENGTH: 'wrong-length'>, '')
    """
    frames: list[Cut] = []
    garbage = at = 0
    while start := _START.search(payload, at):
        garbage += len(payload[at : start.start()].strip())
        if len(frames) == FRAMES_MAX:
            return Cuts(frames=tuple(frames), garbage=garbage, too_many=True)
        frames.append(_by_length(payload, start.start()) or _by_end(payload, start.start()))
        at = frames[-1].end
    return Cuts(frames=tuple(frames), garbage=garbage + len(payload[at:].strip()))


def _by_length(payload: bytes, start: int) -> Cut | None:
    """The frame whose declared length is right. Encrypted content may hold any bytes, so nothing is searched for."""
    declared = int(payload[start + 2 : start + _HEAD])
    stop = start + _HEAD + declared
    if payload[stop - 2 : stop] != b"&&":
        return None
    tail = _CRC.match(payload, stop) or _BAD_CRC.match(payload, stop)
    return tail and _cut(payload, start, stop, tail)


def _by_end(payload: bytes, start: int) -> Cut:
    """The frame whose declared length is wrong: up to the first && with a CRC, or to where the next frame starts."""
    following = _START.search(payload, start + _HEAD)
    limit = following.start() if following else len(payload)
    tail = _END.search(payload, start + _HEAD, limit)
    if tail:
        return _cut(payload, start, tail.start() + 2, tail)
    data = payload[start + _HEAD : limit].rstrip()
    return Cut(start=start, end=limit, data=data, declared=int(payload[start + 2 : start + _HEAD]), crc_text="")


def _cut(payload: bytes, start: int, stop: int, tail: re.Match[bytes]) -> Cut:
    end = tail.end()
    clean = payload[end : end + 2] in {b"\r\n", b""}
    blank = tail.start(tail.lastindex or 0) > stop
    return Cut(
        start=start,
        end=min(end + 2, len(payload)) if clean else end,
        data=payload[start + _HEAD : stop],
        declared=int(payload[start + 2 : start + _HEAD]),
        crc_text=tail[tail.lastindex or 0].decode("latin-1"),
        tolerances=(Tolerance.BLANK,) * blank + (Tolerance.LINE_END,) * (not clean),
    )
