"""What the board knows: filled by the stages as they work, read by whoever draws it. No I/O."""

import math
import threading
from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

import numpy as np

from engine.detect.facts import Facts, Outcome
from rules.alert import AlertEvent, Step
from rules.limits import Basis, Limit
from rules.rule import AlertClass, RuleSet
from sensors.reading import KINDS, Kind
from sensors.registry import Outlet, Registry, series_no

FEED = 200
"""Pages the board remembers."""


class Condition(IntEnum):
    """How an outlet stands; a higher number is more urgent."""

    UNHEARD = 0
    NORMAL = 1
    INTEGRITY = 2
    EARLY_WARNING = 3
    LEGAL = 4


OF_CLASS = {
    AlertClass.INTEGRITY: Condition.INTEGRITY,
    AlertClass.EARLY_WARNING: Condition.EARLY_WARNING,
    AlertClass.LEGAL: Condition.LEGAL,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Gauge:
    """One limited factor of an outlet: where its latest value is found, and what it is compared with."""

    series: int
    o2_series: int  # -1: not converted
    limit: Limit


@dataclass(frozen=True, slots=True, kw_only=True)
class OutletView:
    """One outlet as the board shows it."""

    number: int
    enterprise: str  # name
    outlet: Outlet
    condition: Condition
    factor: str  # the factor nearest to its limit; "" before the first value
    share: float  # its latest value / limit; NaN before the first value


class BoardState:
    """Counts and latest values. `facts` and `events` may be called from different threads."""

    def __init__(self, registry: Registry, rules: RuleSet) -> None:
        self.registry = registry
        self.gauges = {outlet.id: _gauges(registry, rules, outlet.id) for outlet in registry.outlets}
        self.latest = np.full(len(registry.bindings) * KINDS, np.nan)
        self.counts: Counter[str] = Counter()  # the decoder's
        self.outcomes = np.zeros(len(Outcome), np.int64)
        self.refused: Counter[str] = Counter()
        self.steps: Counter[Step] = Counter()
        self.readings = 0
        self.next_offset = 0
        self.log_ms = 0
        self.open: dict[str, AlertEvent] = {}  # alert id -> its last step
        self.pages: deque[str] = deque(maxlen=FEED)
        self.paged = 0  # pages that have arrived, over all channels
        self.shown = 0  # of them: on the board
        self._seen: set[tuple[str, int]] = set()
        self._lock = threading.Lock()

    def facts(self, facts: Facts) -> None:
        """What was stored of one record."""
        with self._lock:
            if facts.offset < self.next_offset:
                return
            self.next_offset, self.log_ms = facts.offset + 1, facts.log_ms
            self.latest[facts.readings.series] = facts.readings.value
            self.readings += len(facts.readings)
            self.outcomes += np.bincount(facts.outcome, minlength=len(Outcome))
            self.counts.update(facts.counts)
            self.refused.update(refusal.reason.value for refusal in facts.refused)

    def events(self, events: Sequence[AlertEvent]) -> None:
        """The alert steps that duty has taken over."""
        with self._lock:
            for event in events:
                if (event.alert_id, event.seq) in self._seen:
                    continue
                self._seen.add((event.alert_id, event.seq))
                self.steps[event.step] += 1
                if event.step in (Step.RETURNED, Step.WITHDRAWN):
                    self.open.pop(event.alert_id, None)
                else:
                    self.open[event.alert_id] = event

    def page(self, text: str) -> None:
        """A page for the duty room."""
        with self._lock:
            self.paged += 1
            self.shown += 1
            self.pages.append(text)

    def paged_by_webhook(self) -> None:
        """A page has arrived at the webhook receiver."""
        with self._lock:
            self.paged += 1

    def outlets(self) -> list[OutletView]:
        """Every outlet, in the order of the registry, numbered from 1."""
        with self._lock:
            worst: dict[str, AlertEvent] = {}
            for event in sorted(self.open.values(), key=lambda e: OF_CLASS[e.alert_class]):
                worst[event.outlet] = event
            return [
                self._view(number, outlet, worst.get(outlet.id)) for number, outlet in enumerate(self.registry.outlets, 1)
            ]

    def _view(self, number: int, outlet: Outlet, worst: AlertEvent | None) -> OutletView:
        """The factor of its worst open alert, or else the one nearest to its limit."""
        shares = {gauge.limit.factor: self._share(gauge) for gauge in self.gauges[outlet.id]}
        known = {factor: share for factor, share in shares.items() if not math.isnan(share)}
        factor = max(known, key=known.__getitem__, default="")
        if worst is not None and worst.factor in known:
            factor = worst.factor
        calm = Condition.NORMAL if factor else Condition.UNHEARD
        return OutletView(
            number=number,
            enterprise=self.registry.enterprise(outlet.enterprise).name,
            outlet=outlet,
            condition=calm if worst is None else OF_CLASS[worst.alert_class],
            factor=factor,
            share=known.get(factor, math.nan),
        )

    def _share(self, gauge: Gauge) -> float:
        limit = gauge.limit
        value = float(self.latest[gauge.series])
        if gauge.o2_series >= 0 and limit.reference_o2 is not None:
            o2 = float(self.latest[gauge.o2_series])
            value *= (21.0 - limit.reference_o2) / (21.0 - o2) if o2 < 20.0 else float("nan")
        return value / (limit.ceiling or float("nan"))


def _gauges(registry: Registry, rules: RuleSet, outlet: str) -> tuple[Gauge, ...]:
    """The limits of an outlet that have one end, at the minute values of their factors."""
    found = []
    for limit in rules.limits:
        binding = registry.binding_no(outlet, limit.factor)
        if limit.outlet != outlet or limit.floor is not None or binding is None:
            continue
        o2 = registry.binding_no(outlet, "a19001") if limit.basis is Basis.CONVERTED else None
        found.append(
            Gauge(
                series=series_no(binding, Kind.MINUTE),
                o2_series=-1 if o2 is None else series_no(o2, Kind.MINUTE),
                limit=limit,
            )
        )
    return tuple(found)
