"""Which checks a rule set makes, and which series they use (sections 6 and 11)."""

from collections.abc import Iterator
from dataclasses import dataclass

from rules.limits import Averaging, Basis, Limit, Weighting
from rules.reference.history import Epoch, Series
from rules.rule import Rule, RuleKind
from sensors.reading import Kind
from sensors.registry import Binding, Medium, Outlet, Registry

FLOW, OXYGEN = "w00000", "a19001"


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One rule beside one limit."""

    rule: Rule
    limit: Limit
    limit_no: int  # position in the rule set's limits
    medium: Medium
    kind: Kind  # the kind that the binding is judged from
    helper: str  # factor of the helper: flow, oxygen, or ""
    helper_kind: Kind | None  # the kind that the helper is judged from; None: the outlet has no such binding

    @property
    def name(self) -> tuple[str, Limit]:
        """What makes it the same check in the next rule set."""
        return self.rule.id, self.limit

    @property
    def own(self) -> Series:
        """The series whose slots it judges."""
        return self.limit.outlet, self.limit.factor, self.kind

    @property
    def other(self) -> Series | None:
        """The series whose slots help."""
        return None if self.helper_kind is None else (self.limit.outlet, self.helper, self.helper_kind)

    @property
    def device_series(self) -> list[Series]:
        """The device's own means of the judged factor that can stand in."""
        if self.rule.kind is not RuleKind.EXCEEDANCE:
            return []
        found = [Kind.HOUR] if self.uses_hours and self.kind is not Kind.HOUR else []
        if self.limit.averaging is Averaging.DAY:
            found.append(Kind.DAY)
        return [(self.limit.outlet, self.limit.factor, kind) for kind in found]

    @property
    def uses_hours(self) -> bool:
        """Whether it is made of hourly means, for which the device's own can stand in."""
        return self.limit.averaging is Averaging.HOUR or self.medium is not Medium.WATER

    @property
    def own_series(self) -> list[Series]:
        """Judged slots, device hour, device day: what has to have a reading for there to be a verdict."""
        return [self.own, *self.device_series]

    @property
    def all_series(self) -> list[Series]:
        """All that a verdict depends on."""
        if self.other is None:
            return self.own_series
        hour = (self.limit.outlet, self.helper, Kind.HOUR)
        return [*self.own_series, self.other, *([hour] if self.helper == OXYGEN and hour != self.other else [])]


def window_checks(epoch: Epoch) -> list[Check]:
    """The checks of `exceedance` and `range` rules."""
    kinds = (RuleKind.EXCEEDANCE, RuleKind.RANGE)
    return [_check(rule, no, epoch.registry, epoch) for rule in epoch.rules.rules if rule.kind in kinds
            for no in _limits(rule, epoch)]  # fmt: skip


def instant_checks(epoch: Epoch) -> list[Check]:
    """The checks of `instant` rules."""
    found = [_check(rule, no, epoch.registry, epoch) for rule in epoch.rules.rules if rule.kind is RuleKind.INSTANT
             for no in _limits(rule, epoch)]  # fmt: skip
    return [check for check in found if check.kind is not Kind.DAY]


def same_slot_oxygen(check: Check) -> Series:
    """The oxygen series whose slots an `instant` check on the converted basis looks into."""
    return check.limit.outlet, OXYGEN, check.kind


def used_series(epoch: Epoch) -> set[Series]:
    """Every series that some judgement uses; readings of the others are `unjudged`."""
    used = {series for check in window_checks(epoch) for series in check.all_series}
    for check in instant_checks(epoch):
        used.add(check.own)
        if check.limit.basis is Basis.CONVERTED:
            used.add(same_slot_oxygen(check))
    return used


def alert_factor(check: Check, epoch: Epoch) -> str:
    """The factor as it stands in an alert id: with the limit's position where the rule takes others before it."""
    limit, limits = check.limit, epoch.rules.limits
    same = [no for no in _limits(check.rule, epoch)
            if (limits[no].outlet, limits[no].factor) == (limit.outlet, limit.factor)]  # fmt: skip
    position = same.index(check.limit_no)
    return limit.factor if position == 0 else f"{limit.factor}#{position}"


def speaks(limit: Limit, start_ms: int) -> bool:
    """Whether a limit is in force for a window that starts then."""
    return limit.valid_from_ms <= start_ms < limit.valid_to_ms


def selects(rule: Rule, outlet: Outlet) -> bool:
    """Whether a rule's selector fits the outlet; factors aside."""
    select = rule.select
    return (not select.mediums or outlet.medium in select.mediums) and (not select.outlets or outlet.id in select.outlets)


def _limits(rule: Rule, epoch: Epoch) -> Iterator[int]:
    """Positions of the limits that a rule takes, as far as the outlet has the factor."""
    for no, limit in enumerate(epoch.rules.limits):
        outlet = next((o for o in epoch.registry.outlets if o.id == limit.outlet), None)
        if outlet is None or not selects(rule, outlet) or _binding(limit.outlet, limit.factor, epoch.registry) is None:
            continue
        if (not rule.select.factors or limit.factor in rule.select.factors) and _fits(rule, limit):
            yield no


def _fits(rule: Rule, limit: Limit) -> bool:
    if rule.kind is not RuleKind.INSTANT and limit.averaging is not rule.averaging:
        return False
    if rule.kind is RuleKind.RANGE:
        return limit.floor is not None
    return limit.floor is None and limit.ceiling is not None


def _check(rule: Rule, no: int, registry: Registry, epoch: Epoch) -> Check:
    limit = epoch.rules.limits[no]
    binding = _binding(limit.outlet, limit.factor, registry)
    assert binding is not None
    helper = _helper(rule, limit)
    other = _binding(limit.outlet, helper, registry) if helper else None
    return Check(
        rule=rule, limit=limit, limit_no=no, medium=registry.outlet(limit.outlet).medium, kind=binding.judged_from,
        helper=helper, helper_kind=other.judged_from if other else None,
    )  # fmt: skip


def _helper(rule: Rule, limit: Limit) -> str:
    if rule.kind is RuleKind.RANGE:
        return ""
    if limit.weighting is Weighting.FLOW and limit.averaging is Averaging.DAY:
        return FLOW
    return OXYGEN if limit.basis is Basis.CONVERTED else ""


def _binding(outlet: str, factor: str, registry: Registry) -> Binding | None:
    return next((b for b in registry.bindings if (b.outlet, b.factor) == (outlet, factor)), None)
