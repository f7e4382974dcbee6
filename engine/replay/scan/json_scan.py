"""The compiled scanner of JSON lines. It accepts less than JSON allows, never more: what it is not sure of it says.

Lines of one file are mostly alike. A line is first held against the last good one: where all between the values is the
same, byte for byte, only the values are looked at. Otherwise it is read member by member.
"""

import numpy as np
from numpy.typing import NDArray

from engine.replay.scan.cells import CellKind
from engine.replay.scan.eights import digits_end, same_text, text_end
from sensors.kernel import compiled, inlined

MISSING, TEXT, NUMBER = int(CellKind.MISSING), int(CellKind.TEXT), int(CellKind.NUMBER)
LF, CR, BLANK, TAB, QUOTE, COMMA, COLON, OPEN, CLOSE = 10, 13, 32, 9, 34, 44, 58, 123, 125
UNSURE = -1
MEMBERS_MAX = 256
KEY, KIND, START, STOP = 0, 1, 2, 3
"""Rows of `now` and `before`: what is known of the members of this line, and of the last good one."""


@compiled
def scan_lines(
    data: NDArray[np.uint8],
    eight: NDArray[np.uint64],
    high: np.uint64,
    key_data: NDArray[np.uint8],
    key_end: NDArray[np.int64],
    start: NDArray[np.int32],
    stop: NDArray[np.int32],
    kind: NDArray[np.uint8],
    sure: NDArray[np.bool_],
    line: NDArray[np.int64],
    span: NDArray[np.int32],
) -> int:
    """Fill the row arrays, shapes (keys, rows) and (rows,), from whole lines; returns the rows.

    `kind` comes filled with MISSING. `span` is the whole line, for whoever must look again; lines of blanks only are no
    rows. `high`: see `text_end`.
    """
    now, before = np.zeros((4, MEMBERS_MAX), np.int64), np.zeros((4, MEMBERS_MAX), np.int64)
    at, row, lines, keys, members, good = 0, 0, 0, len(key_end), 0, -1
    while at < len(data) - 8:
        begin = at
        if good >= 0:
            at = scan_alike(data, eight, high, begin, good, before, members, now)
        if good < 0 or at == UNSURE:
            good, members, at = scan_object(data, eight, high, begin, key_data, key_end, now)
            before[:, :members] = now[:, :members]
        sure[row] = at != UNSURE
        at = begin if at == UNSURE else at
        while data[at] != LF:
            at += 1
        span[row, 0], span[row, 1] = begin, at
        line[row] = lines
        for member in range(members if sure[row] else 0):
            key = now[KEY, member]
            if key < keys:
                kind[key, row] = now[KIND, member]
                start[key, row], stop[key, row] = now[START, member], now[STOP, member]
        row += sure[row] or skip_blanks(data, begin) < at
        lines += 1
        at += 1
    return row


@inlined
def scan_alike(
    data: NDArray[np.uint8],
    eight: NDArray[np.uint64],
    high: np.uint64,
    at: int,
    good: int,
    before: NDArray[np.int64],
    members: int,
    now: NDArray[np.int64],
) -> int:
    """Scan the line at `at` as one like that at `good`, whose members are `before`; the end of the line, or UNSURE."""
    for member in range(members):
        length = before[START, member] - good
        if not same_text(eight, at, eight, good, length):
            return UNSURE
        at += length
        now[START, member] = at
        if before[KIND, member] == TEXT:
            at = text_end(eight, at, high)
            if data[at] != QUOTE:
                return UNSURE
        elif before[KIND, member] == NUMBER:
            at = number_end(data, eight, at)
            if at == UNSURE:
                return UNSURE
        now[STOP, member] = at
        good = before[STOP, member]
    while data[at] == data[good] and data[at] != LF:
        at += 1
        good += 1
    return at if data[at] == data[good] else UNSURE


@compiled
def scan_object(
    data: NDArray[np.uint8],
    eight: NDArray[np.uint64],
    high: np.uint64,
    begin: int,
    key_data: NDArray[np.uint8],
    key_end: NDArray[np.int64],
    now: NDArray[np.int64],
) -> tuple[int, int, int]:
    """Scan the line at `begin` by the grammar: (`begin`, members, end of the line), or (-1, 0, UNSURE)."""
    member, separator, at = 0, COMMA, skip_blanks(data, begin)
    if data[at] != OPEN:
        return -1, 0, UNSURE
    while separator == COMMA and member < MEMBERS_MAX:
        name = skip_blanks(data, at + 1) + 1
        end = text_end(eight, name, high) if data[name - 1] == QUOTE else name - 1
        colon = skip_blanks(data, end + 1) if data[end] == QUOTE and end >= name else end
        if data[colon] != COLON or colon == end:
            return -1, 0, UNSURE
        now[KEY, member] = find_key(data, name, end, key_data, key_end)
        at, now[KIND, member], now[START, member], now[STOP, member] = scan_value(
            data, eight, high, skip_blanks(data, colon + 1)
        )
        if at == UNSURE or given_twice(now, member, len(key_end)):
            return -1, 0, UNSURE
        at = skip_blanks(data, at)
        separator = data[at]
        member += 1
    at = skip_blanks(data, at + 1)
    return (begin, member, at) if separator == CLOSE and data[at] == LF else (-1, 0, UNSURE)


@compiled
def given_twice(now: NDArray[np.int64], member: int, keys: int) -> bool:
    """Whether the wanted key of a member is that of an earlier one."""
    earlier = 0
    while now[KEY, earlier] != now[KEY, member]:
        earlier += 1
    return earlier < member and now[KEY, member] < keys


@compiled
def scan_value(
    data: NDArray[np.uint8], eight: NDArray[np.uint64], high: np.uint64, at: int
) -> tuple[int, int, int, int]:
    """(end, CellKind, start of the text, its stop) of the string, number or null at `at`; end UNSURE for all else."""
    if data[at] == QUOTE:
        stop = text_end(eight, at + 1, high)
        return (stop + 1 if data[stop] == QUOTE else UNSURE), TEXT, at + 1, stop
    if data[at] == 110 and data[at + 1] == 117 and data[at + 2] == 108 and data[at + 3] == 108:
        return at + 4, MISSING, at + 4, at + 4
    stop = number_end(data, eight, at)
    return stop, NUMBER, at, stop


@inlined
def number_end(data: NDArray[np.uint8], eight: NDArray[np.uint64], at: int) -> int:
    """The end of the JSON number at `at`; UNSURE if it is none, or one that may be too large for a float64."""
    begin = at
    first = at + (data[at] == 45)
    at = digits_end(eight, first)
    sure = at > first and (data[first] != 48 or at == first + 1)
    if data[at] == 46:
        first = at + 1
        at = digits_end(eight, first)
        sure &= at > first
    if (data[at] | 32) == 101:
        first = at + 1
        first += data[first] == 43 or data[first] == 45
        at = digits_end(eight, first)
        sure &= at > first and at < first + 3
    return at if sure and at - begin < 40 else UNSURE


@compiled
def find_key(
    data: NDArray[np.uint8], at: int, stop: int, key_data: NDArray[np.uint8], key_end: NDArray[np.int64]
) -> int:
    """Which wanted key data[at:stop] is; the number of keys where it is none of them."""
    begin = 0
    for key in range(len(key_end)):
        length = key_end[key] - begin
        i = 0 if length == stop - at else length + 1
        while i < length and data[at + i] == key_data[begin + i]:
            i += 1
        if i == length:
            return key
        begin = key_end[key]
    return len(key_end)


@compiled
def skip_blanks(data: NDArray[np.uint8], at: int) -> int:
    """The next place that is no blank, tab or carriage return."""
    while data[at] == BLANK or data[at] == TAB or data[at] == CR:
        at += 1
    return at
