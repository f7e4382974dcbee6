"""What compiled code needs to know of the registry, as arrays: MNs and codes by hash, factors by outlet, measures."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sensors.hj212.exact import Bytes, same
from sensors.hj212.exact_item import CODE_MAX
from sensors.kernel import compiled
from sensors.lookup import Lookup
from sensors.reading import Flag

ANYBODY, NOBODY = -2, -1
"""In place of an MN number: a trusted import (or nothing claimed), and a name that is no MN (as login: a gateway)."""

Int32 = NDArray[np.int32]
Int64 = NDArray[np.int64]
Floats = NDArray[np.float64]


class Names(NamedTuple):
    """MNs by hash: open-addressed, at most half full, with a power of two slots."""

    slot: Int32  # MN number + 1, 0: empty
    text: Bytes  # all MNs, one after the other
    at: Int64  # (MNs + 1,) where each begins
    first: Int64  # (MNs + 1,) rows of `monitor`
    monitor: Int32  # monitors of one MN, ascending


class Bindings(NamedTuple):
    """Factors by monitor and code."""

    codes: Int64  # (slots, 4) by hash: packed code (0: empty), factor number, as 2005 code of water, of gas (-1: none)
    bound: Int32  # (bindings, 3) by outlet: factor number, binding, measure
    measures: Floats  # (measures, 3): multiply, divide, bound (-1: the unit does not convert)


KEY, DIRECT, ALIAS_WATER, ALIAS_GAS = range(4)
FACTOR, BINDING, MEASURE = range(3)
MULTIPLY, DIVIDE, BOUND = range(3)


class Tables(NamedTuple):
    """One version of the registry."""

    names: Names
    monitors: Int64  # (monitors, 6), columns below
    bindings: Bindings


VALID_FROM, VALID_TO, FIRST_BOUND, END_BOUND, ALIAS, UNSTATED = range(6)
"""Columns of `Tables.monitors`: validity, rows of `Bindings.bound`, which column of `codes` has its 2005 codes, and
the flag of a reading without one."""


def tables_of(lookup: Lookup) -> Tables:
    """The tables of one version of the registry."""
    measures = [(m.conversion.multiply, m.conversion.divide, m.bound) if m else (1.0, 1.0, -1.0) for m in lookup.measures]
    return Tables(
        names=_names(lookup),
        monitors=_monitors(lookup),
        bindings=Bindings(
            codes=_codes(lookup),
            bound=np.stack([lookup.bound_factor, lookup.bound_binding, lookup.bound_measure], axis=1),
            measures=np.array(measures, np.float64).reshape(-1, 3),
        ),
    )


def _names(lookup: Lookup) -> Names:
    texts = [mn.encode() for mn in lookup.mn_no]
    names = Names(
        slot=np.zeros(_slots(len(texts)), np.int32),
        text=np.frombuffer(b"".join(texts) or b"\0", np.uint8),
        at=np.cumsum([0, *map(len, texts)], dtype=np.int64),
        first=lookup.mn_start,
        monitor=lookup.mn_monitor,
    )
    fill(names)
    return names


def _monitors(lookup: Lookup) -> Int64:
    outlet = lookup.monitor_outlet
    rows = np.empty((len(outlet), 6), np.int64)
    rows[:, VALID_FROM], rows[:, VALID_TO] = lookup.valid_from, lookup.valid_to
    rows[:, FIRST_BOUND], rows[:, END_BOUND] = lookup.bound_start[outlet], lookup.bound_start[outlet + 1]
    rows[:, ALIAS] = np.where(lookup.outlet_is_water[outlet], ALIAS_WATER, ALIAS_GAS)
    rows[:, UNSTATED] = np.where(lookup.unstated_is_normal, Flag.NORMAL, Flag.UNSTATED)
    return rows


def _codes(lookup: Lookup) -> Int64:
    packed = {code: int.from_bytes(code.encode(), "big") for code in lookup.codes if _packs(code)}
    codes = np.zeros((_slots(len(packed)), 4), np.int64)
    for code, key in packed.items():
        numbers = lookup.codes[code]
        codes[code_place(codes, key)] = key, numbers.direct, numbers.water, numbers.gas
    return codes


def _packs(code: str) -> bool:
    return code.isascii() and 0 < len(code) <= CODE_MAX


def _slots(entries: int) -> int:
    return 1 << max(4, (2 * entries).bit_length())


@compiled
def code_place(codes: Int64, key: int) -> int:
    """The row of a packed code, or the empty one where it would stand."""
    mask = len(codes) - 1
    mixed = key * 0x2545F4914F6CDD1D
    at = (mixed ^ (mixed >> 29)) & mask
    while codes[at, KEY] != 0 and codes[at, KEY] != key:
        at = (at + 1) & mask
    return at


@compiled
def name_place(names: Names, blob: Bytes, start: int, end: int) -> int:
    """The slot of the MN blob[start:end], or the empty one where it would stand."""
    mixed = np.int64(0x27D4EB2F165667C5)
    for i in range(start, end):
        mixed = (mixed ^ blob[i]) * 1099511628211
    mask = len(names.slot) - 1
    place = int((mixed ^ (mixed >> 31)) & mask)
    while names.slot[place] != 0:
        first, last = names.at[names.slot[place] - 1], names.at[names.slot[place]]
        if last - first == end - start and same(names.text, first, blob, start, end - start):
            break
        place = (place + 1) & mask
    return place


@compiled
def fill(names: Names) -> None:
    """Enter all MNs."""
    for mn in range(len(names.at) - 1):
        names.slot[name_place(names, names.text, names.at[mn], names.at[mn + 1])] = mn + 1


@compiled
def mn_of(names: Names, blob: Bytes, start: int, end: int) -> int:
    """The number of the MN blob[start:end], -1 if it is not registered."""
    return int(names.slot[name_place(names, blob, start, end)]) - 1


@compiled
def speaker(tables: Tables, mn: int, payload: tuple[int, int, int]) -> int:
    """Position of the monitor that speaks, -1 if this MN is not known, not valid, or may not speak here."""
    log_ms, login, claimed = payload
    itself = login == mn and claimed in (ANYBODY, mn)
    behind_gateway = login == NOBODY and claimed == mn
    if mn < 0 or not (login == ANYBODY or itself or behind_gateway):
        return -1
    found = -1
    for i in range(tables.names.first[mn], tables.names.first[mn + 1]):
        monitor = tables.names.monitor[i]
        if tables.monitors[monitor, VALID_FROM] <= log_ms < tables.monitors[monitor, VALID_TO]:
            found = monitor
    return found


@compiled
def bound_place(bindings: Bindings, monitor: Int64, key: int) -> tuple[int, bool]:
    """(row of `bound` for a code at the monitor's outlet, -1 if there is none; whether it is a 2005 code)."""
    slot = code_place(bindings.codes, key)
    if bindings.codes[slot, KEY] == 0:
        return -1, False
    direct, alias = bindings.codes[slot, DIRECT], bindings.codes[slot, monitor[ALIAS]]
    renamed = -1
    for place in range(monitor[FIRST_BOUND], monitor[END_BOUND]):
        factor = bindings.bound[place, FACTOR]
        if factor == direct:
            return place, False
        if factor == alias:
            renamed = place
    return renamed, renamed >= 0
