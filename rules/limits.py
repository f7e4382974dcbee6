"""Limits as data: the highest (or lowest) allowed value of one factor at one outlet, with its source and dates."""

from dataclasses import dataclass
from enum import StrEnum

from sensors.registry import FOREVER_MS


class Averaging(StrEnum):
    """The time over which the value that the limit speaks of is formed."""

    HOUR = "hour"
    DAY = "day"


class Basis(StrEnum):
    """Whether the measured value counts, or the value converted to a reference oxygen content."""

    MEASURED = "measured"
    CONVERTED = "converted"


class Weighting(StrEnum):
    """How the values of a day are weighted."""

    EVEN = "even"
    FLOW = "flow"


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """A ceiling or a range for one factor of one outlet. A value equal to a bound is allowed.

    `ceiling` and `floor` are in the factor's judging unit; at least one is given. Valid for windows that start in
    [valid_from_ms, valid_to_ms) of device time.
    """

    outlet: str
    factor: str
    averaging: Averaging
    ceiling: float | None = None
    floor: float | None = None
    basis: Basis = Basis.MEASURED
    reference_o2: float | None = None  # % by volume; given exactly where basis is CONVERTED
    weighting: Weighting = Weighting.EVEN
    decimals: int | None = None  # compare after rounding half to even to so many; None: unrounded (GB/T 8170, 4.3)
    source: str = ""  # permit clause or standard and table, quoted on the page
    unverified: bool = False  # the figure was not confirmed against its text; shown wherever it is quoted
    valid_from_ms: int = 0
    valid_to_ms: int = FOREVER_MS
