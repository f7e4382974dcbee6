"""Which limit a verdict was held against, for charts: the one in force at the start of its window."""

from collections.abc import Iterable

from rules.limits import Limit
from rules.rule import Rule, RuleKind

Bounds = tuple[float | None, float | None]
"""(ceiling, floor)."""


class LimitBounds:
    """The limits of a rule set by outlet and factor. Where several of one rule are in force, the strictest bounds."""

    def __init__(self, limits: Iterable[Limit]) -> None:
        self._limits: dict[tuple[str, str], list[Limit]] = {}
        for limit in limits:
            self._limits.setdefault((limit.outlet, limit.factor), []).append(limit)

    def of(self, outlet: str, factor: str, rule: Rule, start_ms: int) -> Bounds:
        """What a window rule compares with in a window that begins at `start_ms`."""
        wants_floor = rule.kind is RuleKind.RANGE
        fitting = [
            limit
            for limit in self._limits.get((outlet, factor), ())
            if limit.averaging is rule.averaging
            and (limit.floor is not None) == wants_floor
            and limit.valid_from_ms <= start_ms < limit.valid_to_ms
        ]
        ceilings = [limit.ceiling for limit in fitting if limit.ceiling is not None]
        floors = [limit.floor for limit in fitting if limit.floor is not None]
        return min(ceilings, default=None), max(floors, default=None)
