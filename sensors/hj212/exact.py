"""Compiled readers for text in the exact grammar: words, numbers, times. Each says -1 for anything else.

All of them stop at `&` at the latest, and every data segment ends with `&&`, so none reads past it.
"""

import numpy as np
from numpy.typing import NDArray

from sensors.hj212.times import CHINA_MS, YEARS
from sensors.kernel import compiled
from sensors.reading import LETTERS

Bytes = NDArray[np.uint8]

DIGITS_MAX = 18  # of a number; more may not fit an int64
EXACT_MAX = 1 << 53  # whole numbers up to here are doubles
POWERS = np.array([float(10**n) for n in range(23)])
"""10^0 to 10^22, all exact doubles: mantissa / power is the double nearest to the text (Clinger)."""

FIRST_YEAR, END_YEAR = YEARS.start, YEARS.stop
DAYS = np.array([31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31])

WORD, PLAIN = 1, 2
CLASS = np.zeros(256, np.uint8)
"""WORD: may stand in a code or field name. PLAIN: may stand in a value (printable, no blank, none of & ; , =)."""
for _byte in range(0x21, 0x7F):
    _word = WORD if chr(_byte).isalnum() or chr(_byte) == "_" else 0
    CLASS[_byte] = 0 if chr(_byte) in "&;,=" else PLAIN | _word

FLAG_OF = np.zeros(256, np.uint8)
for _letter, _flag in LETTERS.items():
    FLAG_OF[ord(_letter)] = _flag


@compiled
def word(blob: Bytes, at: int) -> tuple[int, int]:
    """(the last 8 bytes of a name as one number, where it ends)."""
    key = np.int64(0)
    while CLASS[blob[at]] & WORD:
        key = (key << 8) | blob[at]
        at += 1
    return int(key), at


@compiled
def plain(blob: Bytes, at: int) -> int:
    """Where a value that is not looked at ends, -1 if it is empty."""
    start = at
    while CLASS[blob[at]]:
        at += 1
    return at if at > start else -1


@compiled
def whole(blob: Bytes, at: int, digits: int) -> int:
    """The number in exactly so many digits."""
    value = np.int64(0)
    for i in range(at, at + digits):
        digit = np.int64(blob[i]) - 48
        if digit < 0 or digit > 9:
            return -1
        value = value * 10 + digit
    return int(value)


@compiled
def number(blob: Bytes, at: int) -> tuple[float, int]:
    """(value, where it ends); the end is -1 if the text is not [-]digits[.digits] or has too many of them."""
    negative = blob[at] == 45
    at += negative
    mantissa = np.int64(0)
    start, point = at, -1
    while True:
        digit = np.int64(blob[at]) - 48
        if 0 <= digit <= 9:
            mantissa = mantissa * 10 + digit
        elif digit == -2 and point < 0:
            point = at
        else:
            break
        at += 1
    decimals = at - point - 1 if point >= 0 else 0
    digits = at - start - (point >= 0)
    if digits > DIGITS_MAX or mantissa > EXACT_MAX or digits == decimals or (point >= 0 and decimals == 0):
        return 0.0, -1
    value = float(mantissa / POWERS[decimals])
    return -value if negative else value, at


@compiled
def instant(blob: Bytes, at: int) -> int:
    """UTC ms of 14 digits YYYYMMDDhhmmss in UTC+8."""
    day, second = whole(blob, at, 8), whole(blob, at + 8, 6)
    if day < 0 or second < 0:
        return -1
    days = day_number(day // 10000, day // 100 % 100, day % 100)
    hour, minute, second = second // 10000, second // 100 % 100, second % 100
    if days < 0 or hour > 23 or minute > 59 or second > 59:
        return -1
    return (((days * 24 + hour) * 60 + minute) * 60 + second) * 1000 - CHINA_MS


@compiled
def day_number(year: int, month: int, day: int) -> int:
    """Days since 1970-01-01 (Howard Hinnant's days_from_civil), -1 if no calendar of these years has it."""
    if year < FIRST_YEAR or year >= END_YEAR or month < 1 or month > 12 or day < 1:
        return -1
    leap = month == 2 and year % 4 == 0  # 2000 is a leap year, 2100 is out of range
    if day > DAYS[month - 1] + leap:
        return -1
    y = year - (month <= 2)
    month_from_march = (month + 9) % 12
    day_of_year = (153 * month_from_march + 2) // 5 + day - 1
    era, year_of_era = y // 400, y % 400
    return era * 146097 + year_of_era * 365 + year_of_era // 4 - year_of_era // 100 + day_of_year - 719468


@compiled
def hex4(blob: Bytes, at: int) -> int:
    """The number in four hex digits of either case."""
    value = np.int64(0)
    for i in range(at, at + 4):
        byte = np.int64(blob[i])
        digit = byte - 48 if byte < 58 else (byte | 32) - 87
        if digit < 0 or digit > 15 or (byte > 57 and digit < 10):
            return -1
        value = value * 16 + digit
    return int(value)


@compiled
def starts(blob: Bytes, at: int, text: Bytes) -> bool:
    """Whether blob[at:] begins with the text."""
    for i in range(len(text)):  # noqa: SIM110 - compiled code has no all()
        if blob[at + i] != text[i]:
            return False
    return True


@compiled
def same(text: Bytes, first: int, blob: Bytes, start: int, size: int) -> bool:
    """Whether so many bytes are the same in both."""
    for i in range(size):  # noqa: SIM110 - compiled code has no all()
        if text[first + i] != blob[start + i]:
            return False
    return True
