"""The numbers of one hour, for many checks at once (docs/judging.md, sections 3 to 5): compiled, from the slots on."""

from dataclasses import fields
from math import gcd
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from rules.cells import even, outside, weighted
from rules.plan import MINUTES, Checks, Mode, Plan
from rules.slots import Slots
from sensors.kernel import compiled, inlined
from sensors.reading import Flag

GAS_MINUTES_MIN = 45  # of an hour, HJ 75-2017
SHARE_MIN = 0.75  # of the cells due, HJ 356-2019 (unverified)

# plain integers: the compiler takes them as constants
EVEN, FLOW = int(Mode.EVEN), int(Mode.FLOW)
NORMAL = int(Flag.NORMAL)

Floats = NDArray[np.float64]
Ints = NDArray[np.int32]
Bools = NDArray[np.bool_]
Index = NDArray[np.intp]


class HourChecks(NamedTuple):
    """The columns of `Checks` that the numbers and the verdict of an hour hang on, and the settings. Shape: (checks,)."""

    mode: NDArray[np.uint8]
    day: Bools
    water: Bools
    grid: Ints
    row: Ints
    device_row: Ints
    helper_grid: Ints
    helper_row: Ints
    helper_device_row: Ints
    ceiling: Floats
    floor: Floats
    reference_o2: Floats
    scale: Floats
    share_max: Floats
    from_ms: NDArray[np.int64]
    to_ms: NDArray[np.int64]
    hour_grid: int
    o2_max: float
    zero_flow_due: bool


class Cells(NamedTuple):
    """One hour of some checks; every column has shape (checks chosen,).

    What `num` and `den` are depends on the check; the window's value is sum(num) / sum(den):
    hour checks and days of gas: the hour's (converted) mean and 1, or 0 and 0 where the hour is not valid;
    even days of water: sum and number of the valid cells; flow: sum(c q) and sum(q); range: cells outside and valid cells.
    """

    num: Floats
    den: Floats
    n_valid: Ints
    n_due: Ints
    far: Floats  # range: the cell farthest outside, else NaN
    measured: Floats  # mean before conversion; NaN where there is none
    o2: Floats
    from_device: Bools


def hour_checks(plan: Plan) -> HourChecks:
    """The checks of a plan as compiled code reads them."""
    judging = plan.rules.judging
    columns: dict[str, Any] = {f.name: getattr(plan.checks, f.name) for f in fields(Checks) if f.name in HourChecks._fields}
    return HourChecks(
        **columns, hour_grid=plan.hour_grid, o2_max=judging.o2_max, zero_flow_due=judging.zero_flow_due
    )  # fmt: skip


def cells_in(slots: int) -> int:
    """Cells of an hour with so many slots: shorter slots are first averaged to minutes."""
    return min(slots, MINUTES)


def due_cells(plan: Plan, which: Index) -> Ints:
    """Cells due in an hour of which nothing is known, for day checks."""
    checks = plan.checks
    cells = np.array([*(cells_in(spec.slots) for spec in plan.specs), 0], np.int32)  # the last: no grid
    count, helper = cells[checks.grid[which]], cells[checks.helper_grid[which]]
    flow = np.where(checks.mode[which] == Mode.FLOW, np.gcd(count, helper), count)
    return np.where((checks.mode[which] == Mode.EVEN) & ~checks.water[which], 1, flow).astype(np.int32)


@compiled
def hour_cells(c: HourChecks, s: Slots, which: Index, hour: int) -> Cells:
    """The numbers of one hour for the chosen checks."""
    n = len(which)
    out = Cells(
        np.zeros(n), np.zeros(n), np.zeros(n, np.int32), np.zeros(n, np.int32), np.full(n, np.nan), np.full(n, np.nan),
        np.full(n, np.nan), np.zeros(n, np.bool_),
    )  # fmt: skip
    mode, grid, helper = c.mode, c.grid, c.helper_grid
    first = 0
    while first < n:
        k, end = which[first], first + 1
        while end < n and _alike(mode, grid, helper, k, which[end]):
            end += 1
        if mode[k] == EVEN:
            _even(c, s, which[first:end], hour, first, out)
        elif mode[k] == FLOW:
            _flow(c, s, which[first:end], hour, first, out)
        else:
            _range(c, s, which[first:end], hour, first, out)
        first = end
    return out


@inlined
def _alike(mode: NDArray[np.uint8], grid: Ints, helper: Ints, k: int, other: int) -> bool:
    """Whether two checks are reduced by one call."""
    return mode[k] == mode[other] and grid[k] == grid[other] and helper[k] == helper[other]  # type: ignore[no-any-return]


@compiled
def slots_in(s: Slots, grid: int, hour: int) -> tuple[NDArray[np.float64], NDArray[np.uint8]]:
    """Values and flags of one hour, shape (slots, rows)."""
    slots, rows = s.shape[grid, 1], s.shape[grid, 2]
    start = s.base[grid] + hour % s.shape[grid, 3] * slots * rows
    end = start + slots * rows
    return s.value[start:end].reshape((slots, rows)), s.flag[start:end].reshape((slots, rows))


@compiled
def _means(s: Slots, grid: int, rows: Ints, water: Bools, hour: int) -> tuple[Floats, Floats, Ints]:
    """Own means of an hour (NaN where it is not valid), sums and valid cells. A row may be -1: no mean."""
    value, flag = slots_in(s, grid, hour)
    cells = min(s.shape[grid, 1], MINUTES)
    total, valid = even(value, flag, np.maximum(rows, 0), cells)
    mean = np.full(len(rows), np.nan)
    for i in range(len(rows)):
        if rows[i] < 0:
            valid[i] = 0
        enough = valid[i] >= SHARE_MIN * cells if water[i] else valid[i] * MINUTES >= GAS_MINUTES_MIN * cells
        if enough:
            mean[i] = total[i] / max(valid[i], 1)
    return mean, total, valid


@compiled
def _devices(c: HourChecks, s: Slots, mean: Floats, row: Ints, hour: int) -> Bools:
    """Where there is no mean, the hour as the device itself says it; whether that is so, shape (rows,)."""
    own = np.zeros(len(mean), np.bool_)
    if c.hour_grid < 0:
        return own
    value, flag = slots_in(s, c.hour_grid, hour)
    for i in range(len(mean)):
        if np.isnan(mean[i]) and row[i] >= 0 and flag[0, row[i]] == NORMAL:
            mean[i], own[i] = value[0, row[i]], True
    return own


@compiled
def _even(c: HourChecks, s: Slots, which: Index, hour: int, first: int, out: Cells) -> None:
    end = first + len(which)
    mean, total, valid = _means(s, c.grid[which[0]], c.row[which], c.water[which], hour)
    out.from_device[first:end] = _devices(c, s, mean, c.device_row[which], hour)
    out.measured[first:end] = mean
    _convert(c, s, which, mean, hour, out.o2[first:end])
    cells = min(s.shape[c.grid[which[0]], 1], MINUTES)
    num, den, n_valid, n_due = out.num[first:end], out.den[first:end], out.n_valid[first:end], out.n_due[first:end]
    day, water = c.day[which], c.water[which]
    for i in range(len(which)):
        ok = not np.isnan(mean[i])
        n_valid[i], n_due[i] = valid[i], cells
        num[i], den[i] = mean[i] if ok else 0.0, ok
        if day[i] and water[i]:  # a day of water is made of cells
            num[i], den[i] = total[i], valid[i]
        elif day[i]:  # a day of gas is made of hours
            n_valid[i], n_due[i] = ok, 1


@compiled
def _convert(c: HourChecks, s: Slots, which: Index, mean: Floats, hour: int, o2: Floats) -> None:
    """To the reference O2, where a limit asks for it; `o2` is filled with what it is at these hours.

    C = mean (21 - O2ref) / (21 - O2) (HJ 212-2017 annex D); NaN without O2 or at o2_max and above.
    """
    reference = c.reference_o2[which]
    if np.isnan(reference).all():
        return
    there = np.full(len(which), np.nan)
    if c.helper_grid[which[0]] >= 0:
        there, _, _ = _means(s, c.helper_grid[which[0]], c.helper_row[which], np.zeros(len(which), np.bool_), hour)
        _devices(c, s, there, c.helper_device_row[which], hour)
    o2_max = c.o2_max
    for i in range(len(which)):
        if not np.isnan(reference[i]):
            o2[i] = there[i]
            mean[i] = mean[i] * (21 - reference[i]) / (21 - o2[i]) if o2[i] < o2_max else np.nan


@compiled
def _flow(c: HourChecks, s: Slots, which: Index, hour: int, first: int, out: Cells) -> None:
    grid, helper, n = c.grid[which[0]], c.helper_grid[which[0]], len(which)
    count = min(s.shape[grid, 1], MINUTES)
    if helper < 0:
        out.n_due[first : first + n] = count
        return
    flow_count = min(s.shape[helper, 1], MINUTES)
    cells = gcd(count, flow_count)
    value, flag = slots_in(s, grid, hour)
    flow, flow_flag = slots_in(s, helper, hour)
    mass, volume, valid, still = weighted(
        value, flag, c.row[which], count, flow, flow_flag, c.helper_row[which], flow_count, cells
    )
    for i in range(n):
        out.num[first + i], out.den[first + i], out.n_valid[first + i] = mass[i], volume[i], valid[i]
        out.n_due[first + i] = cells if c.zero_flow_due else cells - still[i]


@compiled
def _range(c: HourChecks, s: Slots, which: Index, hour: int, first: int, out: Cells) -> None:
    value, flag = slots_in(s, c.grid[which[0]], hour)
    cells = min(s.shape[c.grid[which[0]], 1], MINUTES)
    beyond, valid, far = outside(value, flag, c.row[which], cells, c.floor[which], c.ceiling[which], c.scale[which])
    for i in range(len(which)):
        out.num[first + i], out.den[first + i], out.far[first + i] = beyond[i], valid[i], far[i]
        out.n_valid[first + i], out.n_due[first + i] = valid[i], cells
