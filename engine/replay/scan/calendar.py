"""Compiled readers of one date and time."""

import numpy as np
from numpy.typing import NDArray

from sensors.kernel import compiled

MONTH_DAYS = np.array([31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31])
DAY_MS, HOUR_MS, MINUTE_MS = 86_400_000, 3_600_000, 60_000


@compiled
def days_since_1970(year: int, month: int, day: int) -> int:
    """Days of a date of the Gregorian calendar; -(1 << 40) where there is no such date.

    >>> days_since_1970(2024, 2, 29), days_since_1970(2023, 2, 29) < -1_000_000
    (19782, True)
    """
    leap = (year % 4 == 0 and year % 100 != 0) or year % 400 == 0
    if month < 1 or month > 12 or day < 1 or year < 1:
        return -(1 << 40)
    if day > MONTH_DAYS[month - 1] + (1 if leap and month == 2 else 0):
        return -(1 << 40)
    # Counted from March, so that the leap day ends the year (H. Hinnant, days_from_civil).
    y = year - (1 if month <= 2 else 0)
    era = y // 400
    of_era = y - era * 400
    of_year = (153 * ((month + 9) % 12) + 2) // 5 + day - 1
    return era * 146097 + of_era * 365 + of_era // 4 - of_era // 100 + of_year - 719468


@compiled
def digits(data: NDArray[np.uint8], at: int, stop: int, most: int) -> tuple[int, int]:
    """(value, end) of up to `most` digits at `at`; end == at where there is none."""
    value = 0
    first = at
    while at < stop and at - first < most and 48 <= data[at] <= 57:
        value = value * 10 + (data[at] - 48)
        at += 1
    return value, at


@compiled
def parse_offset(data: NDArray[np.uint8], at: int, stop: int) -> tuple[int, bool]:
    """Milliseconds east of UTC of 'Z', '+08', '+0800' or '+08:00' at data[at:stop], and whether it is there."""
    if data[at] == 90:
        return 0, at + 1 == stop
    if data[at] != 43 and data[at] != 45:
        return 0, False
    sign = 1 if data[at] == 43 else -1
    hours, end = digits(data, at + 1, stop, 2)
    sure = end == at + 3 and hours < 24
    minutes = 0
    if sure and end < stop:
        if data[end] == 58:
            end += 1
        minutes, last = digits(data, end, stop, 2)
        sure = last == end + 2 and last == stop and minutes < 60
    return sign * (hours * HOUR_MS + minutes * MINUTE_MS), sure


@compiled
def parse_clock(data: NDArray[np.uint8], at: int, stop: int) -> tuple[int, int]:
    """(ms of the day, end) of 'hh:mm', 'hh:mm:ss' or 'hh:mm:ss.fff' at `at`; end -1 where that is not there."""
    hour, end = digits(data, at, stop, 2)
    if end == at or end >= stop or data[end] != 58:
        return 0, -1
    minute, last = digits(data, end + 1, stop, 2)
    if last != end + 3 or hour > 23 or minute > 59:
        return 0, -1
    ms = hour * HOUR_MS + minute * MINUTE_MS
    if last >= stop or data[last] != 58:
        return ms, last
    second, end = digits(data, last + 1, stop, 2)
    if end != last + 3 or second > 59:
        return 0, -1
    ms += second * 1000
    if end >= stop or (data[end] != 46 and data[end] != 44):
        return ms, end
    fraction, last = digits(data, end + 1, stop, 3)
    count = last - end - 1
    if count == 0:
        return 0, -1
    ms += fraction * (100 if count == 1 else 10 if count == 2 else 1)
    _, last = digits(data, last, stop, 6)
    return ms, last


@compiled
def parse_iso(data: NDArray[np.uint8], at: int, stop: int) -> tuple[int, bool, bool]:
    """(ms, whether they are local, whether that is certain) of an ISO 8601 time at data[at:stop]."""
    year, y = digits(data, at, stop, 4)
    if y != at + 4 or y >= stop or (data[y] != 45 and data[y] != 47):
        return 0, False, False
    month, m = digits(data, y + 1, stop, 2)
    if m == y + 1 or m >= stop or (data[m] != 45 and data[m] != 47):
        return 0, False, False
    day, d = digits(data, m + 1, stop, 2)
    days = days_since_1970(year, month, day)
    if d == m + 1 or days < -(1 << 30):
        return 0, False, False
    ms = days * DAY_MS
    if d == stop:
        return ms, True, True
    if data[d] != 84 and data[d] != 32:
        return 0, False, False
    clock, end = parse_clock(data, d + 1, stop)
    if end < 0:
        return 0, False, False
    ms += clock
    if end < stop and data[end] == 32:
        end += 1
    if end == stop:
        return ms, True, data[stop - 1] != 32
    offset, sure = parse_offset(data, end, stop)
    return ms - offset, False, sure


@compiled
def parse_pattern(
    data: NDArray[np.uint8], at: int, stop: int, ops: NDArray[np.int64], parts: NDArray[np.int64]
) -> tuple[int, bool]:
    """(local ms, whether that is certain) of data[at:stop], by the codes of `pattern_ops`; `parts` is scratch, (6,)."""
    parts[:3], parts[3:] = 1, 0
    for op in ops:
        if op > 0:
            if at >= stop or data[at] != op:
                return 0, False
            at += 1
        else:
            width = 4 if op == -1 else 2
            value, end = digits(data, at, stop, width)
            if end == at or (op == -1 and end != at + 4):
                return 0, False
            parts[-op - 1] = value
            at = end
    year, month, day, hour, minute, second = parts
    days = days_since_1970(year, month, day)
    sure = at == stop and days > -(1 << 30) and hour < 24 and minute < 60 and second < 60
    return days * DAY_MS + hour * HOUR_MS + minute * MINUTE_MS + second * 1000, sure
