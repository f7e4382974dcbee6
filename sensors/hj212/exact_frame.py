"""Compiled reading of one frame in the exact grammar: length, CRC, head and DataTime."""

from typing import NamedTuple

import numpy as np

from sensors.hj212.commands import KINDS
from sensors.hj212.crc import crc_of
from sensors.hj212.exact import Bytes, hex4, instant, plain, starts, whole
from sensors.kernel import compiled

COMMANDS = np.array([cn for cn, _ in sorted(KINDS.items(), key=lambda pair: pair[1])])
"""The four commands with readings, in the order of Kind."""

SPLIT_BIT = 2

_TEXTS = ("QN=", "ST=", "CN=", "PW=", "MN=", "Flag=", "RF=1;", "CP=&&", "DataTime=")
QN, ST, CN, PW, MN, FLAG, RF, CP, TIME = (np.frombuffer(text.encode(), np.uint8) for text in _TEXTS)


class Head(NamedTuple):
    """The head of a frame; `at` is where its content begins, -1 if the head is not in the exact grammar."""

    at: int
    kind: int
    mn_start: int
    mn_end: int
    resent: bool


class Frame(NamedTuple):
    """What all readings of a frame share."""

    row: int
    at: int
    items: int  # blob[items:stop] are the factors
    stop: int
    kind: int
    device_ms: int


NO_HEAD = Head(-1, -1, 0, 0, False)


@compiled
def opened(blob: Bytes, at: int, end: int, row: int) -> tuple[Frame, Head]:
    """The frame at `at`; the place of its head is -1 if it is not in the exact grammar."""
    stop = sealed(blob, at, end)
    head = header(blob, at + 6) if stop >= 0 else NO_HEAD
    ms, items = device_time(blob, head.at, stop)
    return Frame(row, at, items, stop - 2, head.kind, ms), head if items >= 0 else NO_HEAD


@compiled
def sealed(blob: Bytes, at: int, end: int) -> int:
    """Where the data of the frame at `at` ends, -1 unless length, CRC and line end are right."""
    if end - at < 12 or blob[at] != 35 or blob[at + 1] != 35:
        return -1
    size = whole(blob, at + 2, 4)
    stop = at + 6 + size
    if size < 2 or stop + 4 > end or blob[stop - 1] != 38 or blob[stop - 2] != 38:
        return -1
    if hex4(blob, stop) != crc_of(blob, at + 6, stop):
        return -1
    last = stop + 4
    if last != end and not (last + 2 <= end and blob[last] == 13 and blob[last + 1] == 10):
        return -1
    return stop


@compiled
def device_time(blob: Bytes, at: int, stop: int) -> tuple[int, int]:
    """(DataTime, where the items begin); -1 for the place if DataTime is not what the content begins with."""
    after = at + len(TIME) + 14
    if at < 0 or after > stop - 2 or not starts(blob, at, TIME):
        return 0, -1
    ms = instant(blob, at + len(TIME))
    return ms, after if ms >= 0 else -1


@compiled
def header(blob: Bytes, at: int) -> Head:
    """The head of the data segment at `at`: fields in the order of the standard, data of the four kinds, not split."""
    if starts(blob, at, QN):
        at = at + 21 if whole(blob, at + 3, 17) >= 0 and blob[at + 20] == 59 else -1
    at = past(blob, at, ST)
    kind = command(blob, at)
    at = past(blob, past(blob, at, CN), PW)
    mn_start = at + 3
    at = past(blob, at, MN)
    mn_end = at - 1
    at = past_flag(blob, at)
    resent = at >= 0 and starts(blob, at, RF)
    at += 5 * resent
    if at < 0 or kind < 0 or not starts(blob, at, CP):
        at = -6
    return Head(at + 5, kind, mn_start, mn_end, resent)


@compiled
def past(blob: Bytes, at: int, name: Bytes) -> int:
    """Behind a field of the head, -1 if another one (or nothing) stands there."""
    if at < 0 or not starts(blob, at, name):
        return -1
    end = plain(blob, at + len(name))
    return end + 1 if end >= 0 and blob[end] == 59 else -1


@compiled
def past_flag(blob: Bytes, at: int) -> int:
    """Behind Flag, if there is one; -1 if it says that the data is split."""
    if at < 0 or not starts(blob, at, FLAG):
        return at
    end = past(blob, at, FLAG)
    digits = end - 1 - (at + len(FLAG))
    flag = whole(blob, at + len(FLAG), digits) if end >= 0 and digits <= 3 else -1
    return end if flag >= 0 and not flag & SPLIT_BIT else -1


@compiled
def command(blob: Bytes, at: int) -> int:
    """The kind of reading that CN stands for, -1 if it is none of the four."""
    if at < 0 or not starts(blob, at, CN) or blob[at + 7] != 59:
        return -1
    cn = whole(blob, at + 3, 4)
    for kind in range(len(COMMANDS)):
        if COMMANDS[kind] == cn:
            return kind
    return -1
