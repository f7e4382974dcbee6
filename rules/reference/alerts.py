"""From verdicts to the life of alerts, and how severe one is (sections 7 and 10)."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from fractions import Fraction

from rules.alert import AlertEvent, Evidence, Step, alert_id
from rules.limits import Limit
from rules.reference.checks import alert_factor
from rules.reference.exact import exact
from rules.reference.history import Epoch
from rules.reference.verdict import Code, Verdict
from rules.rule import Rule, RuleKind

BANDS = (Fraction(1, 10), Fraction(1, 2), Fraction(1), Fraction(2))


def severity(rule: Rule, value: Fraction, limit: Limit) -> int:
    """1..5 from the multiple over the ceiling; what the rule states, or 3, where there is no multiple."""
    if rule.severity is not None:
        return rule.severity
    if rule.kind is RuleKind.RANGE or limit.ceiling is None:
        return 3
    ceiling = exact(limit.ceiling)
    return 5 if ceiling == 0 else 1 + sum((value - ceiling) / ceiling >= band for band in BANDS)


@dataclass(slots=True)
class Alert:
    """One alert and where its life stands."""

    last: AlertEvent  # its last event
    standing: Step  # OPENED, RETURNED or WITHDRAWN


@dataclass(slots=True)
class Life:
    """The alerts of one check, by window start."""

    alerts: dict[int, Alert] = field(default_factory=dict)
    last_normal_ms: int = -1  # start of the latest window that was judged normal

    def step(self, verdict: Verdict, epoch: Epoch) -> Iterator[AlertEvent]:
        """The events that follow from the next verdict of the check."""
        if verdict.code is Code.EXCEEDED:
            yield from self._exceeded(verdict, epoch)
        if verdict.code is Code.NORMAL:
            yield from self._normal(verdict)

    def _exceeded(self, verdict: Verdict, epoch: Epoch) -> Iterator[AlertEvent]:
        start = verdict.window[0]
        now = _opened(verdict, epoch)
        alert = self.alerts.get(start)
        if alert is None:
            self.alerts[start] = Alert(last=now, standing=Step.OPENED)
            yield now
            yield from self._return_if_over(start, verdict.at_ms)
            return
        changed = _numbers(now) != _numbers(alert.last)
        if alert.standing is Step.WITHDRAWN:
            alert.standing = Step.OPENED
            yield _next(alert, now, Step.REVISED)
            yield from self._return_if_over(start, verdict.at_ms)
        elif changed:
            yield _next(alert, now, Step.REVISED)

    def _return_if_over(self, start_ms: int, at_ms: int) -> Iterator[AlertEvent]:
        if start_ms < self.last_normal_ms:
            yield _returned(self.alerts[start_ms], at_ms)

    def _normal(self, verdict: Verdict) -> Iterator[AlertEvent]:
        start = verdict.window[0]
        alert = self.alerts.get(start)
        if alert is not None and alert.standing is not Step.WITHDRAWN:
            alert.standing = Step.WITHDRAWN
            now = replace(alert.last, at_ms=verdict.at_ms, value=_shown(verdict.value), evidence=_evidence(verdict))
            yield _next(alert, now, Step.WITHDRAWN)
        for earlier in sorted(at for at, other in self.alerts.items() if at < start and other.standing is Step.OPENED):
            yield _returned(self.alerts[earlier], verdict.at_ms)
        self.last_normal_ms = max(self.last_normal_ms, start)


def _numbers(event: AlertEvent) -> tuple[float | int | None, ...]:
    """What makes a judgement of the same window another one."""
    return event.value, event.evidence.n_valid, event.ceiling, event.floor


def _returned(alert: Alert, at_ms: int) -> AlertEvent:
    alert.standing = Step.RETURNED
    return _next(alert, replace(alert.last, at_ms=at_ms), Step.RETURNED)


def _next(alert: Alert, event: AlertEvent, step: Step) -> AlertEvent:
    alert.last = replace(event, step=step, seq=alert.last.seq + 1)
    return alert.last


def _opened(verdict: Verdict, epoch: Epoch) -> AlertEvent:
    check, limit, rule, start = verdict.check, verdict.check.limit, verdict.check.rule, verdict.window[0]
    assert verdict.value is not None
    return AlertEvent(
        alert_id=alert_id(rule.id, limit.outlet, alert_factor(check, epoch), start),
        seq=0,
        step=Step.OPENED,
        at_ms=verdict.at_ms,
        rule=rule.id,
        kind=rule.kind,
        rule_version=epoch.rules.version,
        alert_class=rule.alert_class,
        severity=severity(rule, verdict.value, limit),
        outlet=limit.outlet,
        factor=limit.factor,
        start_ms=start,
        end_ms=verdict.window[1],
        ceiling=limit.ceiling,
        floor=limit.floor,
        source=limit.source,
        unverified=limit.unverified,
        late=verdict.revision,
        value=_shown(verdict.value),
        evidence=_evidence(verdict),
    )


def _evidence(verdict: Verdict) -> Evidence:
    return Evidence(n_valid=verdict.n_valid, n_due=verdict.n_due, from_device=verdict.from_device)


def _shown(value: Fraction | None) -> float | None:
    return None if value is None else float(value)
