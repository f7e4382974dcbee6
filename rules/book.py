"""The book of window alerts: from verdicts to what happens in the life of each alert (docs/judging.md, section 7)."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np

from rules.alert import AlertEvent, Evidence, Step
from rules.alert_maker import Judged, follow, limit_event
from rules.limits import Limit
from rules.plan import Name, Plan
from rules.verdict import VerdictCode, WindowVerdicts

OVER = int(VerdictCode.EXCEEDED)
FINE = int(VerdictCode.NORMAL)


@dataclass(slots=True, kw_only=True)
class Entry:
    """One alert: its last event, and whether it stands."""

    event: AlertEvent
    returned: bool = False
    withdrawn: bool = False


@dataclass(slots=True, kw_only=True)
class Shelf:
    """The alerts of a name that no check of the plan has: they go on when a rule or limit brings it back."""

    newest_normal: int
    alerts: dict[int, Entry] = field(default_factory=dict)  # by window start


EvidenceOf = Callable[[WindowVerdicts, int], Evidence]


class Book:
    """All window alerts that late data can still change, or that are not returned."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        n = len(plan.checks)
        self.entries: dict[int, dict[int, Entry]] = {}  # check -> window start -> alert
        self.newest_normal = np.full(n, -(1 << 62), np.int64)  # start of the newest window judged normal
        self.watched = np.zeros(n, np.bool_)  # checks with entries
        self.gone: dict[Name, Shelf] = {}

    def take(self, verdicts: WindowVerdicts, evidence_of: EvidenceOf) -> list[AlertEvent]:
        """Events that follow from verdicts, in their order."""
        events: list[AlertEvent] = []
        for row in np.flatnonzero((verdicts.code == OVER) | ((verdicts.code == FINE) & self.watched[verdicts.check])):
            check, start_ms = int(verdicts.check[row]), int(verdicts.start_ms[row])
            alerts = self.entries.setdefault(check, {})
            if verdicts.code[row] == OVER:
                self._over(check, alerts.get(start_ms), verdicts, int(row), evidence_of, events)
            else:
                _fine(alerts, start_ms, int(verdicts.at_ms[row]), events)
        fine = verdicts.code == FINE
        check = verdicts.check[fine]  # none twice
        self.newest_normal[check] = np.maximum(self.newest_normal[check], verdicts.start_ms[fine])
        return events

    def forget(self, before_ms: int) -> None:
        """Drop alerts that are over and whose window lies too far back to be revised."""
        for check, alerts in list(self.entries.items()):
            for start_ms, entry in list(alerts.items()):
                if start_ms < before_ms and (entry.returned or entry.withdrawn):
                    del alerts[start_ms]
            if not alerts:
                del self.entries[check]
                self.watched[check] = False
        for name, shelf in list(self.gone.items()):
            shelf.alerts = {at: e for at, e in shelf.alerts.items() if at >= before_ms or not (e.returned or e.withdrawn)}
            if not shelf.alerts and shelf.newest_normal < before_ms:
                del self.gone[name]

    def _over(
        self,
        check: int,
        entry: Entry | None,
        verdicts: WindowVerdicts,
        row: int,
        evidence_of: EvidenceOf,
        out: list[AlertEvent],
    ) -> None:
        at_ms, value = int(verdicts.at_ms[row]), float(verdicts.value[row])
        limit = self.plan.rules.limits[int(self.plan.checks.limit[check])]
        if entry is not None and not entry.withdrawn and _same(entry.event, value, int(verdicts.n_valid[row]), limit):
            return
        judged = Judged(
            start_ms=int(verdicts.start_ms[row]), end_ms=int(verdicts.end_ms[row]), value=value,
            late=bool(verdicts.revision[row]), evidence=evidence_of(verdicts, row),
        )  # fmt: skip
        checks = self.plan.checks
        event = limit_event(
            self.plan.rules, int(checks.rule[check]), int(checks.limit[check]), int(checks.nth[check]), judged, at_ms
        )
        if entry is None:
            entry = self.entries[check][judged.start_ms] = Entry(event=event)
            self.watched[check] = True
        else:
            before = entry.event
            entry.event = replace(event, seq=before.seq + 1, step=Step.REVISED, late=before.late)
            entry.returned = entry.returned and not entry.withdrawn  # one that was withdrawn opens again
            entry.withdrawn = False
        out.append(entry.event)
        if judged.start_ms < self.newest_normal[check] and not entry.returned:
            _return(entry, at_ms, out)


def _same(event: AlertEvent, value: float, n_valid: int, limit: Limit) -> bool:
    numbers = event.value == value and event.evidence.n_valid == n_valid
    return numbers and (event.ceiling, event.floor) == (limit.ceiling, limit.floor)


def _fine(alerts: dict[int, Entry], start_ms: int, at_ms: int, out: list[AlertEvent]) -> None:
    own = alerts.get(start_ms)
    if own is not None and not own.withdrawn:
        own.withdrawn = True
        own.event = follow(own.event, Step.WITHDRAWN, at_ms)
        out.append(own.event)
    for start in sorted(s for s in alerts if s < start_ms):
        if not alerts[start].returned and not alerts[start].withdrawn:
            _return(alerts[start], at_ms, out)


def _return(entry: Entry, at_ms: int, out: list[AlertEvent]) -> None:
    entry.returned = True
    entry.event = follow(entry.event, Step.RETURNED, at_ms)
    out.append(entry.event)
