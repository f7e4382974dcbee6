"""The numbers of one hour, for many checks at once (docs/judging.md, sections 3 to 5)."""

from dataclasses import dataclass
from math import gcd

import numpy as np
from numpy.typing import NDArray

from rules.cells import even, outside, weighted
from rules.plan import MINUTES, Checks, Mode, Plan
from rules.slots import SlotGrids, distinct
from sensors.reading import Flag

GAS_MINUTES_MIN = 45  # of an hour, HJ 75-2017
SHARE_MIN = 0.75  # of the cells due, HJ 356-2019 (unverified)

Floats = NDArray[np.float64]
Ints = NDArray[np.int32]
Index = NDArray[np.intp]


@dataclass(frozen=True, slots=True, kw_only=True)
class Cells:
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
    from_device: NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True)
class HourMeans:
    """Means of one hour per series; NaN where the hour is not valid."""

    mean: Floats
    total: Floats
    n_valid: Ints
    cells: int  # in an hour
    from_device: NDArray[np.bool_]


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


def hour_cells(grids: SlotGrids, plan: Plan, which: Index, hour: int) -> Cells:
    """The numbers of one hour for the chosen checks."""
    n = len(which)
    cells = Cells(
        num=np.zeros(n), den=np.zeros(n), n_valid=np.zeros(n, np.int32), n_due=np.zeros(n, np.int32),
        far=np.full(n, np.nan), measured=np.full(n, np.nan), o2=np.full(n, np.nan), from_device=np.zeros(n, np.bool_),
    )  # fmt: skip
    checks = plan.checks
    family = checks.family[which]
    for key in distinct(family):
        at = np.flatnonzero(family == key)
        chosen = which[at]
        match Mode(int(checks.mode[chosen[0]])):
            case Mode.EVEN:
                _even(grids, plan, chosen, hour, at, cells)
            case Mode.FLOW:
                _flow(grids, plan, chosen, hour, at, cells)
            case Mode.RANGE:
                _range(grids, checks, chosen, hour, at, cells)
    return cells


def hour_means(
    grids: SlotGrids, plan: Plan, grid: int, rows: Ints, device_rows: Ints, water: NDArray[np.bool_], hour: int
) -> HourMeans:
    """Own means of an hour, and the device's where the own one is not valid. Rows may be -1: no mean."""
    count = cells_in(plan.specs[grid].slots)
    total, valid = even(grids.values(grid, hour), grids.flags(grid, hour), np.maximum(rows, 0), count)
    valid = np.where(rows < 0, 0, valid).astype(np.int32)
    enough = np.where(water, valid >= SHARE_MIN * count, valid * MINUTES >= GAS_MINUTES_MIN * count)
    mean = np.where(enough, total / np.maximum(valid, 1), np.nan)
    from_device = ~enough & (device_rows >= 0)
    if from_device.any():
        row = np.maximum(device_rows, 0)
        from_device &= grids.flags(plan.hour_grid, hour)[0, row] == Flag.NORMAL
        mean = np.where(from_device, grids.values(plan.hour_grid, hour)[0, row], mean)
    return HourMeans(mean=mean, total=total, n_valid=valid, cells=count, from_device=from_device)


def _even(grids: SlotGrids, plan: Plan, which: Index, hour: int, at: Index, out: Cells) -> None:
    checks = plan.checks
    water, day = checks.water[which], checks.day[which]
    own = hour_means(
        grids, plan, int(checks.grid[which[0]]), checks.row[which], checks.device_row[which], water, hour
    )  # fmt: skip
    mean, out.measured[at], out.from_device[at] = own.mean, own.mean, own.from_device
    converted = ~np.isnan(checks.reference_o2[which])
    if converted.any():
        out.o2[at] = _o2(grids, plan, which, hour)
        mean = np.where(converted, _convert(mean, out.o2[at], checks.reference_o2[which], plan.rules.judging.o2_max), mean)
    ok = ~np.isnan(mean)
    sums = water & day  # a water day counts cells, a gas day counts hours
    hours = day & ~water
    out.num[at] = np.where(sums, own.total, np.where(ok, mean, 0.0))
    out.den[at] = np.where(sums, own.n_valid, ok)
    out.n_valid[at] = np.where(hours, ok, own.n_valid)
    out.n_due[at] = np.where(hours, 1, own.cells)


def _o2(grids: SlotGrids, plan: Plan, which: Index, hour: int) -> Floats:
    checks = plan.checks
    grid = int(checks.helper_grid[which[0]])
    if grid < 0:
        return np.full(len(which), np.nan)
    gas = np.zeros(len(which), np.bool_)
    return hour_means(grids, plan, grid, checks.helper_row[which], checks.helper_device_row[which], gas, hour).mean


def _convert(mean: Floats, o2: Floats, reference: Floats, o2_max: float) -> Floats:
    """C = mean (21 - O2ref) / (21 - O2) (HJ 212-2017 annex D); NaN without O2 or at o2_max and above."""
    usable = o2 < o2_max
    return np.where(usable, mean * (21 - reference) / (21 - np.where(usable, o2, 0.0)), np.nan)


def _flow(grids: SlotGrids, plan: Plan, which: Index, hour: int, at: Index, out: Cells) -> None:
    checks = plan.checks
    grid, helper = int(checks.grid[which[0]]), int(checks.helper_grid[which[0]])
    if helper < 0:
        out.n_due[at] = due_cells(plan, which)
        return
    count, flow_count = cells_in(grids.specs[grid].slots), cells_in(grids.specs[helper].slots)
    cells = gcd(count, flow_count)
    mass, volume, valid, still = weighted(
        grids.values(grid, hour), grids.flags(grid, hour), checks.row[which], count,
        grids.values(helper, hour), grids.flags(helper, hour), checks.helper_row[which], flow_count, cells,
    )  # fmt: skip
    out.num[at], out.den[at], out.n_valid[at] = mass, volume, valid
    out.n_due[at] = cells if plan.rules.judging.zero_flow_due else cells - still


def _range(grids: SlotGrids, checks: Checks, which: Index, hour: int, at: Index, out: Cells) -> None:
    grid = int(checks.grid[which[0]])
    count = cells_in(grids.specs[grid].slots)
    beyond, valid, far = outside(
        grids.values(grid, hour), grids.flags(grid, hour), checks.row[which], count,
        checks.floor[which], checks.ceiling[which], checks.scale[which],
    )  # fmt: skip
    out.num[at], out.den[at], out.n_valid[at], out.n_due[at], out.far[at] = beyond, valid, valid, count, far
