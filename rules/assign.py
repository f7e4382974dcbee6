"""The compiled loop that puts readings into slots and counts readings over a threshold, one after the other."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from rules.calendar import DAY_MS, HOUR_MS
from rules.outcome import Outcome
from rules.plan import Plan
from rules.slots import DIRTY, JUDGED, Slots
from sensors.kernel import compiled
from sensors.reading import KINDS, Flag

# plain integers: the compiler takes them as constants
NEW, DUPLICATE, CORRECTED = int(Outcome.NEW), int(Outcome.DUPLICATE), int(Outcome.CORRECTED)
SUPERSEDED, UNJUDGED = int(Outcome.SUPERSEDED), int(Outcome.UNJUDGED)
FUTURE, TOO_LATE = int(Outcome.FUTURE), int(Outcome.TOO_LATE)
EMPTY, NORMAL = int(Flag.EMPTY), int(Flag.NORMAL)
PLACES = 65536
NEVER_MS = 1 << 62
NOISE_FREE = 1e6  # values are compared after rounding to 6 decimals


class Columns(NamedTuple):
    """A reading batch with the local day of each day reading. Shape of each column: (readings,)."""

    series: NDArray[np.int32]
    device_ms: NDArray[np.int64]
    value: NDArray[np.float64]
    flag: NDArray[np.uint8]
    log_ms: NDArray[np.int64]
    day: NDArray[np.int64]  # 0 where the series is not of kind day
    day_ms: NDArray[np.int64]  # since the start of that day


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
    from_ms: NDArray[np.int64]
    to_ms: NDArray[np.int64]
    reference_o2: NDArray[np.float64]  # NaN: measured basis
    o2_series: NDArray[np.int32]  # -1: none
    o2_max: float
    newest_ms: NDArray[np.int64]
    run: NDArray[np.int32]
    run_ms: NDArray[np.int64]  # device time of the first of the run
    open: NDArray[np.uint8]


class Ties(NamedTuple):
    """Which series are judged together, as far as a change after a completed window could tell: those of one outlet."""

    outlet: NDArray[np.int32]  # by series
    device: NDArray[np.bool_]  # by series: the device's own hour, which can stand in for one that is complete
    waiting: NDArray[np.int64]  # by outlet: the latest hour in which a series is full that nobody looked at yet, else -1


class Found(NamedTuple):
    """What one call found, in log order; `counted[0]` series completed, `counted[1]` instant events."""

    counted: NDArray[np.int64]
    full_grid: NDArray[np.int32]
    full_row: NDArray[np.int32]
    full_block: NDArray[np.int64]
    full_ms: NDArray[np.int64]  # log time
    full_outlet: NDArray[np.int32]
    event_check: NDArray[np.int32]
    event_row: NDArray[np.int64]  # row of the batch
    event_value: NDArray[np.float64]
    event_run_ms: NDArray[np.int64]  # device time of the first reading of the run


def ties_of(plan: Plan) -> Ties:
    """The ties of all series of a plan."""
    outlet = np.repeat(plan.registry.columns.binding_outlet, KINDS)
    stands_in = np.concatenate([plan.checks.device_row, plan.checks.helper_device_row])
    hourly = (plan.grid_of == plan.hour_grid) & (plan.hour_grid >= 0)
    waiting = np.full(len(plan.registry.outlets), -1, np.int64)
    return Ties(outlet, hourly & np.isin(plan.row_of, stands_in[stands_in >= 0]), waiting)


def room_for(readings: int, fan: int) -> Found:
    """Buffers for what `readings` rows can cause at the most; `fan` = most instant checks of one series."""
    events = readings * fan
    return Found(
        np.zeros(2, np.int64), np.empty(readings, np.int32), np.empty(readings, np.int32), np.empty(readings, np.int64),
        np.empty(readings, np.int64), np.empty(readings, np.int32),
        np.empty(events, np.int32), np.empty(events, np.int64), np.empty(events), np.empty(events, np.int64),
    )  # fmt: skip


@compiled
def _outcome(held: int, held_value: float, held_place: int, flag: int, value: float, place: np.int64) -> int:
    """What a reading means for the slot it falls in, if its time is acceptable."""
    if held == EMPTY:
        return NEW
    normal = flag == NORMAL
    if normal != (held == NORMAL):
        return CORRECTED if normal else SUPERSEDED
    if place != held_place:
        return CORRECTED if place > held_place else SUPERSEDED
    return DUPLICATE if value == held_value and flag == held else CORRECTED


@compiled
def _slot(within: int, cadence: int) -> tuple[np.int64, np.int64]:
    """(slot, position in it) of a moment `within` ms into a block. 32-bit unsigned: twice as fast to divide."""
    slot = np.int64(np.uint32(within) // np.uint32(cadence))
    rest = within - slot * cadence
    return slot, (np.int64(np.uint64(rest * PLACES) // np.uint64(cadence)) if rest else np.int64(0))


@compiled
def _changes_waiting(c: Columns, s: Slots, b: Bounds, ties: Ties, i: int, j: int) -> bool:
    """Whether rows [i, j) may change a window that is complete and waits to be judged.

    A slot that is still empty makes no window complete: a new reading matters only if it is one that stands in.
    """
    for r in range(i, j):
        x, device_ms = c.series[r], c.device_ms[r]
        g, waiting = s.grid_of[x], ties.waiting[ties.outlet[x]]
        if g < 0 or waiting < 0 or device_ms > c.log_ms[r] + b.future or device_ms < c.log_ms[r] - b.late:
            continue
        if s.daily[g]:
            return True
        block = device_ms // HOUR_MS
        if block > waiting:
            continue
        slot, place = _slot(device_ms - block * HOUR_MS, s.shape[g, 0])
        k = s.base[g] + (block % s.shape[g, 3] * s.shape[g, 1] + slot) * s.shape[g, 2] + s.row_of[x]
        outcome = _outcome(s.flag[k], s.value[k], s.place[k], c.flag[r], c.value[r], place)
        if outcome == CORRECTED or (outcome == NEW and ties.device[x]):
            return True
    return False


@compiled
def _count(c: Columns, s: Slots, t: Instants, found: Found, outcome: NDArray[np.uint8], i: int, j: int) -> None:
    """Let rows [i, j) count in their instant checks; all of them are in their slots already."""
    for r in range(i, j):
        if (outcome[r] != NEW and outcome[r] != CORRECTED) or c.flag[r] != NORMAL:
            continue
        at_ms = c.device_ms[r]
        for k in range(t.first[c.series[r]], t.first[c.series[r] + 1]):
            if at_ms <= t.newest_ms[k] or at_ms < t.from_ms[k] or at_ms >= t.to_ms[k]:
                continue
            value = c.value[r]
            if not np.isnan(t.reference_o2[k]):
                o2 = _same_slot(s, t.o2_series[k], at_ms)
                if np.isnan(o2) or o2 >= t.o2_max:
                    continue
                value = value * (21 - t.reference_o2[k]) / (21 - o2)
            value = np.rint(np.rint(value * NOISE_FREE * 1e6) / 1e6) / NOISE_FREE
            t.newest_ms[k] = at_ms
            if _step(t, k, at_ms, value > t.threshold[k]):
                n = found.counted[1]
                found.event_check[n], found.event_row[n] = k, r
                found.event_value[n], found.event_run_ms[n] = value, t.run_ms[k]
                found.counted[1] = n + 1


@compiled
def _same_slot(s: Slots, series: int, at_ms: int) -> float:
    """The normal value of another series in the slot of that moment; NaN if there is none."""
    if series < 0 or s.grid_of[series] < 0:
        return np.nan
    g = s.grid_of[series]
    block = at_ms // HOUR_MS
    slot, _ = _slot(at_ms - block * HOUR_MS, s.shape[g, 0])
    k = s.base[g] + (block % s.shape[g, 3] * s.shape[g, 1] + slot) * s.shape[g, 2] + s.row_of[series]
    return float(s.value[k]) if s.flag[k] == NORMAL else np.nan


@compiled
def _step(t: Instants, k: int, at_ms: int, over: bool) -> bool:
    """Move a check's run on; True when its alert opens or returns."""
    if over:
        t.run[k] += 1
        if t.run[k] == 1:
            t.run_ms[k] = at_ms
        if t.run[k] < t.in_a_row[k] or t.open[k] == 1:
            return False
        t.open[k] = 1
        return True
    t.run[k] = 0
    was_open = bool(t.open[k] == 1)
    t.open[k] = 0
    return was_open


@compiled
def assign(  # noqa: C901, PLR0912, PLR0915 - one loop: a call per reading costs more than all of its work
    first: int, end: int, stop_ms: int, c: Columns, s: Slots, b: Bounds, t: Instants, ties: Ties, found: Found,
    outcome: NDArray[np.uint8],
) -> tuple[int, int]:  # fmt: skip
    """Put rows [first, end) into slots, those of one log time together, as far as log times < stop_ms.

    Returns the first row not taken and the moment of the next revision (NEVER_MS where no judged window changed), at
    which it stops too. Stops also before rows that may change a window that is complete but was not judged yet.
    `outcome` (readings,) is written for the rows taken.
    """
    series, device, value, flag, log = c.series, c.device_ms, c.value, c.flag, c.log_ms
    grid_of, row_of, daily, shape = s.grid_of, s.row_of, s.daily, s.shape
    base, row_base, block_base = s.base, s.row_base, s.block_base
    held_value, held_flag, held_place, filled, state, dirty = s.value, s.flag, s.place, s.filled, s.state, s.dirty
    late_ms, future_ms, revise_ms, instants = b.late, b.future, b.revise, len(t.first) > 1
    full, i, revision_ms = 0, first, NEVER_MS
    last_grid, last_block, ring = -1, -1, 0
    while i < end and log[i] < stop_ms:
        j = i + 1
        while j < end and log[j] == log[i]:
            j += 1
        if full > 0 and _changes_waiting(c, s, b, ties, i, j):
            break
        oldest, newest = log[i] - late_ms, log[i] + future_ms
        for r in range(i, j):
            at_ms, x = device[r], series[r]
            if at_ms > newest or at_ms < oldest:
                outcome[r] = FUTURE if at_ms > newest else TOO_LATE
                continue
            g = grid_of[x]
            if g < 0:
                outcome[r] = UNJUDGED
                continue
            if daily[g]:
                block, slot = c.day[r], np.int64(0)
                place = min(np.int64(PLACES - 1), c.day_ms[r] * PLACES // DAY_MS)
            else:
                block = np.int64(at_ms // HOUR_MS)
                slot, place = _slot(at_ms - block * HOUR_MS, shape[g, 0])
            if block != last_block or g != last_grid:
                last_grid, last_block, ring = g, block, block % shape[g, 3]
            rows, row = shape[g, 2], row_of[x]
            k = base[g] + (ring * shape[g, 1] + slot) * rows + row
            found_out = _outcome(held_flag[k], held_value[k], held_place[k], flag[r], value[r], place)
            outcome[r] = found_out
            if found_out != NEW and found_out != CORRECTED:  # noqa: PLR1714 - compiled
                continue
            held_value[k], held_flag[k], held_place[k] = value[r], flag[r], place
            w = row_base[g] + ring * rows + row
            if found_out == NEW:
                filled[w] += 1
                if filled[w] == shape[g, 1] and not daily[g]:
                    found.full_grid[full], found.full_row[full] = g, row
                    found.full_block[full], found.full_ms[full] = block, log[r]
                    found.full_outlet[full] = ties.outlet[x]
                    ties.waiting[ties.outlet[x]] = max(ties.waiting[ties.outlet[x]], block)
                    full += 1
            if state[w] & JUDGED:
                revision_ms = min(revision_ms, (log[r] // revise_ms + 1) * revise_ms)
                stop_ms = min(stop_ms, revision_ms)
                if state[w] & DIRTY == 0:
                    state[w] |= DIRTY
                    dirty[block_base[g] + ring] += 1
        if instants:
            _count(c, s, t, found, outcome, i, j)
        i = j
    found.counted[0] = full
    return i, revision_ms
