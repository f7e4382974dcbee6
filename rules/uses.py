"""Which checks use which series."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from rules.plan import Plan

Index = NDArray[np.intp]


class Users(NamedTuple):
    """Checks by row of a grid: those of row r of grid g are checks[first[start[g] + r]:first[start[g] + r + 1]]."""

    start: NDArray[np.int64]  # per grid
    first: NDArray[np.int64]
    checks: Index

    def of_rows(self, grid: int, rows: NDArray[np.intp]) -> Index:
        """All users of some rows of a grid, row by row."""
        at = self.start[grid] + rows
        count = self.first[at + 1] - self.first[at]
        begin = np.repeat(self.first[at] - np.cumsum(count) + count, count)
        found: Index = self.checks[begin + np.arange(count.sum())]
        return found


def fillers(plan: Plan) -> Users:
    """Checks whose own or helper slots lie in a row: a row that is full may complete their hour."""
    return _users(plan, _own(plan))


def readers(plan: Plan) -> Users:
    """Checks that read a row for any purpose: the device's own hours and days, too, which complete no window."""
    checks = plan.checks
    devices = [
        (plan.hour_grid, checks.device_row),
        (plan.hour_grid, checks.helper_device_row),
        (plan.day_grid, checks.device_day_row),
    ]
    every = np.arange(len(checks))
    return _users(plan, [*_own(plan), *((np.full(len(rows), grid), rows, every) for grid, rows in devices)])


Uses = list[tuple[NDArray[Any], NDArray[np.int32], Index]]
"""(grid, row, check), column by column; a row of -1 is none."""


def _own(plan: Plan) -> Uses:
    checks, every = plan.checks, np.arange(len(plan.checks))
    return [(checks.grid, checks.row, every), (checks.helper_grid, checks.helper_row, every)]


def _users(plan: Plan, uses: Uses) -> Users:
    size = np.array([spec.rows for spec in plan.specs], np.int64)
    start = np.cumsum(size) - size
    place, check = [np.empty(0, np.int64)], [np.empty(0, np.intp)]
    for grid, row, checks in uses:
        there = np.flatnonzero(row >= 0)
        place.append(start[grid[there]] + row[there])
        check.append(checks[there])
    places, total = np.concatenate(place), int(size.sum())
    order = np.argsort(places, kind="stable")
    first = np.zeros(total + 1, np.int64)
    np.cumsum(np.bincount(places, minlength=total), out=first[1:])
    return Users(start, first, np.concatenate(check)[order])
