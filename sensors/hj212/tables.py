"""What compiled code needs to know of the registry, as arrays: MNs and codes by hash, factors by outlet, measures."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sensors.hj212.crc import TABLE
from sensors.kernel import compiled
from sensors.lookup import Lookup

CODE_MAX = 8
"""Bytes of a code that compiled code reads; they stand in one int64."""

Int32 = NDArray[np.int32]
Int64 = NDArray[np.int64]
Bytes = NDArray[np.uint8]
Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


class Tables(NamedTuple):
    """Hash tables are open-addressed, at most half full, with a power of two slots."""

    crc: Int64  # (256,)
    mn_text: Bytes  # all MNs, one after the other
    mn_at: Int64  # (MNs + 1,) where each begins
    mn_slot: Int32  # MN number + 1 by hash, 0: empty
    mn_start: Int64  # (MNs + 1,) rows of mn_monitor
    mn_monitor: Int32  # monitors of one MN, ascending
    valid_from: Int64  # (monitors,)
    valid_to: Int64
    monitor_outlet: Int32
    unstated_is_normal: Bools
    outlet_is_water: Bools  # (outlets,)
    bound_start: Int64  # (outlets + 1,) rows of bound_*, by factor number
    bound_factor: Int32
    bound_binding: Int32
    bound_measure: Int32
    multiply: Floats  # (measures,)
    divide: Floats
    bound: Floats  # -1: the unit does not convert
    code_slot: Int64  # packed code by hash, 0: empty
    code_direct: Int32  # factor number, -1: none; same slots
    code_water: Int32
    code_gas: Int32


def tables_of(lookup: Lookup) -> Tables:
    """The tables of one version of the registry."""
    texts = [mn.encode() for mn in lookup.mn_no]
    mn_at = np.concatenate([[0], np.cumsum([len(t) for t in texts], dtype=np.int64)]).astype(np.int64)
    mn_text = np.frombuffer(b"".join(texts) or b"\0", np.uint8)
    mn_slot = np.zeros(_slots(len(texts)), np.int32)
    fill_mns(mn_text, mn_at, mn_slot)
    code_slot, direct, water, gas = _codes(lookup)
    measures = lookup.measures
    return Tables(
        crc=TABLE,
        mn_text=mn_text,
        mn_at=mn_at,
        mn_slot=mn_slot,
        mn_start=lookup.mn_start,
        mn_monitor=lookup.mn_monitor,
        valid_from=lookup.valid_from,
        valid_to=lookup.valid_to,
        monitor_outlet=lookup.monitor_outlet,
        unstated_is_normal=lookup.unstated_is_normal,
        outlet_is_water=lookup.outlet_is_water,
        bound_start=lookup.bound_start,
        bound_factor=lookup.bound_factor,
        bound_binding=lookup.bound_binding,
        bound_measure=lookup.bound_measure,
        multiply=np.array([m.conversion.multiply if m else 1.0 for m in measures], np.float64),
        divide=np.array([m.conversion.divide if m else 1.0 for m in measures], np.float64),
        bound=np.array([m.bound if m else -1.0 for m in measures], np.float64),
        code_slot=code_slot,
        code_direct=direct,
        code_water=water,
        code_gas=gas,
    )


def _codes(lookup: Lookup) -> tuple[Int64, Int32, Int32, Int32]:
    packed = {code: int.from_bytes(code.encode(), "big") for code in lookup.codes if _packs(code)}
    slot = np.zeros(_slots(len(packed)), np.int64)
    direct, water, gas = (np.full(len(slot), -1, np.int32) for _ in range(3))
    for code, key in packed.items():
        at = code_place(slot, key)
        numbers = lookup.codes[code]
        slot[at], direct[at], water[at], gas[at] = key, numbers.direct, numbers.water, numbers.gas
    return slot, direct, water, gas


def _packs(code: str) -> bool:
    return code.isascii() and 0 < len(code) <= CODE_MAX


def _slots(entries: int) -> int:
    return 1 << max(4, (2 * entries).bit_length())


@compiled
def code_place(slot: Int64, key: int) -> int:
    """The slot of a packed code, or the empty one where it would stand."""
    mask = len(slot) - 1
    mixed = key * 0x2545F4914F6CDD1D
    at = (mixed ^ (mixed >> 29)) & mask
    while slot[at] != 0 and slot[at] != key:
        at = (at + 1) & mask
    return at


@compiled
def mn_place(slot: Int32, text: Bytes, at: Int64, span: tuple[Bytes, int, int]) -> int:
    """The slot of an MN (blob, start, end), or the empty one where it would stand."""
    blob, start, end = span
    mixed = np.int64(0x27D4EB2F165667C5)
    for i in range(start, end):
        mixed = (mixed ^ blob[i]) * 1099511628211
    mask = len(slot) - 1
    place = int((mixed ^ (mixed >> 31)) & mask)
    while slot[place] != 0 and not same(text, at[slot[place] - 1], at[slot[place]], span):
        place = (place + 1) & mask
    return place


@compiled
def same(text: Bytes, first: int, last: int, span: tuple[Bytes, int, int]) -> bool:
    """Whether text[first:last] is blob[start:end]."""
    blob, start, end = span
    if last - first != end - start:
        return False
    for i in range(end - start):  # noqa: SIM110 - compiled code has no all()
        if text[first + i] != blob[start + i]:
            return False
    return True


@compiled
def fill_mns(text: Bytes, at: Int64, slot: Int32) -> None:
    """Enter all MNs."""
    for mn in range(len(at) - 1):
        slot[mn_place(slot, text, at, (text, at[mn], at[mn + 1]))] = mn + 1
