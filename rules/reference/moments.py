"""When a window is judged, and the verdicts it then gets (section 6)."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from rules.limits import Averaging
from rules.reference.book import Book, cadence_ms
from rules.reference.checks import Check, speaks
from rules.reference.days import Window, window_of
from rules.reference.history import Epoch, Series
from rules.reference.means import View
from rules.reference.verdict import Verdict, verdict_of


@dataclass(frozen=True, slots=True)
class Moments:
    """Which windows of one check count as judged since when, carried from epoch to epoch."""

    book: Book
    judged_ms: dict[int, tuple[int, bool]] = field(default_factory=dict)  # by start: since when; True: by a deadline

    def verdicts(self, check: Check, epoch: Epoch) -> Iterator[Verdict]:
        """Every verdict that a check gives in one epoch, in the order of docs/judging.md, section 6."""
        found: list[tuple[tuple[int, ...], Verdict]] = []
        for window in self._windows(check, epoch):
            found += self._of_window(check, window, epoch)
        return (verdict for _, verdict in sorted(found, key=lambda pair: pair[0]))

    def _windows(self, check: Check, epoch: Epoch) -> set[Window]:
        """The windows some reading of the check's series lies in."""
        zone = epoch.rules.judging.zone
        touched = {window_of(taken.slot_ms, check.limit.averaging, zone)
                   for series in check.all_series for taken in self.book.taken.get(series, [])}  # fmt: skip
        return {window for window in touched if speaks(check.limit, window[0])}

    def _of_window(self, check: Check, window: Window, epoch: Epoch) -> Iterator[tuple[tuple[int, ...], Verdict]]:
        """Each verdict with its place in the order: log time, readings' turn or not, revision or not, window start."""
        name = window[0]
        if name not in self.judged_ms:
            first = self._first(check, window, epoch)
            if first is not None:
                at_ms, due = self.judged_ms[name] = first
                until = at_ms - 1 if due else at_ms
                if epoch.start_ms < at_ms and self._heard(check, window, until):
                    yield (
                        (at_ms, not due, True, window[0]),
                        self._judge(check, window, epoch, at_ms=at_ms, until_ms=until),
                    )
        if name in self.judged_ms:
            for at_ms in self._revisions(check, window, epoch, *self.judged_ms[name]):
                if self._heard(check, window, at_ms - 1):
                    yield (at_ms, False, False, window[0]), self._judge(check, window, epoch, at_ms=at_ms)

    def _judge(self, check: Check, window: Window, epoch: Epoch, *, at_ms: int, until_ms: int | None = None) -> Verdict:
        """Judge by the readings up to `until_ms`; None: a revision, by the readings before `at_ms`."""
        until = at_ms - 1 if until_ms is None else until_ms
        view = View(book=self.book, registry=epoch.registry, judging=epoch.rules.judging, until_ms=until)
        return verdict_of(view, check, window, at_ms=at_ms, revision=until_ms is None)

    def _first(self, check: Check, window: Window, epoch: Epoch) -> tuple[int, bool] | None:
        """When the window is judged for the first time, and whether by its deadline; None: not in this epoch."""
        judging = epoch.rules.judging
        patience = judging.patience_hour_s if check.limit.averaging is Averaging.HOUR else judging.patience_day_s
        due = window[1] + patience * 1000
        complete = self._complete(check, window, epoch)
        if complete is not None and complete < due and epoch.judges(complete):
            return complete, False
        return (due, True) if due <= epoch.windows_end_ms else None

    def _complete(self, check: Check, window: Window, epoch: Epoch) -> int | None:
        """The log time at which the last slot of the window was filled; None: one is still empty."""
        filled = [self._filled(s, window, epoch) for s in (check.own, check.other) if s is not None]
        known = [at for at in filled if at is not None]
        return max(known) if len(known) == len(filled) else None

    def _filled(self, series: Series, window: Window, epoch: Epoch) -> int | None:
        first: dict[int, int] = {}
        for taken in self.book.of(series, window):
            first.setdefault(taken.slot_ms, taken.log_ms)
        slots = range(window[0], window[1], cadence_ms(series, epoch.registry))
        return max(first[slot] for slot in slots) if all(slot in first for slot in slots) else None

    def _revisions(self, check: Check, window: Window, epoch: Epoch, judged_ms: int, due: bool) -> list[int]:
        """The instants at which late readings have the window judged again."""
        every = epoch.rules.judging.revise_every_s * 1000
        late = {taken.log_ms for series in check.all_series for taken in self.book.of(series, window)
                if taken.log_ms > judged_ms or (due and taken.log_ms == judged_ms)}  # fmt: skip
        return sorted({at for at in ((log_ms // every + 1) * every for log_ms in late) if epoch.passes(at)})

    def _heard(self, check: Check, window: Window, until_ms: int) -> bool:
        """Whether one of the check's own series had a reading in the window by then."""
        return any(t.log_ms <= until_ms for series in check.own_series for t in self.book.of(series, window))
