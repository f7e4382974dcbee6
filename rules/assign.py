"""The compiled loop that puts readings into slots and counts readings over a threshold, one after the other."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from rules.calendar import DAY_MS, HOUR_MS
from rules.outcome import Outcome
from rules.slots import DIRTY, JUDGED, PENDING, SlotGrids
from sensors.kernel import compiled
from sensors.reading import Flag

# plain integers: the compiler takes them as constants
NEW, DUPLICATE, CORRECTED = int(Outcome.NEW), int(Outcome.DUPLICATE), int(Outcome.CORRECTED)
SUPERSEDED, UNJUDGED = int(Outcome.SUPERSEDED), int(Outcome.UNJUDGED)
FUTURE, TOO_LATE = int(Outcome.FUTURE), int(Outcome.TOO_LATE)
EMPTY, NORMAL = int(Flag.EMPTY), int(Flag.NORMAL)
PLACES = 65536


class Columns(NamedTuple):
    """A reading batch with the local day of each day reading. Shape of each column: (readings,)."""

    series: NDArray[np.int32]
    device_ms: NDArray[np.int64]
    value: NDArray[np.float64]
    flag: NDArray[np.uint8]
    log_ms: NDArray[np.int64]
    day: NDArray[np.int64]  # 0 where the series is not of kind day
    day_ms: NDArray[np.int64]  # since the start of that day


class Slots(NamedTuple):
    """The arrays of `SlotGrids`, and which grid and row each series has (grid -1: none)."""

    grid_of: NDArray[np.int16]
    row_of: NDArray[np.int32]
    daily: NDArray[np.bool_]  # per grid
    shape: NDArray[np.int64]
    base: NDArray[np.int64]
    row_base: NDArray[np.int64]
    block_base: NDArray[np.int64]
    value: NDArray[np.float64]
    flag: NDArray[np.uint8]
    place: NDArray[np.uint16]
    filled: NDArray[np.uint16]
    state: NDArray[np.uint8]
    dirty: NDArray[np.int32]


class Bounds(NamedTuple):
    """How far device times may lie from log time, and the step of revisions; ms."""

    late: int
    future: int
    revise: int


class Instants(NamedTuple):
    """Checks of kind `instant`: parameters and state, shape (checks,), in the order of their series.

    Checks of series s are first[s]:first[s + 1]; `first` has one element where there are none at all.
    """

    first: NDArray[np.int32]
    threshold: NDArray[np.float64]
    in_a_row: NDArray[np.int32]
    scale: NDArray[np.float64]  # values are rounded to 1 / scale
    from_ms: NDArray[np.int64]
    to_ms: NDArray[np.int64]
    reference_o2: NDArray[np.float64]  # NaN: measured basis
    o2_series: NDArray[np.int32]  # -1: none
    o2_max: float
    newest_ms: NDArray[np.int64]
    run: NDArray[np.int32]
    run_ms: NDArray[np.int64]  # device time of the first of the run
    open: NDArray[np.uint8]


class Found(NamedTuple):
    """What one call found, in log order; `counted[0]` series completed, `counted[1]` instant events."""

    counted: NDArray[np.int64]
    full_grid: NDArray[np.int32]
    full_row: NDArray[np.int32]
    full_block: NDArray[np.int64]
    full_ms: NDArray[np.int64]  # log time
    event_check: NDArray[np.int32]
    event_row: NDArray[np.int64]  # row of the batch
    event_value: NDArray[np.float64]
    event_run_ms: NDArray[np.int64]  # device time of the first reading of the run


def slots_of(grids: SlotGrids, grid_of: NDArray[np.int16], row_of: NDArray[np.int32]) -> Slots:
    """The kernel's view of the grids: the same memory."""
    return Slots(
        grid_of, row_of, np.array([s.daily for s in grids.specs], np.bool_), grids.shape, grids.base, grids.row_base,
        grids.block_base, grids.value, grids.flag, grids.place, grids.filled, grids.state, grids.dirty,
    )  # fmt: skip


def room_for(readings: int, fan: int) -> Found:
    """Buffers for what `readings` rows can cause at the most; `fan` = most instant checks of one series."""
    events = readings * fan
    return Found(
        np.zeros(2, np.int64), np.empty(readings, np.int32), np.empty(readings, np.int32), np.empty(readings, np.int64),
        np.empty(readings, np.int64), np.empty(events, np.int32), np.empty(events, np.int64), np.empty(events),
        np.empty(events, np.int64),
    )  # fmt: skip


@compiled
def _where(s: Slots, c: Columns, r: int, g: int) -> tuple[int, int, int, int]:
    """(block, ring position, slot, position in the slot) of reading r in grid g."""
    if s.daily[g]:
        block = c.day[r]
        return block, block % s.shape[g, 3], 0, min(PLACES - 1, c.day_ms[r] * PLACES // DAY_MS)
    cadence = s.shape[g, 0]
    block = c.device_ms[r] // HOUR_MS
    within = c.device_ms[r] - block * HOUR_MS
    slot = within // cadence
    return block, block % s.shape[g, 3], slot, (within - slot * cadence) * PLACES // cadence


@compiled
def _outcome(s: Slots, c: Columns, r: int, k: int, place: int) -> int:
    """What reading r means for slot k, if its time is acceptable."""
    held = s.flag[k]
    if held == EMPTY:
        return NEW
    normal = c.flag[r] == NORMAL
    if normal != (held == NORMAL):
        return CORRECTED if normal else SUPERSEDED
    if place != s.place[k]:
        return CORRECTED if place > s.place[k] else SUPERSEDED
    return DUPLICATE if c.value[r] == s.value[k] and c.flag[r] == held else CORRECTED


@compiled
def _untimely(b: Bounds, device_ms: int, log_ms: int) -> int:
    """FUTURE, TOO_LATE, or UNJUDGED for a time that is acceptable."""
    if device_ms > log_ms + b.future:
        return FUTURE
    return TOO_LATE if device_ms < log_ms - b.late else UNJUDGED


@compiled
def _changes_pending(s: Slots, c: Columns, b: Bounds, i: int, j: int) -> bool:
    """Whether rows [i, j) would change a series that is full and waits to be judged."""
    for r in range(i, j):
        g = s.grid_of[c.series[r]]
        if g < 0 or _untimely(b, c.device_ms[r], c.log_ms[r]) != UNJUDGED:
            continue
        _, ring, slot, place = _where(s, c, r, g)
        rows, row = s.shape[g, 2], s.row_of[c.series[r]]
        if s.state[s.row_base[g] + ring * rows + row] & PENDING:
            k = s.base[g] + (ring * s.shape[g, 1] + slot) * rows + row
            if _outcome(s, c, r, k, place) == CORRECTED:
                return True
    return False


@compiled
def _put(s: Slots, c: Columns, b: Bounds, r: int, found: Found) -> tuple[int, bool]:
    """Put reading r into its slot: (outcome, whether a judged window changed)."""
    untimely = _untimely(b, c.device_ms[r], c.log_ms[r])
    g = s.grid_of[c.series[r]]
    if untimely != UNJUDGED or g < 0:
        return untimely, False
    block, ring, slot, place = _where(s, c, r, g)
    slots, rows, row = s.shape[g, 1], s.shape[g, 2], s.row_of[c.series[r]]
    k = s.base[g] + (ring * slots + slot) * rows + row
    outcome = _outcome(s, c, r, k, place)
    if outcome != NEW and outcome != CORRECTED:
        return outcome, False
    s.value[k] = c.value[r]
    s.flag[k] = c.flag[r]
    s.place[k] = place
    w = s.row_base[g] + ring * rows + row
    if outcome == NEW:
        s.filled[w] += 1
        if s.filled[w] == slots and not s.daily[g]:
            n = found.counted[0]
            found.full_grid[n], found.full_row[n], found.full_block[n], found.full_ms[n] = g, row, block, c.log_ms[r]
            found.counted[0] = n + 1
            s.state[w] |= PENDING
    if s.state[w] & JUDGED == 0:
        return outcome, False
    if s.state[w] & DIRTY == 0:
        s.state[w] |= DIRTY
        s.dirty[s.block_base[g] + ring] += 1
    return outcome, True


@compiled
def _converted(s: Slots, c: Columns, r: int, t: Instants, k: int) -> float:
    """The value an instant check looks at; NaN if it cannot be converted."""
    if np.isnan(t.reference_o2[k]):
        return float(c.value[r])
    o2 = t.o2_series[k]
    if o2 < 0 or s.grid_of[o2] < 0:
        return np.nan
    g = s.grid_of[o2]
    _, ring, slot, _ = _where(s, c, r, g)
    at = s.base[g] + (ring * s.shape[g, 1] + slot) * s.shape[g, 2] + s.row_of[o2]
    if s.flag[at] != NORMAL or s.value[at] >= t.o2_max:
        return np.nan
    return float(c.value[r] * (21 - t.reference_o2[k]) / (21 - s.value[at]))


@compiled
def _count(s: Slots, c: Columns, r: int, t: Instants, k: int, found: Found) -> None:
    """Let reading r count in instant check k."""
    at_ms = c.device_ms[r]
    if at_ms <= t.newest_ms[k] or at_ms < t.from_ms[k] or at_ms >= t.to_ms[k]:
        return
    value = _converted(s, c, r, t, k)
    if np.isnan(value):
        return
    value = np.rint(value * t.scale[k]) / t.scale[k]
    t.newest_ms[k] = at_ms
    if value > t.threshold[k]:
        t.run[k] += 1
        if t.run[k] == 1:
            t.run_ms[k] = at_ms
        if t.run[k] != t.in_a_row[k]:
            return
        t.open[k] = 1
    else:
        t.run[k] = 0
        if t.open[k] == 0:
            return
        t.open[k] = 0
    n = found.counted[1]
    found.event_check[n], found.event_row[n], found.event_value[n], found.event_run_ms[n] = k, r, value, t.run_ms[k]
    found.counted[1] = n + 1


@compiled
def assign(
    first: int, end: int, stop_ms: int, c: Columns, s: Slots, b: Bounds, t: Instants, found: Found, outcome: NDArray[np.uint8]
) -> tuple[int, int]:
    """Put rows [first, end) into slots, those of one log time together, as far as log times < stop_ms.

    Returns the first row not taken and the moment until which nothing needs to be judged again (`stop_ms`, or sooner
    where a judged window changed). Stops early before rows that would change a window that is complete but was not
    judged yet. `outcome` (readings,) is written for the rows taken.
    """
    i = first
    while i < end and c.log_ms[i] < stop_ms:
        j = i + 1
        while j < end and c.log_ms[j] == c.log_ms[i]:
            j += 1
        if found.counted[0] > 0 and _changes_pending(s, c, b, i, j):
            break
        for r in range(i, j):
            outcome[r], judged = _put(s, c, b, r, found)
            if judged:
                stop_ms = min(stop_ms, (c.log_ms[r] // b.revise + 1) * b.revise)
        if len(t.first) > 1:
            for r in range(i, j):
                counts = outcome[r] == NEW or outcome[r] == CORRECTED
                if counts and c.flag[r] == NORMAL:
                    for k in range(t.first[c.series[r]], t.first[c.series[r] + 1]):
                        _count(s, c, r, t, k, found)
        i = j
    return i, stop_ms
