"""Kind `instant`: so many readings over the threshold, one after the other. An early warning, never a legal exceedance."""

from dataclasses import dataclass

import numpy as np

from rules.alert import AlertEvent, Step
from rules.alert_maker import Judged, follow, limit_event
from rules.assign import Columns, Found, Instants
from rules.limits import Basis, Limit
from rules.plan import Name, Plan
from rules.rule import Rule
from sensors.reading import KINDS

NEVER_MS = -(1 << 62)
INSTANT_STATE = ("newest_ms", "run", "run_ms", "open")
"""Columns of `Instants` that change."""


def instants_of(plan: Plan) -> Instants:
    """The columns of a plan's instant checks, with nothing counted yet."""
    specs, rules = plan.instants, plan.rules
    limits = [rules.limits[s.limit] for s in specs]
    series = np.array([s.series for s in specs], np.int64)
    first = np.zeros(len(plan.registry.bindings) * KINDS + 1 if specs else 1, np.int32)
    if specs:
        np.cumsum(np.bincount(series, minlength=len(first) - 1), out=first[1:])
    n = len(specs)
    return Instants(
        first=first,
        threshold=np.array([_threshold(rules.rules[s.rule], rules.limits[s.limit]) for s in specs], np.float64),
        in_a_row=np.array([rules.rules[s.rule].in_a_row for s in specs], np.int32),
        from_ms=np.array([lim.valid_from_ms for lim in limits], np.int64),
        to_ms=np.array([lim.valid_to_ms for lim in limits], np.int64),
        reference_o2=np.array(
            [np.nan if lim.basis is Basis.MEASURED or lim.reference_o2 is None else lim.reference_o2 for lim in limits],
            np.float64,
        ),
        o2_series=np.array([s.o2_series for s in specs], np.int32),
        o2_max=rules.judging.o2_max,
        newest_ms=np.full(n, NEVER_MS, np.int64),
        run=np.zeros(n, np.int32),
        run_ms=np.zeros(n, np.int64),
        open=np.zeros(n, np.uint8),
    )


def _threshold(rule: Rule, limit: Limit) -> float:
    """Rounded, as the readings are: 0.57 x 100 is 57."""
    return round(rule.fraction * (limit.ceiling or 0.0), 6)


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
        check, row = int(found.event_check[n]), int(found.event_row[n])
        at_ms, device_ms = int(columns.log_ms[row]), int(columns.device_ms[row])
        held = self.standing.pop(check, None)
        if held is not None:
            return follow(held, Step.RETURNED, at_ms, Judged(start_ms=held.start_ms, end_ms=device_ms, value=held.value))
        spec = self.plan.instants[check]
        judged = Judged(start_ms=int(found.event_run_ms[n]), end_ms=None, value=float(found.event_value[n]))
        event = limit_event(self.plan.rules, spec.rule, spec.limit, spec.nth, judged, at_ms)
        self.standing[check] = event
        return event
