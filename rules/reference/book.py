"""Readings and slots: what became of each reading, and what stood in a slot at any log time (sections 1 and 2)."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

from rules.outcome import Outcome
from rules.reference.days import Window, day_of
from rules.reference.history import Epoch, Sent, Series
from sensors.reading import Flag, Kind
from sensors.registry import Monitor, Registry

DAY_MS = 86_400_000
CHANGES = (Outcome.NEW, Outcome.CORRECTED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """A reading that took its slot."""

    log_ms: int
    slot_ms: int
    sent: Sent


@dataclass(frozen=True, slots=True)
class Book:
    """Every reading that ever took a slot, in log order, by series."""

    taken: dict[Series, list[Taken]] = field(default_factory=lambda: defaultdict(list))

    def at(self, series: Series, window: Window, until_ms: int) -> dict[int, Sent]:
        """Slot start -> the reading that stood there at the end of log time `until_ms`, in time order."""
        inside = (t for t in self.of(series, window) if t.log_ms <= until_ms)
        return dict(sorted({t.slot_ms: t.sent for t in inside}.items()))

    def of(self, series: Series, window: Window) -> list[Taken]:
        """The readings of a series that took a slot of the window, in log order."""
        return [t for t in self.taken.get(series, []) if window[0] <= t.slot_ms < window[1]]

    def enter(self, sent: Sent, log_ms: int, epoch: Epoch, used: Iterable[Series]) -> Outcome:
        """The outcome of one reading; one that takes its slot is written down."""
        judging = epoch.rules.judging
        if sent.device_ms > log_ms + judging.future_max_s * 1000:
            return Outcome.FUTURE
        if sent.device_ms < log_ms - judging.late_bound_h * 3_600_000:
            return Outcome.TOO_LATE
        if sent.series not in used:
            return Outcome.UNJUDGED
        slot = slot_of(sent, epoch)
        before = self.at(sent.series, slot, log_ms).get(slot[0])
        outcome = Outcome.NEW if before is None else _compared(before, sent, slot)
        if outcome in CHANGES:
            self.taken[sent.series].append(Taken(log_ms=log_ms, slot_ms=slot[0], sent=sent))
        return outcome


def slot_of(sent: Sent, epoch: Epoch) -> Window:
    """The slot a reading has its place in."""
    if sent.kind is Kind.DAY:
        return day_of(sent.device_ms, epoch.rules.judging.zone)
    cadence = cadence_ms(sent.series, epoch.registry)
    start = sent.device_ms // cadence * cadence
    return start, start + cadence


def cadence_ms(series: Series, registry: Registry) -> int:
    """Length of a slot of a series other than a day series."""
    return monitor_of(series[0], registry).cadence_s(series[2]) * 1000


def monitor_of(outlet: str, registry: Registry) -> Monitor:
    """The (first) monitor that speaks for an outlet."""
    return next(m for m in registry.monitors if m.outlet == outlet)


def _compared(before: Sent, now: Sent, slot: Window) -> Outcome:
    old, new = (_place(reading, slot) for reading in (before, now))
    if old == new and (before.value, before.flag) == (now.value, now.flag):
        return Outcome.DUPLICATE
    old_rank, new_rank = (before.flag is Flag.NORMAL, old), (now.flag is Flag.NORMAL, new)
    return Outcome.CORRECTED if new_rank >= old_rank else Outcome.SUPERSEDED


def _place(reading: Sent, slot: Window) -> int:
    """Position in the slot, in 65536ths of it; of a day slot in 65536ths of 24 hours."""
    length = DAY_MS if reading.kind is Kind.DAY else slot[1] - slot[0]
    return min((reading.device_ms - slot[0]) * 65536 // length, 65535)
