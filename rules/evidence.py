"""The numbers behind one window verdict, taken from the grids while they are there."""

from math import gcd
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rules.alert import Evidence
from rules.calendar import HOUR_MS
from rules.cells import longer
from rules.hours import cells_in
from rules.plan import Mode
from rules.slots import SlotGrids
from rules.verdict import WindowVerdicts
from rules.windows import Windows
from sensors.reading import Flag

SLOTS_MAX = 1500
"""A window of more slots than this is shown by its hours."""


def evidence(windows: Windows, verdicts: WindowVerdicts, row: int, current: int) -> Evidence:
    """Slots of one window (or its hours, where the slots are too many or gone) and the numbers of its verdict.

    `current`: the hour of log time.
    """
    check = int(verdicts.check[row])
    hours = range(int(verdicts.start_ms[row]) // HOUR_MS, int(verdicts.end_ms[row]) // HOUR_MS)
    by_hours = _is_shown_by_hours(windows, check, hours, current)
    columns = _hours(windows, check, hours) if by_hours else _slots(windows, check, hours)
    return Evidence(
        slot_ms=columns[0], value=columns[1], flag=columns[2], helper=columns[3], by_hours=by_hours,
        n_valid=int(verdicts.n_valid[row]), n_due=int(verdicts.n_due[row]),
        measured=_number(verdicts.measured[row]), o2=_number(verdicts.o2[row]), from_device=bool(verdicts.from_device[row]),
    )  # fmt: skip


Columns = tuple[tuple[int, ...], tuple[float | None, ...], tuple[int, ...], tuple[float | None, ...]]


def _cells(windows: Windows, check: int) -> int:
    """Slots an hour that are shown: its own; minutes where an hour has too many; cells that own and flow both divide."""
    checks, specs = windows.plan.checks, windows.plan.specs
    own, helper = specs[int(checks.grid[check])].slots, int(checks.helper_grid[check])
    if own > SLOTS_MAX and not checks.day[check]:
        return cells_in(own)
    if helper < 0 or checks.mode[check] != Mode.FLOW or specs[helper].slots == own:
        return own
    return gcd(cells_in(own), cells_in(specs[helper].slots))


def _is_shown_by_hours(windows: Windows, check: int, hours: range, current: int) -> bool:
    if not windows.plan.checks.day[check]:
        return False
    held_from = current + windows.ahead - windows.plan.specs[int(windows.plan.checks.grid[check])].ring + 1
    return len(hours) * _cells(windows, check) > SLOTS_MAX or hours[0] < held_from


def _slots(windows: Windows, check: int, hours: range) -> Columns:
    checks, specs, per_hour = windows.plan.checks, windows.plan.specs, _cells(windows, check)
    grid, helper = int(checks.grid[check]), int(checks.helper_grid[check])
    row, helper_row = int(checks.row[check]), int(checks.helper_row[check])
    same = helper >= 0 and specs[helper].slots == specs[grid].slots
    flow = helper >= 0 and checks.mode[check] == Mode.FLOW
    slot_ms, value, flag, other = [], [], [], []
    for hour in hours:
        slot_ms += [hour * HOUR_MS + n * HOUR_MS // per_hour for n in range(per_hour)]
        if per_hour != specs[grid].slots:
            means = _means(windows.grids, grid, row, hour, per_hour)
            value += means
            flag += [int(Flag.EMPTY if x is None else Flag.NORMAL) for x in means]
            other += _means(windows.grids, helper, helper_row, hour, per_hour) if same or flow else []
            continue
        flags = windows.grids.flags(grid, hour)[:, row]
        value += _held(windows.grids.values(grid, hour)[:, row], flags)
        flag += [int(f) for f in flags]
        if same:
            helper_flags = np.where(windows.grids.flags(helper, hour)[:, helper_row] == Flag.NORMAL, 1, 0)
            other += _held(windows.grids.values(helper, hour)[:, helper_row], helper_flags)
        elif flow:
            other += _means(windows.grids, helper, helper_row, hour, per_hour)
    return tuple(slot_ms), tuple(value), tuple(flag), tuple(other)


def _hours(windows: Windows, check: int, hours: range) -> Columns:
    """A day by its hours: value = hour's mean, helper = its weight."""
    no = int(windows.day_no[check])
    at = np.array(hours) % windows.hours
    num, den = windows.cells.num[at, no], windows.cells.den[at, no]
    value = tuple(float(n / d) if d > 0 else None for n, d in zip(num, den, strict=True))
    flag = tuple(int(Flag.EMPTY if x is None else Flag.NORMAL) for x in value)
    return tuple(h * HOUR_MS for h in hours), value, flag, tuple(float(d) for d in den)


def _means(grids: SlotGrids, grid: int, row: int, hour: int, cells: int) -> list[float | None]:
    values, flags = grids.values(grid, hour), grids.flags(grid, hour)
    own = cells_in(values.shape[0])
    span = own // cells
    return [_number(longer(values, flags, row, n * span, span, own)) for n in range(cells)]


def _held(values: NDArray[np.float64], flags: NDArray[Any]) -> list[float | None]:
    return [float(v) if f else None for v, f in zip(values, flags, strict=True)]


def _number(value: float) -> float | None:
    return None if np.isnan(value) else float(value)
