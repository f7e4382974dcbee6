"""What is done with one hour of many checks: completed, judged, kept for the day. One compiled call does all of it.

An hour comes round for every series, and there may be ten of them or a million: calls of their own for each step would
cost more than the steps at ten, and run through memory for each at a million. Here some hundred checks at a time go
through all of them.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from rules.calendar import HOUR_MS
from rules.hours import EVEN, FLOW, GAS_MINUTES_MIN, SHARE_MIN, Bools, Cells, Floats, HourChecks, Index, Ints, hour_cells
from rules.plan import MINUTES
from rules.slots import JUDGED, Slots
from rules.uses import Users
from rules.verdict import VerdictCode, WindowVerdicts
from sensors.kernel import compiled

DONE, FULL, HEARD = 1, 2, 4
"""Marks of a check in a window: it was judged (or counts as judged); all slots were filled; its own series were heard."""

# plain integers: the compiler takes them as constants
EXCEEDED, FINE, NOT_JUDGEABLE = int(VerdictCode.EXCEEDED), int(VerdictCode.NORMAL), int(VerdictCode.NOT_JUDGEABLE)

CHUNK = 512
"""Checks that go through all steps together; their numbers stay in the cache."""


class HourState(NamedTuple):
    """What is known of the hours of checks. `hours` are kept, hour h at h % hours."""

    marks: NDArray[np.uint8]  # DONE | FULL | HEARD, shape (hours, checks)
    day_no: NDArray[np.int64]  # place among the day checks, shape (checks,); -1: an hour check
    num: Floats  # cells of the day checks, shape (hours, day checks); see `Cells`
    den: Floats
    n_valid: NDArray[np.uint8]
    n_due: NDArray[np.uint8]
    far: Floats  # one column wide where no day check is of a range
    ranged: bool
    newest: NDArray[np.int64]  # scratch, shape (checks,): -1 between calls


class HourVerdicts(NamedTuple):
    """As `WindowVerdicts`, of one hour; shape (verdicts,)."""

    check: Index
    at_ms: NDArray[np.int64]
    value: Floats
    n_valid: Ints
    n_due: Ints
    code: NDArray[np.uint8]
    revision: Bools
    measured: Floats
    o2: Floats
    from_device: Bools


@compiled
def completed(
    c: HourChecks, s: Slots, w: HourState, u: Users, grid: Ints, row: Ints, log_ms: NDArray[np.int64], hour: int
) -> tuple[Index, NDArray[np.int64], HourVerdicts]:
    """Series have become full in an hour, at those log times: mark and judge the checks that are complete with them.

    Returns the checks all of whose slots are filled (with the latest of their log times), and verdicts.
    """
    which, at_ms = _touched(w, u, grid, row, log_ms)
    full, marks = full_in(c, s, which, hour), w.marks[hour % len(w.marks)]
    which, at_ms = which[full], at_ms[full]
    new = np.empty(len(which), np.bool_)
    for i in range(len(which)):
        new[i] = marks[which[i]] & DONE == 0
        marks[which[i]] |= FULL
    return which, at_ms, judge_hour(c, s, w, which[new], at_ms[new], hour)


@compiled
def _touched(w: HourState, u: Users, grid: Ints, row: Ints, log_ms: NDArray[np.int64]) -> tuple[Index, NDArray[np.int64]]:
    """Checks whose own or helper slots lie in the given series, in order, each with the latest of their log times."""
    start, first, checks, newest = u.start, u.first, u.checks, w.newest
    size = 0
    for i in range(len(row)):
        at = start[grid[i]] + row[i]
        size += first[at + 1] - first[at]
    which, n, ordered = np.empty(size, np.int64), 0, True
    for i in range(len(row)):
        at = start[grid[i]] + row[i]
        for j in range(first[at], first[at + 1]):
            k = checks[j]
            if newest[k] < 0:
                ordered &= n == 0 or which[n - 1] < k
                which[n] = k
                n += 1
            newest[k] = max(newest[k], log_ms[i])
    which = which[:n] if ordered else np.sort(which[:n])
    at_ms = newest[which]
    newest[which] = -1
    return which, at_ms


@compiled
def full_in(c: HourChecks, s: Slots, which: Index, hour: int) -> Bools:
    """Which of some checks have all slots of the hour filled, their helpers' too."""
    full, filled, slots = np.empty(len(which), np.bool_), s.filled, s.shape[:, 1]
    own, helper = _places(s, c.grid[which], c.row[which], hour), _places(s, c.helper_grid[which], c.helper_row[which], hour)
    grid, helper_grid = c.grid[which], c.helper_grid[which]
    for i in range(len(which)):
        full[i] = filled[own[i]] == slots[grid[i]]
        if helper[i] >= 0:
            full[i] &= filled[helper[i]] == slots[helper_grid[i]]
    return full


@compiled
def _places(s: Slots, grid: Ints, row: Ints, hour: int) -> Index:
    """Where in `filled` and `state` the series have their hour; -1 for no series."""
    at = np.full(len(row), -1, np.int64)
    first, rows, ring = s.row_base, s.shape[:, 2], s.shape[:, 3]
    for i in range(len(row)):
        if row[i] >= 0:
            g = grid[i]
            at[i] = first[g] + hour % ring[g] * rows[g] + row[i]
    return at


@compiled
def judge_hour(c: HourChecks, s: Slots, w: HourState, which: Index, at_ms: NDArray[np.int64], hour: int) -> HourVerdicts:
    """Judge an hour of checks whose limit is in force, and keep the cells of those that are of a day."""
    n, size = 0, len(which)
    out = HourVerdicts(
        np.empty(size, np.int64), np.empty(size, np.int64), np.empty(size), np.empty(size, np.int32),
        np.empty(size, np.int32), np.empty(size, np.uint8), np.empty(size, np.bool_), np.empty(size), np.empty(size),
        np.empty(size, np.bool_),
    )  # fmt: skip
    for first in range(0, size, CHUNK):
        part = which[first : first + CHUNK]
        force = _in_force(c, part, hour)
        chosen, at = part[force], at_ms[first : first + CHUNK][force]
        n = _judge(c, s, w, chosen, at, hour, out, n)
    return HourVerdicts(
        out.check[:n], out.at_ms[:n], out.value[:n], out.n_valid[:n], out.n_due[:n], out.code[:n], out.revision[:n],
        out.measured[:n], out.o2[:n], out.from_device[:n],
    )  # fmt: skip


@compiled
def _in_force(c: HourChecks, which: Index, hour: int) -> Bools:
    """Whether the limit of each check speaks of the hour; a day looks at that for itself."""
    day, from_ms, to_ms, start_ms = c.day, c.from_ms, c.to_ms, hour * HOUR_MS
    force = np.empty(len(which), np.bool_)
    for i in range(len(which)):
        k = which[i]
        force[i] = day[k] or from_ms[k] <= start_ms < to_ms[k]
    return force


@compiled
def _judge(
    c: HourChecks, s: Slots, w: HourState, which: Index, at_ms: NDArray[np.int64], hour: int, out: HourVerdicts, n: int
) -> int:
    """Judge some checks and write verdicts from row `n` on; the row after them."""
    cells = hour_cells(c, s, which, hour)
    heard = _heard(c, s, which, hour)
    _mark_judged(c, s, which, hour)
    _keep(c, w, which, cells, hour)
    value, code = _verdicts(c, which, cells)
    marks, day = w.marks[hour % len(w.marks)], c.day
    check, at, values, codes, revision = out.check, out.at_ms, out.value, out.code, out.revision
    first = n
    for i in range(len(which)):
        k = which[i]
        before = marks[k]
        marks[k] = before | (DONE | HEARD if heard[i] else DONE)
        heard[i] &= not day[k]
        if heard[i]:
            check[n], at[n], values[n], codes[n], revision[n] = k, at_ms[i], value[i], code[i], before & DONE > 0
            n += 1
    out.n_valid[first:n], out.n_due[first:n] = cells.n_valid[heard], cells.n_due[heard]
    out.measured[first:n], out.o2[first:n] = cells.measured[heard], cells.o2[heard]
    out.from_device[first:n] = cells.from_device[heard]
    return n


@compiled
def form_hour(c: HourChecks, s: Slots, w: HourState, which: Index, hour: int) -> None:
    """Form the cells of day checks without judging their hour."""
    _keep(c, w, which, hour_cells(c, s, which, hour), hour)
    marks, heard = w.marks[hour % len(w.marks)], _heard(c, s, which, hour)
    for i in range(len(which)):
        if heard[i]:
            marks[which[i]] |= HEARD


@compiled
def _keep(c: HourChecks, w: HourState, which: Index, cells: Cells, hour: int) -> None:
    """Keep the cells of the day checks among some."""
    at, day_no, ranged = hour % len(w.marks), w.day_no, w.ranged
    num, den, n_valid, n_due, far = w.num[at], w.den[at], w.n_valid[at], w.n_due[at], w.far[at]
    new_num, new_den, new_valid, new_due, new_far = cells.num, cells.den, cells.n_valid, cells.n_due, cells.far
    for i in range(len(which)):
        no = day_no[which[i]]
        if no >= 0:
            num[no], den[no] = new_num[i], new_den[i]
            n_valid[no], n_due[no] = new_valid[i], new_due[i]
            if ranged:
                far[no] = new_far[i]


@compiled
def _heard(c: HourChecks, s: Slots, which: Index, hour: int) -> Bools:
    """Whether each check's own series, or the device's hour for it, have a reading in the hour."""
    heard, filled = np.empty(len(which), np.bool_), s.filled
    own, device = _places(s, c.grid[which], c.row[which], hour), _of_device(c, s, c.device_row[which], hour)
    for i in range(len(which)):
        heard[i] = filled[own[i]] > 0 or (device[i] >= 0 and filled[device[i]] > 0)
    return heard


@compiled
def _of_device(c: HourChecks, s: Slots, row: Ints, hour: int) -> Index:
    return _places(s, np.full(len(row), c.hour_grid, np.int32), row, hour)


@compiled
def _mark_judged(c: HourChecks, s: Slots, which: Index, hour: int) -> None:
    """A reading that changes one of the checks' series from now on asks for a revision."""
    _mark(s.state, _places(s, c.grid[which], c.row[which], hour))
    _mark(s.state, _places(s, c.helper_grid[which], c.helper_row[which], hour))
    _mark(s.state, _of_device(c, s, c.device_row[which], hour))
    _mark(s.state, _of_device(c, s, c.helper_device_row[which], hour))


@compiled
def _mark(state: NDArray[np.uint8], places: Index) -> None:
    for i in range(len(places)):
        if places[i] >= 0:
            state[places[i]] |= JUDGED


@compiled
def _verdicts(c: HourChecks, which: Index, cells: Cells) -> tuple[Floats, NDArray[np.uint8]]:
    """Value (NaN where not judgeable) and code of hour checks. Days are judged by `rules.verdict.judge`."""
    value, code = np.full(len(which), np.nan), np.full(len(which), NOT_JUDGEABLE, np.uint8)
    modes, waters, scales, ceilings, floors, shares = c.mode, c.water, c.scale, c.ceiling, c.floor, c.share_max
    num, den, n_valid, n_due, far = cells.num, cells.den, cells.n_valid, cells.n_due, cells.far
    for i in range(len(which)):
        k = which[i]
        mode, scale = modes[k], scales[k]
        enough = den[i] > 0  # an even hour was tested when its mean was formed
        if mode == FLOW or (mode != EVEN and waters[k]):
            enough &= n_valid[i] >= SHARE_MIN * n_due[i]
        elif mode != EVEN:
            enough &= n_valid[i] * MINUTES >= GAS_MINUTES_MIN * n_due[i]
        if enough:
            mean = num[i] / den[i]
            ranged = mode != EVEN and mode != FLOW  # noqa: PLR1714 - compiled
            value[i] = far[i] if ranged else np.rint(np.rint(mean * scale * 1e6) / 1e6) / scale
            over = mean > shares[k] if ranged else value[i] > ceilings[k] or value[i] < floors[k]
            code[i] = EXCEEDED if over else FINE
    return value, code


def window_verdicts(found: HourVerdicts, hour: int) -> WindowVerdicts:
    """The same beside those of other windows."""
    n = len(found.check)
    start = np.full(n, hour * HOUR_MS)
    return WindowVerdicts(
        check=found.check, block=np.full(n, hour), start_ms=start, end_ms=start + HOUR_MS, at_ms=found.at_ms,
        value=found.value, n_valid=found.n_valid, n_due=found.n_due, code=found.code, revision=found.revision,
        measured=found.measured, o2=found.o2, from_device=found.from_device,
    )  # fmt: skip
