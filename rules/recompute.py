"""A window computed again from the numbers its alert prints: plain Python, after docs/judging.md, sections 3 to 5.

It shares nothing with the compiled judge, and works on one window at a time.
"""

import math
from dataclasses import dataclass
from enum import StrEnum

from rules.alert import Evidence
from rules.terms import Terms
from sensors.reading import Flag

HOUR_MS = 3_600_000
MINUTE_MS = 60_000
MINUTES_MIN, HOURS_MIN, SHARE_MIN = 45, 20, 0.75
OXYGEN_OF_AIR = 21


class Left(StrEnum):
    """Why a slot was left out."""

    EMPTY = "empty"  # no reading reached it
    FLAG = "flag"  # its flag is not normal
    HOUR_NOT_VALID = "hour_not_valid"  # its hour has too few valid minutes
    NO_FLOW = "no_flow"  # no valid flow beside it
    ZERO_FLOW = "zero_flow"  # nothing was discharged
    NO_O2 = "no_o2"  # its hour has no usable oxygen


@dataclass(frozen=True, slots=True, kw_only=True)
class Slot:
    """One slot as printed."""

    at_ms: int
    value: float | None
    flag: Flag
    helper: float | None  # flow or oxygen of the same slot

    @property
    def is_valid(self) -> bool:
        """It has a reading whose flag is normal."""
        return self.flag is Flag.NORMAL and self.value is not None


@dataclass(slots=True, kw_only=True)
class Sums:
    """What a window adds up to; the judged value is num / den."""

    num: float = 0.0
    den: float = 0.0
    n_valid: int = 0
    n_due: int = 0
    far: float | None = None  # range: the cell farthest outside
    measured: float | None = None  # hour: its mean before conversion
    o2: float | None = None

    def add(self, other: "Sums") -> None:
        """Add the next hour."""
        self.num += other.num
        self.den += other.den
        self.n_valid += other.n_valid
        self.n_due += other.n_due
        self.measured, self.o2 = other.measured, other.o2


@dataclass(slots=True, kw_only=True)
class Window:
    """The slots of a window, and why those that do not count do not."""

    slots: list[Slot]
    terms: Terms
    evidence: Evidence
    left: dict[int, Left]  # by slot start

    @property
    def by_hours(self) -> bool:
        """A day whose slots were too many to print: values are means of hours, helpers their weights."""
        return self.evidence.by_hours

    def hours(self) -> list[list[Slot]]:
        """The slots hour by hour."""
        found: dict[int, list[Slot]] = {}
        for slot in self.slots:
            found.setdefault(slot.at_ms // HOUR_MS, []).append(slot)
        return list(found.values())


def window_of(evidence: Evidence, terms: Terms) -> Window:
    """The window of an event, with the slots left out that no rule would count."""
    helper = evidence.helper or (None,) * len(evidence.slot_ms)
    columns = zip(evidence.slot_ms, evidence.value, evidence.flag, helper, strict=True)
    slots = [Slot(at_ms=at, value=v, flag=Flag(f), helper=h) for at, v, f, h in columns]
    left = {s.at_ms: Left.EMPTY if s.flag is Flag.EMPTY else Left.FLAG for s in slots if not s.is_valid}
    return Window(slots=slots, terms=terms, evidence=evidence, left=left)


def cells(slots: list[Slot]) -> list[list[Slot]]:
    """The slots of one hour by cells: slots of a minute or more are cells, shorter ones make minutes."""
    if len(slots) <= 60:
        return [[slot] for slot in slots]
    found: dict[int, list[Slot]] = {}
    for slot in slots:
        found.setdefault(slot.at_ms // MINUTE_MS, []).append(slot)
    return list(found.values())


def mean(values: list[float]) -> float | None:
    """Mean in the order given; None of nothing."""
    total = 0.0
    for value in values:
        total += value
    return total / len(values) if values else None


def cell_value(cell: list[Slot]) -> float | None:
    """Mean of the valid slots of a cell."""
    return mean([slot.value for slot in cell if slot.is_valid and slot.value is not None])


def cell_helper(cell: list[Slot]) -> float | None:
    """Mean of the valid helpers of a cell."""
    return mean([slot.helper for slot in cell if slot.helper is not None])


def rounded(value: float, decimals: int) -> float:
    """Half to even, after the noise of binary fractions is gone.

    >>> rounded(45.14999999999999, 1), rounded(45.25, 1)
    (45.2, 45.2)
    """
    return round(round(value * 10.0**decimals * 1e6) / 1e6) / 10.0**decimals


def even_hour(window: Window, slots: list[Slot]) -> Sums:
    """An hour of evenly weighted cells, converted where the limit says so."""
    terms, own = window.terms, cells(slots)
    values = [v for v in map(cell_value, own) if v is not None]
    if terms.of_day and terms.water:
        return Sums(num=_sum(values), den=float(len(values)), n_valid=len(values), n_due=len(own))
    hour_mean = mean(values) if _hour_is_valid(len(values), len(own), terms.water) else None
    o2 = _o2_of(window, own) if terms.converted else None
    value = hour_mean if not terms.converted or hour_mean is None else convert(hour_mean, o2, terms)
    if value is None:
        _leave(window, slots, Left.NO_O2 if hour_mean is not None else Left.HOUR_NOT_VALID)
    n_valid, n_due = (int(value is not None), 1) if terms.of_day else (len(values), len(own))
    ok = value is not None
    return Sums(num=value or 0.0, den=float(ok), n_valid=n_valid, n_due=n_due, measured=hour_mean, o2=o2)


def flow_hour(window: Window, slots: list[Slot]) -> Sums:
    """An hour of cells weighted with the flow beside them."""
    sums = Sums()
    for cell in cells(slots):
        value, flow = cell_value(cell), cell_helper(cell)
        still = flow is not None and flow <= 0
        sums.n_due += window.terms.judging.zero_flow_due or not still
        if flow is None or still:
            _leave(window, cell, Left.ZERO_FLOW if still else Left.NO_FLOW)
        elif value is not None:
            sums.num += value * flow
            sums.den += flow
            sums.n_valid += 1
    return sums


def range_hour(window: Window, slots: list[Slot]) -> Sums:
    """An hour of cells inside or outside the range."""
    own = cells(slots)
    sums = Sums(n_due=len(own))
    for value in [rounded(v, window.terms.decimals) for v in map(cell_value, own) if v is not None]:
        sums.n_valid += 1
        sums.den += 1
        if beyond(value, window.terms) > 0:
            sums.num += 1
            sums.far = farther(sums.far, value, window.terms)
    return sums


def beyond(value: float, terms: Terms) -> float:
    """How far a value lies outside the range; not positive inside it."""
    limit = terms.limit
    low = -math.inf if limit is None or limit.floor is None else limit.floor
    high = math.inf if limit is None or limit.ceiling is None else limit.ceiling
    return max(low - value, value - high)


def farther(held: float | None, value: float, terms: Terms) -> float:
    """The one farther outside, the first of equals."""
    scale = 10.0**terms.decimals
    if held is None or round(beyond(value, terms) * scale) > round(beyond(held, terms) * scale):
        return value
    return held


def convert(value: float, o2: float | None, terms: Terms) -> float | None:
    """C = C' (21 - O2ref) / (21 - O2), HJ 212-2017 annex D; None without usable oxygen."""
    reference = terms.limit.reference_o2 if terms.limit else None
    if o2 is None or reference is None or o2 >= terms.judging.o2_max:
        return None
    return value * (OXYGEN_OF_AIR - reference) / (OXYGEN_OF_AIR - o2)


def _o2_of(window: Window, own: list[list[Slot]]) -> float | None:
    """Oxygen of the hour: as printed, or from the slots beside the window's."""
    if window.evidence.o2 is not None:
        return window.evidence.o2
    values = [v for v in map(cell_helper, own) if v is not None]
    return mean(values) if _hour_is_valid(len(values), len(own), water=False) else None


def _hour_is_valid(valid: int, due: int, water: bool) -> bool:
    if water:
        return valid >= SHARE_MIN * due
    return valid * 60 >= MINUTES_MIN * due


def _sum(values: list[float]) -> float:
    total = 0.0
    for value in values:
        total += value
    return total


def _leave(window: Window, slots: list[Slot], why: Left) -> None:
    for slot in slots:
        window.left.setdefault(slot.at_ms, why)
