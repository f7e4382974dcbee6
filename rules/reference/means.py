"""Cells, hours and days: the value a window is judged by, formed anew from the slots (sections 3 and 4)."""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from fractions import Fraction

from rules.limits import Averaging, Basis
from rules.reference.book import Book, cadence_ms
from rules.reference.checks import FLOW, Check
from rules.reference.days import HOUR_MS, Window, hours
from rules.reference.exact import exact, mean
from rules.reference.history import Series
from rules.rule import Judging
from sensors.reading import Flag, Kind
from sensors.registry import Medium, Registry

MINUTE_MS = 60_000
THREE_QUARTERS = Fraction(3, 4)

Cells = dict[int, Fraction]
"""Start of a valid cell -> its value, in time order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mean:
    """The mean of a window; `value` None: not judgeable."""

    value: Fraction | None
    n_valid: int
    n_due: int
    from_device: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """The slots as they stood at the end of one log time, under one registry and rule set."""

    book: Book
    registry: Registry
    judging: Judging
    until_ms: int

    def cell_ms(self, series: Series) -> int:
        """Length of a cell: a minute, or the slot if that is longer."""
        return max(cadence_ms(series, self.registry), MINUTE_MS)

    def cells(self, series: Series, window: Window) -> Cells:
        """The valid cells of a window: slots shorter than a minute averaged per minute, others as they are."""
        slots = self.book.at(series, window, self.until_ms)
        valid = {at: exact(sent.value) for at, sent in slots.items() if sent.flag is Flag.NORMAL}
        return gathered(valid, self.cell_ms(series))

    def device(self, series: Series, start_ms: int) -> Fraction | None:
        """The device's own mean of the period that starts then, if it was sent as normal."""
        sent = self.book.at(series, (start_ms, start_ms + 1), self.until_ms).get(start_ms)
        return exact(sent.value) if sent is not None and sent.flag is Flag.NORMAL else None


def gathered(cells: Cells, length_ms: int) -> Cells:
    """The means over longer cells; one with no valid part is not there."""
    parts: dict[int, list[Fraction]] = {}
    for at, value in cells.items():
        parts.setdefault(at // length_ms * length_ms, []).append(value)
    return {at: mean(values) for at, values in parts.items()}


def measured_hour(view: View, series: Series, medium: Medium, hour_ms: int) -> Mean:
    """The mean of one hour of one series as measured (section 3)."""
    cells = view.cells(series, (hour_ms, hour_ms + HOUR_MS))
    cell_ms = view.cell_ms(series)
    due = HOUR_MS // cell_ms
    if enough(len(cells), due, medium):
        return Mean(value=mean(list(cells.values())), n_valid=len(cells), n_due=due)
    stands_in = None if series[2] is Kind.HOUR else view.device((series[0], series[1], Kind.HOUR), hour_ms)
    return Mean(value=stands_in, n_valid=len(cells), n_due=due, from_device=stands_in is not None)


def enough(valid: int, due: int, medium: Medium) -> bool:
    """Whether so many valid cells of those due make an hour valid."""
    return valid >= THREE_QUARTERS * due if medium is Medium.WATER else valid * (HOUR_MS // due) >= 45 * MINUTE_MS


def judged_hour(view: View, check: Check, hour_ms: int) -> Mean:
    """The mean of one hour on the basis of the limit: as measured or converted to the reference oxygen content."""
    hour = measured_hour(view, check.own, check.medium, hour_ms)
    if check.limit.basis is not Basis.CONVERTED or hour.value is None:
        return hour
    oxygen = None if check.other is None else measured_hour(view, check.other, check.medium, hour_ms).value
    return replace(hour, value=converted(hour.value, oxygen, check, view.judging))


def converted(value: Fraction, oxygen: Fraction | None, check: Check, judging: Judging) -> Fraction | None:
    """A value converted to the limit's reference oxygen content; None where the oxygen does not allow it."""
    assert check.limit.reference_o2 is not None
    if oxygen is None or oxygen >= exact(judging.o2_max):
        return None
    return value * (21 - exact(check.limit.reference_o2)) / (21 - oxygen)


def judged_mean(view: View, check: Check, window: Window) -> Mean:
    """The value an `exceedance` check judges in one window."""
    if check.limit.averaging is Averaging.HOUR:
        return judged_hour(view, check, window[0])
    own = _day_formula(check)(view, check, window)
    if own.value is not None:
        return own
    stands_in = view.device((check.limit.outlet, check.limit.factor, Kind.DAY), window[0])
    return replace(own, value=stands_in, from_device=stands_in is not None)


def _day_formula(check: Check) -> Callable[[View, Check, Window], Mean]:
    if check.helper == FLOW:
        return _flow_weighted_day
    return _even_water_day if check.medium is Medium.WATER else _day_of_hours


def _day_of_hours(view: View, check: Check, day: Window) -> Mean:
    """Gas and air: the mean of the valid hours, of which there must be 20."""
    found = [judged_hour(view, check, hour).value for hour in hours(day)]
    valid = [value for value in found if value is not None]
    return Mean(value=mean(valid) if len(valid) >= 20 else None, n_valid=len(valid), n_due=len(found))


def _even_water_day(view: View, check: Check, day: Window) -> Mean:
    """Water: the mean of the valid cells, of which there must be three quarters."""
    cells = view.cells(check.own, day)
    due = (day[1] - day[0]) // view.cell_ms(check.own)
    value = mean(list(cells.values())) if len(cells) >= THREE_QUARTERS * due else None
    return Mean(value=value, n_valid=len(cells), n_due=due)


def _flow_weighted_day(view: View, check: Check, day: Window) -> Mean:
    """Water: sum(c*q) / sum(q) over the cells in which both are valid and something flows."""
    if check.other is None:
        return Mean(value=None, n_valid=0, n_due=(day[1] - day[0]) // view.cell_ms(check.own))
    length = math.lcm(view.cell_ms(check.own), view.cell_ms(check.other))
    amount = gathered(view.cells(check.own, day), length)
    flow = gathered(view.cells(check.other, day), length)
    weight = {at: q for at, q in flow.items() if q > 0 and at in amount}
    due = (day[1] - day[0]) // length
    if not view.judging.zero_flow_due:
        due -= sum(q <= 0 for q in flow.values())
    total = sum(weight.values(), Fraction(0))
    judgeable = total > 0 and len(weight) >= THREE_QUARTERS * due
    value = sum((amount[at] * q for at, q in weight.items()), Fraction(0)) / total if judgeable else None
    return Mean(value=value, n_valid=len(weight), n_due=due)
