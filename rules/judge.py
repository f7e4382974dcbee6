"""The judge: takes readings and log time, gives verdicts and alert events. Deterministic; the host owns the clock.

Deadlines are passed in this order at one instant: a new hour begins, revisions, hours due, days due, silences
(docs/judging.md, section 6). Then come the readings of the instant, then what they completed.
"""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from rules.alert import AlertEvent, Evidence
from rules.assign import Bounds, Columns, Found, assign, room_for, ties_of
from rules.book import Book
from rules.calendar import HOUR_MS
from rules.evidence import evidence
from rules.kinds.instant import InstantBook, instants_of
from rules.kinds.monitors import FAR_MS, Heard, Silence, WrongClock
from rules.outcome import Outcome
from rules.plan import Plan
from rules.slots import SlotGrids, slots_of
from rules.verdict import WindowVerdicts
from rules.windows import Windows
from sensors.reading import KINDS, Kind, ReadingBatch

LEAP_HOURS = 100
"""A gap in log time of so many hours more than the grids hold is crossed at once: nothing can be due in it."""


@dataclass(slots=True)
class Findings:
    """What was found since the last `Judge.drain`."""

    verdicts: list[WindowVerdicts] = field(default_factory=list)
    events: list[AlertEvent] = field(default_factory=list)


class Judge:
    """All state of judging one partition, for one plan."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        judging = plan.rules.judging
        self.grids = SlotGrids.empty(plan.specs)
        self.windows = Windows(plan, self.grids)
        self.calendar = self.windows.calendar
        self.book = Book(plan)
        self.instants = instants_of(plan)
        self.instant_book = InstantBook(plan)
        self.silences = [Silence(plan, rule) for rule in plan.offline]
        self.clocks = [WrongClock(plan, rule) for rule in plan.clock]
        self.bounds = Bounds(judging.late_bound_h * HOUR_MS, judging.future_max_s * 1000, judging.revise_every_s * 1000)
        self.slots = slots_of(self.grids, plan.grid_of, plan.row_of)
        self.ties = ties_of(plan)
        self.fan = int(np.diff(self.instants.first).max(initial=0))
        self.now_ms = -1  # newest log time seen; -1: none yet
        self.hour = 0  # of log time
        self.next_hour = 0  # next to become due
        self.next_day = 0
        self.revise_ms = FAR_MS
        self.silent = False  # no more silence is judged
        self.found = Findings()

    def drain(self) -> Findings:
        """What was found since the last call."""
        found, self.found = self.found, Findings()
        return found

    def advance(self, to_ms: int) -> None:
        """Log time has come to `to_ms`: pass every deadline up to it."""
        if self.now_ms < 0:
            self._begin(to_ms)
        while (deadline_ms := self.deadline_ms()) <= to_ms:
            if to_ms - self.now_ms > (self.windows.hours + LEAP_HOURS) * HOUR_MS < to_ms - deadline_ms:
                self._leap(to_ms)
            else:
                self._pass(deadline_ms)
        self.now_ms = max(self.now_ms, to_ms)

    def deadline_ms(self) -> int:
        """The next moment at which something may be due."""
        silence = () if self.silent else (s.deadline_ms(self.now_ms) for s in self.silences)
        return min((self.hour + 1) * HOUR_MS, self.revise_ms, self._hour_due_ms(), self._day_due_ms(), *silence)

    def hear(self, heard: Heard) -> None:
        """Payloads came, all of one log time that `advance` has reached."""
        for silence in self.silences:
            self.found.events += silence.hear(heard)

    def take(self, batch: ReadingBatch, monitor: NDArray[np.int32] | None = None) -> NDArray[np.uint8]:
        """Readings in log order; returns their outcomes.

        `monitor` (readings,): in an imported history, the monitor each reading is a payload of. Else None: the host
        calls `hear` itself.
        """
        outcome = np.zeros(len(batch), np.uint8)
        columns = self._columns(batch)
        found = room_for(len(batch), self.fan)
        row = 0
        while row < len(batch):
            self.advance(int(batch.log_ms[row]))
            found.counted[:] = 0
            end, revise_ms = assign(
                row, len(batch), self.deadline_ms(), columns, self.slots, self.bounds, self.instants, self.ties, found,
                outcome,
            )  # fmt: skip
            self.revise_ms = min(self.revise_ms, revise_ms)
            if monitor is not None:
                self.hear(Heard(monitor=monitor[row:end], log_ms=batch.log_ms[row:end]))
            self._look_at(found, columns)
            self.now_ms = int(batch.log_ms[end - 1])
            row = end
        return outcome

    def check_clocks(self, batch: ReadingBatch, outcome: NDArray[np.uint8], monitor: NDArray[np.int32]) -> None:
        """Rules on clocks, for readings taken before; `monitor` (readings,)."""
        future = outcome == Outcome.FUTURE
        suspect = np.unique(monitor[future])
        suspect = np.union1d(suspect, [m for clock in self.clocks for m in clock.standing])
        if not len(suspect) or not self.clocks:
            return
        rows = np.flatnonzero(np.isin(monitor, suspect) & (monitor >= 0))
        payloads: dict[tuple[int, int], tuple[float | None, bool]] = {}
        for row in rows:
            key = int(batch.log_ms[row]), int(monitor[row])
            ahead_s, sane = payloads.get(key, (None, False))
            if not future[row]:
                sane = True
            elif ahead_s is None:
                ahead_s = (int(batch.device_ms[row]) - int(batch.log_ms[row])) / 1000
            payloads[key] = ahead_s, sane
        for clock in self.clocks:
            self.found.events += clock.take((m, at_ms, *payloads[at_ms, m]) for at_ms, m in payloads)

    def nobody_listened(self, until_ms: int) -> None:
        """From the newest log time to `until_ms` no host ran."""
        for silence in self.silences:
            silence.nobody_listened(max(0, until_ms - self.now_ms) if self.now_ms >= 0 else 0)

    def finish(self) -> None:
        """The input ends: judge what it touched. Silence is no longer judged."""
        if self.now_ms < 0:
            return
        self.silent = True
        last_hour = (self.now_ms + self.bounds.future) // HOUR_MS
        end_ms = self.calendar.end_ms(self.calendar.day(last_hour))
        self.advance(end_ms + self.plan.rules.judging.patience_day_s * 1000 + self.bounds.revise)

    def _begin(self, at_ms: int) -> None:
        self.now_ms, self.hour = at_ms, at_ms // HOUR_MS
        self.next_hour, self.next_day = self.windows.begin(at_ms)

    def _leap(self, to_ms: int) -> None:
        """Cross a gap so long that all windows were judged and all grids would have been emptied."""
        settled_ms = self.now_ms + (self.windows.hours + LEAP_HOURS // 2) * HOUR_MS
        while self.deadline_ms() <= settled_ms:
            self._pass(self.deadline_ms())
        if not self.silent:
            for silence in self.silences:
                self.found.events += silence.judge(to_ms)
        for hour in range(self.hour, self.hour + self.windows.hours):
            self.windows.clear_hour(hour)
        for day in range(self.windows.days):
            self.windows.clear_day(day)
        self._begin(to_ms)

    def _pass(self, at_ms: int) -> None:
        self.now_ms = at_ms
        if at_ms >= (self.hour + 1) * HOUR_MS:
            self._new_hour()
        if at_ms >= self.revise_ms:
            self.revise_ms = FAR_MS
            self._record(self.windows.revise(at_ms, self.hour))
        if at_ms >= self._hour_due_ms():
            self._record(self.windows.hour_due(self.next_hour, at_ms))
            self.next_hour += 1
        if at_ms >= self._day_due_ms():
            self._record(self.windows.day_due(self.next_day, at_ms, self.hour))
            self.next_day += 1
        if not self.silent:
            for silence in self.silences:
                self.found.events += silence.judge(at_ms)

    def _new_hour(self) -> None:
        self.hour += 1
        newest = self.hour + self.windows.ahead
        self.windows.clear_hour(newest)
        day = self.calendar.day(newest)
        if day != self.calendar.day(newest - 1):
            self.windows.clear_day(day)
            self.book.forget((self.hour - self.windows.hours - 48) * HOUR_MS)

    def _hour_due_ms(self) -> int:
        return (self.next_hour + 1) * HOUR_MS + self.plan.rules.judging.patience_hour_s * 1000

    def _day_due_ms(self) -> int:
        return self.calendar.end_ms(self.next_day) + self.plan.rules.judging.patience_day_s * 1000

    def _columns(self, batch: ReadingBatch) -> Columns:
        day, day_ms = np.zeros(0, np.int64), np.zeros(0, np.int64)
        if self.plan.day_grid >= 0:
            daily = batch.series % KINDS == Kind.DAY
            day, day_ms = np.zeros(len(batch), np.int64), np.zeros(len(batch), np.int64)
            if daily.any():
                day[daily], day_ms[daily] = self.calendar.days_of(batch.device_ms[daily])
        return Columns(batch.series, batch.device_ms, batch.value, batch.flag, batch.log_ms, day, day_ms)

    def _look_at(self, found: Found, columns: Columns) -> None:
        self.found.events += self.instant_book.take(found, columns)
        n = int(found.counted[0])
        if n:
            full = found.full_grid[:n], found.full_row[:n], found.full_block[:n], found.full_ms[:n]
            self._record(self.windows.completed(*full, self.hour))
            self.ties.waiting[found.full_outlet[:n]] = -1

    def _record(self, parts: list[WindowVerdicts]) -> None:
        for verdicts in parts:
            if len(verdicts):
                self.found.verdicts.append(verdicts)
                self.found.events += self.book.take(verdicts, self._evidence)

    def _evidence(self, verdicts: WindowVerdicts, row: int) -> Evidence:
        return evidence(self.windows, verdicts, row, self.hour)
