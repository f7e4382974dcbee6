"""Kind `instant`: so many readings over the threshold, one after the other. An early warning, never a legal exceedance."""

from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from rules.alert import AlertEvent, Step
from rules.alert_maker import Judged, follow, limit_event
from rules.assign import Columns, Found, Instants
from rules.limit_columns import limit_columns
from rules.plan import Name, Plan
from sensors.reading import KINDS
from sensors.table import column_of

NEVER_MS = -(1 << 62)
INSTANT_STATE = ("newest_ms", "run", "run_ms", "open")
"""Columns of `Instants` that change."""


def instants_of(plan: Plan) -> Instants:
    """The columns of a plan's instant checks, with nothing counted yet."""
    checks, limits = plan.instants, limit_columns(plan.rules, plan.registry).take(plan.instants.limit)
    rules, n = plan.rules.rules, len(checks)
    first = np.zeros(len(plan.registry.bindings) * KINDS + 1 if n else 1, np.int32)
    if n:
        np.cumsum(np.bincount(checks.series, minlength=len(first) - 1), out=first[1:])
    return Instants(
        first=first,
        threshold=_thresholds(plan),
        in_a_row=np.array([rule.in_a_row for rule in rules], np.int32)[checks.rule],
        from_ms=limits.from_ms,
        to_ms=limits.to_ms,
        reference_o2=np.where(limits.converted, limits.reference_o2, np.nan),
        o2_series=checks.o2_series,
        o2_max=plan.rules.judging.o2_max,
        newest_ms=np.full(n, NEVER_MS, np.int64),
        run=np.zeros(n, np.int32),
        run_ms=np.zeros(n, np.int64),
        open=np.zeros(n, np.uint8),
    )


def _thresholds(plan: Plan) -> NDArray[np.float64]:
    checks, ceiling = plan.instants, column_of(plan.rules.limits, "ceiling")
    found = np.zeros(len(checks))
    for at in np.unique(checks.rule).tolist():
        own = checks.rule == at
        found[own] = ceiling.numbers(partial(_threshold, plan.rules.rules[at].fraction), np.float64)[checks.limit[own]]
    return found


def _threshold(fraction: float, ceiling: float | None) -> float:
    """Rounded, as the readings are: 0.57 x 100 is 57."""
    return round(fraction * (ceiling or 0.0), 6)


@dataclass(frozen=True, slots=True, kw_only=True)
class Paused:
    """Where the count of a name stands that no check of the plan has."""

    counts: tuple[int, ...]  # INSTANT_STATE
    standing: AlertEvent | None


class InstantBook:
    """Early warnings that stand, by check."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.standing: dict[int, AlertEvent] = {}
        self.gone: dict[Name, Paused] = {}

    def take(self, found: Found, columns: Columns) -> list[AlertEvent]:
        """Events from what the compiled loop found, in log order."""
        return [self._event(found, n, columns) for n in range(int(found.counted[1]))]

    def _event(self, found: Found, n: int, columns: Columns) -> AlertEvent:
        checks, check, row = self.plan.instants, int(found.event_check[n]), int(found.event_row[n])
        at_ms, device_ms = int(columns.log_ms[row]), int(columns.device_ms[row])
        held = self.standing.pop(check, None)
        if held is not None:
            return follow(held, Step.RETURNED, at_ms, Judged(start_ms=held.start_ms, end_ms=device_ms, value=held.value))
        judged = Judged(start_ms=int(found.event_run_ms[n]), end_ms=None, value=float(found.event_value[n]))
        rule, limit, nth = (int(column[check]) for column in (checks.rule, checks.limit, checks.nth))
        event = limit_event(self.plan.rules, rule, limit, nth, judged, at_ms)
        self.standing[check] = event
        return event
