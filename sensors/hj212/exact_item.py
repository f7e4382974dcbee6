"""Compiled reading of one factor in the exact grammar: its fields, its value, its flag."""

from typing import NamedTuple

import numpy as np

from sensors.hj212.area import ATTRIBUTES
from sensors.hj212.commands import VALUE_FIELD
from sensors.hj212.exact import FLAG_OF, Bytes, number, plain, same, whole, word
from sensors.kernel import compiled
from sensors.reading import Kind

NAMES = np.array([int.from_bytes(name[-8:].encode(), "big") for name in ATTRIBUTES])
"""Field names as `word` reads them: the last 8 bytes."""

FLAG_NAME = ATTRIBUTES.index("Flag")
VALUE_NAME = np.array([ATTRIBUTES.index(VALUE_FIELD[kind]) for kind in Kind])
"""Places in ATTRIBUTES; the second by Kind."""

CODE_MAX = 8
"""Bytes of a code that fit one int64; a longer code is left to the tolerant reader."""


class Item(NamedTuple):
    """One factor of a frame; `at` is where it ends, -1 if it is not in the exact grammar."""

    at: int
    key: int
    value: float
    flag: int
    others: int


@compiled
def item(blob: Bytes, at: int, value_name: int) -> Item:
    """One factor: fields of one code, each at most once, its value among them."""
    start = at
    key, at = word(blob, at)
    size = at - start + 1
    value, flag, seen = 0.0, 0, 0
    ok = 1 < size <= CODE_MAX + 1 and blob[at] == 45
    while ok:
        name, after = field_name(blob, at + 1)
        ok = name >= 0 and not seen >> name & 1
        seen |= 1 << max(name, 0)
        if name == value_name:
            value, at = number(blob, after)
        elif name == FLAG_NAME:
            flag, at = FLAG_OF[blob[after]], after + 1
            ok = ok and flag > 0
        else:
            at = plain(blob, after)
        if not ok or at < 0 or blob[at] != 44:
            break
        ok = same(blob, start, blob, at + 1, size)
        at += size
    ok = ok and at >= 0 and (seen >> value_name & 1) == 1
    others = -1 - (seen >> FLAG_NAME & 1)
    for name in range(len(NAMES)):
        others += seen >> name & 1
    return Item(at if ok else -1, key, value, flag, others)


@compiled
def field_name(blob: Bytes, at: int) -> tuple[int, int]:
    """(place in NAMES of the field name, where its value begins); -1 for a name that is not there."""
    key, end = word(blob, at)
    if blob[end] == 61:
        for name in range(len(NAMES)):
            if NAMES[name] == key:
                return name, end + 1
    return -1, end


@compiled
def bare(blob: Bytes, at: int) -> bool:
    """Whether a code may have lost its letter (01018): the tolerant reader gives it back."""
    return whole(blob, at, 5) >= 0 and blob[at + 5] == 45
