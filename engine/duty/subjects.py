"""What a page says of an event: the numbers of the event, the names of the registry."""

from engine.duty.decision import Decision
from engine.duty.page import Subject
from rules.alert import AlertEvent
from rules.rule import RuleSet
from sensors.factors import factor
from sensors.registry import Enterprise, Outlet, Registry


def make_subject(
    event: AlertEvent, *, episode: str, decision: Decision, registry: Registry, rules: RuleSet | None, zone: str
) -> Subject:
    """The page's content; where the registry lacks a name the id stands for it."""
    outlet, enterprise = find_outlet(registry, event.outlet)
    known = factor(event.factor)
    rule = next((r for r in rules.rules if r.id == event.rule), None) if rules else None
    return Subject(
        alert_id=event.alert_id,
        episode=episode,
        step=event.step.value,
        decision=decision.value,
        kind=event.kind.value,
        alert_class=event.alert_class.value,
        rule=event.rule,
        rule_text_zh=rule.text_zh if rule else "",
        rule_text_en=rule.text_en if rule else "",
        severity=event.severity,
        enterprise=enterprise.name if enterprise else "",
        outlet=outlet.name if outlet and outlet.name else event.outlet,
        factor=event.factor,
        factor_zh=known.name_zh if known else event.factor,
        factor_en=known.name_en if known else event.factor,
        mn=event.mn,
        unit=event.unit,
        value=event.value,
        ceiling=event.ceiling,
        floor=event.floor,
        source=event.source,
        unverified=event.unverified,
        start_ms=event.start_ms,
        end_ms=event.end_ms,
        at_ms=event.at_ms,
        zone=zone,
    )


def find_outlet(registry: Registry, outlet: str) -> tuple[Outlet | None, Enterprise | None]:
    """An outlet and who answers for it, as far as the registry knows them."""
    try:
        found = registry.outlet(outlet)
    except KeyError:
        return None, None
    try:
        return found, registry.enterprise(found.enterprise)
    except KeyError:
        return found, None
