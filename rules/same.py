"""What is the same in two plans: found by numbers that are equal for equal things, all of them at once."""

from collections.abc import Iterable, Sequence
from dataclasses import fields

import numpy as np
from numpy.typing import NDArray

from rules.limits import Limit
from rules.plan import Checks, InstantChecks, Name, Plan
from sensors.table import column_of

Pairs = tuple[NDArray[np.intp], NDArray[np.intp]]
"""Positions in the old plan and, one by one, in the new."""

Numbers = tuple[NDArray[np.int64], NDArray[np.int64]]
"""A number for each of the old and each of the new; equal numbers for equal ones."""

ChecksOf = Checks | InstantChecks
CONTENT = tuple(f.name for f in fields(Limit))
PLACE = ("outlet", "factor")
RENUMBER = 1 << 40


class Same:
    """An old plan and a new one, side by side."""

    def __init__(self, old: Plan, new: Plan) -> None:
        self.old, self.new = old, new
        self.rules = _rule_numbers(old, new)
        self.places = _limit_numbers(old.rules.limits, new.rules.limits, PLACE)

    def checks(self) -> Pairs:
        """Window checks of one rule on one limit; of two alike in the old plan the later counts."""
        limits = _limit_numbers(self.old.rules.limits, self.new.rules.limits, CONTENT)
        was, now = self._numbers(self.old.checks, self.new.checks, limits)
        return _pairs(was, now)

    def names(self, old: ChecksOf, new: ChecksOf) -> Pairs:
        """Checks whose alerts have one name; there are no two of a name in one plan."""
        was, now = self._numbers(old, new, self.places)
        most = 1 + max(int(checks.nth.max(initial=0)) for checks in (old, new))
        return _pairs(was * most + old.nth, now * most + new.nth)

    def _numbers(self, old: ChecksOf, new: ChecksOf, limits: Numbers) -> Numbers:
        span = 1 + max(int(numbers.max(initial=0)) for numbers in limits)
        was = self.rules[0][old.rule] * span + limits[0][old.limit]
        return was, self.rules[1][new.rule] * span + limits[1][new.limit]


def named(plan: Plan, checks: ChecksOf, names: Iterable[Name]) -> dict[Name, int]:
    """Which checks have these names. Only those at their outlets are looked at."""
    outlets = {outlet for _, outlet, _, _ in names}
    if not outlets:
        return {}
    there = column_of(plan.rules.limits, "outlet").numbers(outlets.__contains__, np.bool_)
    return {plan.name(checks, check): check for check in np.flatnonzero(there[checks.limit]).tolist()}


def _pairs(was: NDArray[np.int64], now: NDArray[np.int64]) -> Pairs:
    order = np.argsort(was, kind="stable")
    at = np.searchsorted(was[order], now, "right") - 1
    found = np.flatnonzero(at >= 0)
    found = found[was[order[at[found]]] == now[found]]
    return order[at[found]], found


def _rule_numbers(old: Plan, new: Plan) -> Numbers:
    number: dict[str, int] = {}
    was, now = ([number.setdefault(rule.id, len(number)) for rule in plan.rules.rules] for plan in (old, new))
    return np.array(was, np.int64), np.array(now, np.int64)


def _limit_numbers(old: Sequence[Limit], new: Sequence[Limit], names: tuple[str, ...]) -> Numbers:
    """Numbers by some of the fields of limits."""
    number, span = np.zeros(len(old) + len(new), np.int64), 1
    for name in names:
        columns = [column_of(limits, name) for limits in (old, new)]
        place = {value: n for n, value in enumerate(dict.fromkeys((*columns[0].values, *columns[1].values)))}
        number = number * len(place) + np.concatenate([c.numbers(place.__getitem__, np.int64) for c in columns])
        span *= max(1, len(place))
        if span > RENUMBER:
            distinct, number = np.unique(number, return_inverse=True)
            span = len(distinct)
    return number[: len(old)], number[len(old) :]
