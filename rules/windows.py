"""Hours and days of all checks: which are judged, and the cells of days. Makes verdicts, knows no alerts."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rules.calendar import HOUR_MS, Calendar
from rules.hour_step import (
    DONE,
    FULL,
    HEARD,
    HourState,
    completed,
    form_hour,
    full_in,
    judge_hour,
    window_verdicts,
)
from rules.hours import Floats, Index, due_cells, hour_checks
from rules.plan import Mode, Plan
from rules.slots import DIRTY, JUDGED, SlotGrids, distinct, slots_of
from rules.uses import fillers, readers
from rules.verdict import Sums, VerdictCode, WindowVerdicts, judge, rounded
from sensors.reading import Flag


@dataclass(frozen=True, slots=True, kw_only=True)
class DayCells:
    """Cells of the day checks, shape (hours kept, day checks)."""

    num: Floats
    den: Floats
    far: Floats
    n_valid: NDArray[np.uint8]
    n_due: NDArray[np.uint8]


class Windows:
    """Judges hours and days from the grids. The host says when."""

    def __init__(self, plan: Plan, grids: SlotGrids) -> None:
        self.plan, self.grids = plan, grids
        self.slots = slots_of(grids, plan.grid_of, plan.row_of)
        self.checks, self._fillers, self._readers = hour_checks(plan), fillers(plan), readers(plan)
        judging = plan.rules.judging
        self.calendar = Calendar(judging.zone)
        self.ahead = judging.future_max_s // 3600 + 1  # hours past that of log time which may hold readings
        # late data may change the last hour of a day, whose first hour then lies a day further back
        back = max(judging.late_bound_h, judging.patience_day_s // 3600 + 1) + 26
        self.hours = back + self.ahead + 1
        self.days = self.hours // 24 + 3
        checks = plan.checks
        n, n_day = len(checks), int(checks.day.sum())
        self.day_no = np.where(checks.day, np.cumsum(checks.day) - 1, -1)
        self.day_checks = np.flatnonzero(checks.day)
        self.ranged = bool((checks.day & (checks.mode == Mode.RANGE)).any())
        size = (self.hours, n_day)
        self.cells = DayCells(
            num=np.zeros(size), den=np.zeros(size), far=np.full(size if self.ranged else (self.hours, 1), np.nan),
            n_valid=np.zeros(size, np.uint8), n_due=np.zeros(size, np.uint8),
        )  # fmt: skip
        self.cells.n_due[:] = self.usual_due = due_cells(plan, self.day_checks)
        self.hour_marks = np.zeros((self.hours, n), np.uint8)
        self.state = HourState(
            self.hour_marks, self.day_no, self.cells.num, self.cells.den, self.cells.n_valid, self.cells.n_due,
            self.cells.far, self.ranged, np.full(n, -1, np.int64),
        )  # fmt: skip
        self.day_marks = np.zeros((self.days, n_day), np.uint8)

    def begin(self, now_ms: int) -> tuple[int, int]:
        """Log time stands at `now_ms`: what was due counts as judged. Returns the next hour and the next day to be due."""
        judging = self.plan.rules.judging
        next_hour = (now_ms - judging.patience_hour_s * 1000) // HOUR_MS
        next_day = self.calendar.day((now_ms - judging.patience_day_s * 1000) // HOUR_MS)
        newest = now_ms // HOUR_MS + self.ahead
        for hour in range(newest - self.hours + 1, next_hour):
            self.hour_marks[hour % self.hours] = DONE  # nothing else is known: the memory need not be read
        for grid, spec in enumerate(self.plan.specs):
            first, end = (self.calendar.day(newest), next_day) if spec.daily else (newest, next_hour)
            for block in range(first - spec.ring + 1, end):
                self.grids.state_of(grid, block)[:] = JUDGED
        for day in range(self.calendar.day(newest) - self.days + 1, next_day):
            self.day_marks[day % self.days] = DONE
        return next_hour, next_day

    def know(self, which: Index, hour: int) -> None:
        """Day checks that are new learn of an hour what the grids hold of it."""
        marks = self.hour_marks[hour % self.hours]
        marks[which[full_in(self.checks, self.slots, which, hour)]] |= FULL
        judged = which[(marks[which] & DONE) > 0]
        if len(judged):
            self._form(judged, hour)

    def clear_hour(self, hour: int) -> None:
        """Make room for a new hour."""
        for grid, spec in enumerate(self.plan.specs):
            if not spec.daily:
                self.grids.clear(grid, hour)
        at = hour % self.hours
        self.hour_marks[at] = 0
        for column in (self.cells.num, self.cells.den, self.cells.n_valid):
            column[at] = 0
        self.cells.n_due[at] = self.usual_due
        self.cells.far[at] = np.nan

    def clear_day(self, day: int) -> None:
        """Make room for a new local day."""
        if self.plan.day_grid >= 0:
            self.grids.clear(self.plan.day_grid, day)
        self.day_marks[day % self.days] = 0

    def completed(
        self, grid: NDArray[np.int32], row: NDArray[np.int32], hour: NDArray[np.int64], log_ms: NDArray[np.int64],
        current: int,
    ) -> list[WindowVerdicts]:  # fmt: skip
        """Verdicts of the checks whose series have just become full, the given ones the last of them.

        `current`: the hour of log time.
        """
        out = []
        for h in distinct(hour):
            now = hour == h
            out += self._completed(grid[now], row[now], h, log_ms[now], current)
        return out

    def _completed(
        self, grid: NDArray[np.int32], row: NDArray[np.int32], hour: int, log_ms: NDArray[np.int64], current: int
    ) -> list[WindowVerdicts]:
        which, at_ms, found = completed(self.checks, self.slots, self.state, self._fillers, grid, row, log_ms, hour)
        return [window_verdicts(found, hour), *self._days_full(which, hour, at_ms, current)]

    def hour_due(self, hour: int, at_ms: int) -> list[WindowVerdicts]:
        """Verdicts of the hour's checks that were not judged before."""
        marks, heard = self.hour_marks[hour % self.hours], False
        which = np.flatnonzero((marks & DONE) == 0)
        for grid, spec in enumerate(self.plan.specs):
            if not spec.daily:
                self.grids.state_of(grid, hour)[:] |= JUDGED
                heard |= bool(self.grids.filled_of(grid, hour).any())
        if not heard:  # no verdicts, and the cells of days are as they were cleared
            marks |= DONE
            return []
        return self._hour(which, hour, np.full(len(which), at_ms)) if len(which) else []

    def day_due(self, day: int, at_ms: int, current: int) -> list[WindowVerdicts]:
        """Verdicts of the day's checks that were not judged before. `current`: the hour of log time."""
        for hour in range(*self.calendar.hours(day)):
            self._refresh(hour, current, self.day_checks)
        todo = (self.day_marks[day % self.days] & DONE) == 0
        which = self.day_checks[todo]
        if self.plan.day_grid >= 0:
            self.grids.state_of(self.plan.day_grid, day)[:] |= JUDGED
        return self._day(which, day, np.full(len(which), at_ms)) if len(which) else []

    def revise(self, at_ms: int, current: int) -> list[WindowVerdicts]:
        """Verdicts of the judged windows whose readings changed. `current`: the hour of log time."""
        hours: dict[int, list[Index]] = {}
        days: dict[int, list[Index]] = {}
        for grid, at in list(self.grids.dirty_blocks()):
            spec = self.plan.specs[grid]
            top = self.calendar.day(current + self.ahead) if spec.daily else current + self.ahead
            block = top - (top - at) % spec.ring
            rows = np.flatnonzero(self.grids.state_of(grid, block) & DIRTY)
            which = self._readers.of_rows(grid, rows)
            self.grids.clean(grid, block)
            (days if spec.daily else hours).setdefault(block, []).append(which)
        out: list[WindowVerdicts] = []
        for hour in sorted(hours):
            which = np.unique(np.concatenate(hours[hour]))
            which = which[(self.hour_marks[hour % self.hours, which] & DONE) > 0]
            out += self._hour(which, hour, np.full(len(which), at_ms))
            days.setdefault(self.calendar.day(hour), []).append(which)
        for day in sorted(days):
            which = np.unique(np.concatenate(days[day]))
            which = which[self.plan.checks.day[which]]
            which = which[(self.day_marks[day % self.days, self.day_no[which]] & DONE) > 0]
            out += self._day(which, day, np.full(len(which), at_ms))
        return out

    def _hour(self, which: Index, hour: int, at_ms: NDArray[np.int64]) -> list[WindowVerdicts]:
        """Judge hour checks of an hour, and form the hour's cells of day checks."""
        return [window_verdicts(judge_hour(self.checks, self.slots, self.state, which, at_ms, hour), hour)]

    def _day(self, which: Index, day: int, at_ms: NDArray[np.int64]) -> list[WindowVerdicts]:
        """Judge day checks from the cells of their hours."""
        keep = self._in_force(which, self.calendar.start_ms(day))
        which, at_ms = which[keep], at_ms[keep]
        if not len(which):
            return []
        self._mark_device_day(which, day)
        sums = self._day_sums(which, day)
        value, code = judge(self.plan.checks, which, sums)
        device, device_heard = self._device_day(which, day)
        from_device = (code == VerdictCode.NOT_JUDGEABLE) & ~np.isnan(device)
        if from_device.any():
            checks = self.plan.checks
            own = rounded(device, checks.scale[which])
            over = (own > checks.ceiling[which]) | (own < checks.floor[which])
            value = np.where(from_device, own, value)
            code = np.where(from_device, np.where(over, VerdictCode.EXCEEDED, VerdictCode.NORMAL), code).astype(
                np.uint8
            )
        at, no = day % self.days, self.day_no[which]
        before = self.day_marks[at, no]
        heard = device_heard | ((self.hour_marks[self._ring(day)][:, which] & HEARD) > 0).any(axis=0)
        self.day_marks[at, no] |= DONE
        nan = np.full(len(which), np.nan)
        verdicts = WindowVerdicts(
            check=which, block=np.full(len(which), day), start_ms=np.full(len(which), self.calendar.start_ms(day)),
            end_ms=np.full(len(which), self.calendar.end_ms(day)), at_ms=at_ms, value=value, n_valid=sums.n_valid,
            n_due=sums.n_due, code=code, revision=(before & DONE) > 0, measured=nan, o2=nan, from_device=from_device,
        )  # fmt: skip
        return [verdicts.take(heard)]

    def _day_sums(self, which: Index, day: int) -> Sums:
        first, end = self.calendar.hours(day)
        no = self.day_no[which]
        num, den = np.zeros(len(which)), np.zeros(len(which))
        n_valid, n_due = np.zeros(len(which), np.int32), np.zeros(len(which), np.int32)
        far = np.full(len(which), np.nan)
        checks = self.plan.checks
        for hour in range(first, end):
            at = hour % self.hours
            num += self.cells.num[at, no]
            den += self.cells.den[at, no]
            n_valid += self.cells.n_valid[at, no]
            n_due += self.cells.n_due[at, no]
            x = self.cells.far[at, no if self.ranged else 0]
            reach = np.rint(np.maximum(checks.floor[which] - x, x - checks.ceiling[which]) * checks.scale[which])
            held = np.rint(np.maximum(checks.floor[which] - far, far - checks.ceiling[which]) * checks.scale[which])
            far = np.where(~np.isnan(x) & ~(reach <= held), x, far)
        return Sums(num=num, den=den, n_valid=n_valid, n_due=n_due, far=far)

    def _days_full(self, which: Index, hour: int, at_ms: NDArray[np.int64], current: int) -> list[WindowVerdicts]:
        """Verdicts of the days that the hour just completed was the last of."""
        chosen = self.plan.checks.day[which]
        if not chosen.any():
            return []
        which, at_ms, day = which[chosen], at_ms[chosen], self.calendar.day(hour)
        full = (self.hour_marks[self._ring(day)][:, which] & FULL).all(axis=0)
        full &= (self.day_marks[day % self.days, self.day_no[which]] & DONE) == 0
        if not full.any():
            return []
        for h in range(*self.calendar.hours(day)):
            self._refresh(h, current)
        return self._day(which[full], day, at_ms[full])

    def _refresh(self, hour: int, current: int, among: Index | None = None) -> None:
        """Form the cells of day checks again where readings changed since; hour verdicts wait for their revision.

        `among`: day checks whose hour may not have been judged at all yet.
        """
        stale = self._dirty_checks(hour, current)
        which = stale[self.plan.checks.day[stale]]
        if among is not None:
            which = np.union1d(which, among[(self.hour_marks[hour % self.hours, among] & DONE) == 0])
        if len(which):
            self._form(which, hour)

    def _form(self, which: Index, hour: int) -> None:
        form_hour(self.checks, self.slots, self.state, which, hour)

    def _ring(self, day: int) -> NDArray[np.int64]:
        return np.arange(*self.calendar.hours(day)) % self.hours

    def _dirty_checks(self, hour: int, current: int) -> Index:
        """Checks whose readings of an hour changed; those of an hour that the grids let go cannot."""
        parts = [np.empty(0, np.intp)]
        for grid, spec in enumerate(self.plan.specs):
            held = not spec.daily and hour > current + self.ahead - spec.ring
            if held and self.grids.dirty[self.grids.block_base[grid] + hour % spec.ring]:
                rows = np.flatnonzero(self.grids.state_of(grid, hour) & DIRTY)
                parts.append(self._readers.of_rows(grid, rows))
        return np.unique(np.concatenate(parts))

    def _device_day(self, which: Index, day: int) -> tuple[Floats, NDArray[np.bool_]]:
        """The device's own day means (NaN where there is none that is normal), and whether there is any."""
        row, grid = self.plan.checks.device_day_row[which], self.plan.day_grid
        if grid < 0:
            return np.full(len(which), np.nan), np.zeros(len(which), np.bool_)
        at = np.maximum(row, 0)
        heard = (row >= 0) & (self.grids.filled_of(grid, day)[at] > 0)
        usable = heard & (self.grids.flags(grid, day)[0, at] == Flag.NORMAL)
        return np.where(usable, self.grids.values(grid, day)[0, at], np.nan), heard

    def _mark_device_day(self, which: Index, day: int) -> None:
        row = self.plan.checks.device_day_row[which]
        if self.plan.day_grid >= 0:
            self.grids.state_of(self.plan.day_grid, day)[row[row >= 0]] |= JUDGED

    def _in_force(self, which: Index, start_ms: int) -> NDArray[np.bool_]:
        """Whether each check's limit speaks of windows that start then."""
        checks = self.plan.checks
        return (checks.from_ms[which] <= start_ms) & (start_ms < checks.to_ms[which])
