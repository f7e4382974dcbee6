"""What the oracle is given: the entries of a log, in order, as plain objects."""

from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import TypeVar

from rules.rule import Judging, RuleSet
from sensors.reading import Flag, Kind
from sensors.registry import FOREVER_MS, Registry

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")

Series = tuple[str, str, Kind]
"""(outlet, factor, kind)"""


class Mark(Enum):
    """Entries that carry nothing but the fact that they are there."""

    TICK = "tick"
    HOST_STARTED = "host_started"
    END_OF_INPUT = "end_of_input"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """One reading as it was sent."""

    outlet: str
    factor: str
    kind: Kind
    device_ms: int
    value: float
    flag: Flag = Flag.NORMAL

    @property
    def series(self) -> Series:
        """The series it belongs to."""
        return self.outlet, self.factor, self.kind


@dataclass(frozen=True, slots=True, kw_only=True)
class Payload:
    """One payload of one monitor; without readings: one that nobody could decode."""

    mn: str
    readings: tuple[Sent, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One record of the log: payloads, a mark, or a registry or rule set that takes over."""

    log_ms: int
    said: tuple[Payload, ...] | Mark | Registry | RuleSet

    @property
    def payloads(self) -> tuple[Payload, ...]:
        """Its payloads; none where it is a tick or a control record."""
        return self.said if isinstance(self.said, tuple) else ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Epoch:
    """A stretch of log time in which one registry and one rule set are in force.

    The control record at `start_ms` opens it; deadlines in (start_ms, end_ms] are judged under it.
    """

    start_ms: int
    end_ms: int  # log time of the last entry in it
    windows_end_ms: int  # the last deadline of a window that is passed in it
    registry: Registry
    rules: RuleSet

    def judges(self, log_ms: int) -> bool:
        """Whether what happens at that log time happens under this registry and rule set."""
        return self.start_ms < log_ms <= self.end_ms

    def passes(self, deadline_ms: int) -> bool:
        """Whether that deadline of a window is passed under this registry and rule set."""
        return self.start_ms < deadline_ms <= self.windows_end_ms


def epochs(history: Sequence[Entry]) -> list[Epoch]:
    """The history cut where a registry or a rule set takes over; ValueError where log times do not increase.

    >>> [(e.start_ms, e.end_ms) for e in epochs([Entry(log_ms=5, said=Registry()), Entry(log_ms=9, said=Mark.TICK)])]
    [(-1, 5), (5, 9)]
    """
    _check_order(entry.log_ms for entry in history)
    registry, rules, start = Registry(), RuleSet(version="", judging=Judging(), rules=()), -1
    found = []
    for entry in history:
        if isinstance(entry.said, Registry | RuleSet):
            found.append(_epoch(start, entry, registry, rules))
            start = entry.log_ms
            if isinstance(entry.said, Registry):
                registry = entry.said
            else:
                rules = entry.said
    return [*found, _epoch(start, history[-1], registry, rules)] if history else []


def spells(stretches: list[Epoch], found: Callable[[Epoch], dict[K, V]]) -> Iterator[list[tuple[Epoch, V]]]:
    """For each thing that `found` finds, by its name: the unbroken runs of epochs that have it.

    What a spell holds is the same check or rule all along; after a break it is a new one.
    """
    running: dict[K, list[tuple[Epoch, V]]] = {}
    for epoch in stretches:
        now = found(epoch)
        for gone in running.keys() - now.keys():
            yield running.pop(gone)
        for name, thing in now.items():
            running.setdefault(name, []).append((epoch, thing))
    yield from running.values()


def _epoch(start_ms: int, last: Entry, registry: Registry, rules: RuleSet) -> Epoch:
    windows_end = FOREVER_MS if last.said is Mark.END_OF_INPUT else last.log_ms
    return Epoch(start_ms=start_ms, end_ms=last.log_ms, windows_end_ms=windows_end, registry=registry, rules=rules)


def _check_order(log_times: Iterable[int]) -> None:
    before = -1
    for log_ms in log_times:
        if log_ms <= before:
            raise ValueError(f"history: log time {log_ms} after {before}: expected it to increase")
        before = log_ms
