"""The terms a verdict was formed under: what of the rule, the limit and the settings is needed to compute it again."""

from dataclasses import dataclass

from rules.alert import AlertEvent
from rules.limits import Averaging, Basis, Limit, Weighting
from rules.rule import Judging, Rule, RuleKind, RuleSet


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """The rule, its limit (none for rules on monitors) and the settings all rules share."""

    rule: Rule
    limit: Limit | None
    judging: Judging
    water: bool  # the outlet discharges water: validity counts cells, not hours

    @property
    def decimals(self) -> int:
        """The judged value is rounded to so many."""
        stated = self.limit.decimals if self.limit else None
        return 6 if stated is None else stated

    @property
    def of_day(self) -> bool:
        """A day is judged; else an hour."""
        return self.rule.averaging is Averaging.DAY

    @property
    def by_flow(self) -> bool:
        """Values are weighted with the flow."""
        return self.limit is not None and self.limit.weighting is Weighting.FLOW

    @property
    def converted(self) -> bool:
        """Hours are converted to the reference oxygen content."""
        return self.limit is not None and self.limit.basis is Basis.CONVERTED


def terms_of(event: AlertEvent, rules: RuleSet) -> Terms | None:
    """The terms of an event; None where the rule set is another version or does not have them."""
    rule = next((r for r in rules.rules if r.id == event.rule and r.kind is event.kind), None)
    if rules.version != event.rule_version or rule is None:
        return None
    limit = next((lim for lim in rules.limits if _is_of(lim, rule, event)), None)
    if limit is None and event.factor:
        return None
    return Terms(rule=rule, limit=limit, judging=rules.judging, water=event.factor.startswith("w"))


def _is_of(limit: Limit, rule: Rule, event: AlertEvent) -> bool:
    """Whether the event quotes this limit."""
    averaged = rule.kind is RuleKind.INSTANT or limit.averaging is rule.averaging
    in_force = limit.valid_from_ms <= event.start_ms < limit.valid_to_ms
    subject = (limit.outlet, limit.factor) == (event.outlet, event.factor)
    quoted = (limit.ceiling, limit.floor, limit.source) == (event.ceiling, event.floor, event.source)
    return averaged and in_force and subject and quoted
