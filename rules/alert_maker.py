"""Makes alert events of one rule and limit: everything about them but their history."""

from dataclasses import dataclass, replace

from rules.alert import AlertEvent, Evidence, Step, alert_id
from rules.limits import Limit
from rules.rule import Rule, RuleKind, RuleSet
from rules.severity import USUAL, severity
from sensors.factors import factor as catalogue

NO_EVIDENCE = Evidence()


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """What one alert event says of its window or span."""

    start_ms: int
    end_ms: int | None
    value: float | None = None
    late: bool = False
    evidence: Evidence = NO_EVIDENCE


def limit_event(rules: RuleSet, rule_at: int, limit_at: int, nth: int, judged: Judged, at_ms: int) -> AlertEvent:
    """The opening event of an alert on a limit. `nth`: which of the limits of one (rule, outlet, factor)."""
    rule, limit = rules.rules[rule_at], rules.limits[limit_at]
    name = limit.factor if nth == 0 else f"{limit.factor}#{nth}"
    known = catalogue(limit.factor)
    return AlertEvent(
        alert_id=alert_id(rule.id, limit.outlet, name, judged.start_ms),
        seq=0,
        step=Step.OPENED,
        at_ms=at_ms,
        rule=rule.id,
        kind=rule.kind,
        rule_version=rules.version,
        alert_class=rule.alert_class,
        severity=_severity(rule, limit, judged.value),
        outlet=limit.outlet,
        factor=limit.factor,
        start_ms=judged.start_ms,
        end_ms=judged.end_ms,
        value=judged.value,
        ceiling=limit.ceiling,
        floor=limit.floor,
        unit=known.unit if known else "",
        source=limit.source,
        unverified=limit.unverified,
        late=judged.late,
        evidence=judged.evidence,
    )


def monitor_event(rules: RuleSet, rule_at: int, outlet: str, mn: str, judged: Judged, at_ms: int) -> AlertEvent:
    """The opening event of an alert on a monitor."""
    rule = rules.rules[rule_at]
    return AlertEvent(
        alert_id=alert_id(rule.id, outlet, mn, judged.start_ms),
        seq=0,
        step=Step.OPENED,
        at_ms=at_ms,
        rule=rule.id,
        kind=rule.kind,
        rule_version=rules.version,
        alert_class=rule.alert_class,
        severity=rule.severity or USUAL,
        outlet=outlet,
        factor="",
        mn=mn,
        start_ms=judged.start_ms,
        end_ms=judged.end_ms,
        value=judged.value,
    )


def follow(event: AlertEvent, step: Step, at_ms: int, judged: Judged | None = None) -> AlertEvent:
    """The next event of the same alert; with `judged`, its numbers change. `late` stays what it was when it opened."""
    event = replace(event, seq=event.seq + 1, step=step, at_ms=at_ms)
    if judged is None:
        return event
    return replace(event, end_ms=judged.end_ms, value=judged.value, evidence=judged.evidence)


def _severity(rule: Rule, limit: Limit, value: float | None) -> int:
    if rule.severity is not None:
        return rule.severity
    return USUAL if rule.kind is RuleKind.RANGE else severity(value, limit.ceiling)
