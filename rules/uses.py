"""Which checks use which series: from series to checks and back, and what the grids hold of a check's series."""

import numpy as np
from numpy.typing import NDArray

from rules.hours import Index
from rules.plan import Plan
from rules.slots import JUDGED, SlotGrids, ascending, distinct


class Uses:
    """The ties between checks and series of one plan."""

    def __init__(self, plan: Plan, grids: SlotGrids) -> None:
        self.plan, self.grids = plan, grids
        self._fills = [_users(plan, grid, device=False) for grid in range(len(plan.specs))]
        self._checks_of = [_users(plan, grid, device=True) for grid in range(len(plan.specs))]
        self._newest = np.full(len(plan.checks), -1, np.int64)

    def touched(
        self, grid: NDArray[np.int32], row: NDArray[np.int32], log_ms: NDArray[np.int64]
    ) -> tuple[Index, NDArray[np.int64]]:
        """Checks whose own or helper slots lie in the given series, each with the latest of their log times."""
        which, source = _looked_up(self._fills, grid, row)
        np.maximum.at(self._newest, which, log_ms[source])
        which = ascending(which)
        at_ms = self._newest[which]
        self._newest[which] = -1
        return which, at_ms

    def checks_of_rows(self, grid: NDArray[np.int32], row: NDArray[np.int32]) -> tuple[Index, Index]:
        """(check, position in the input) of every use of the given series."""
        return _looked_up(self._checks_of, grid, row)

    def full(self, which: Index, hour: int) -> NDArray[np.bool_]:
        """Checks all of whose slots in the hour are filled."""
        checks, full = self.plan.checks, np.ones(len(which), np.bool_)
        for grids, rows in ((checks.grid, checks.row), (checks.helper_grid, checks.helper_row)):
            for g in distinct(grids[which]):
                if g >= 0:
                    at = grids[which] == g
                    full[at] &= self.grids.filled_of(g, hour)[rows[which[at]]] == self.plan.specs[g].slots
        return full

    def heard(self, which: Index, hour: int) -> NDArray[np.bool_]:
        """Checks whose own series have a reading in the hour."""
        checks, heard = self.plan.checks, np.zeros(len(which), np.bool_)
        for g in distinct(checks.grid[which]):
            at = checks.grid[which] == g
            heard[at] = self.grids.filled_of(g, hour)[checks.row[which[at]]] > 0
        device = checks.device_row[which]
        if self.plan.hour_grid >= 0:
            heard |= (device >= 0) & (self.grids.filled_of(self.plan.hour_grid, hour)[np.maximum(device, 0)] > 0)
        return heard

    def mark_judged(self, which: Index, hour: int) -> None:
        """A reading that changes one of the checks' series from now on asks for a revision."""
        checks, hour_grid = self.plan.checks, self.plan.hour_grid
        uses = [(checks.grid, checks.row), (checks.helper_grid, checks.helper_row)]
        for grids, rows in uses:
            for g in distinct(grids[which]):
                if g >= 0:
                    self.grids.state_of(g, hour)[rows[which[grids[which] == g]]] |= JUDGED
        for rows in (checks.device_row, checks.helper_device_row):
            own = rows[which]
            if hour_grid >= 0 and (own >= 0).any():
                self.grids.state_of(hour_grid, hour)[own[own >= 0]] |= JUDGED


Users = tuple[NDArray[np.int64], Index]
"""Checks by row of a grid, as (first, checks): checks of row r are checks[first[r]:first[r + 1]]."""


def _looked_up(users_of: list[Users], grid: NDArray[np.int32], row: NDArray[np.int32]) -> tuple[Index, Index]:
    """(check, position in the input) of every user of the given series."""
    checks, sources = [np.empty(0, np.intp)], [np.empty(0, np.intp)]
    for g in distinct(grid):
        first, users = users_of[g]
        at = np.flatnonzero(grid == g)
        count = first[row[at] + 1] - first[row[at]]
        start = np.repeat(first[row[at]] - np.cumsum(count) + count, count)
        checks.append(users[start + np.arange(count.sum())])
        sources.append(np.repeat(at, count))
    return np.concatenate(checks), np.concatenate(sources)


def _users(plan: Plan, grid: int, *, device: bool) -> Users:
    """Users of the rows of one grid. `device`: the device's own hours and days, too, which complete no window."""
    checks = plan.checks
    pairs = []
    if not plan.specs[grid].daily:
        pairs = [(checks.row, checks.grid == grid), (checks.helper_row, checks.helper_grid == grid)]
    if device and grid == plan.hour_grid:
        pairs += [
            (checks.device_row, checks.device_row >= 0),
            (checks.helper_device_row, checks.helper_device_row >= 0),
        ]
    if device and grid == plan.day_grid:
        pairs += [(checks.device_day_row, checks.device_day_row >= 0)]
    rows = np.concatenate([np.empty(0, np.int32), *(r[used] for r, used in pairs)])
    users = np.concatenate([np.empty(0, np.intp), *(np.flatnonzero(used) for _, used in pairs)])
    order = np.argsort(rows, kind="stable")
    first = np.zeros(plan.specs[grid].rows + 1, np.int64)
    np.cumsum(np.bincount(rows, minlength=plan.specs[grid].rows), out=first[1:])
    return first, users[order]
