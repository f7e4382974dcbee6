"""What there is to judge: registry and rule set, compiled into grids and columns of checks."""

from dataclasses import dataclass, field
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from rules.rule import RuleSet, Selector
from rules.slots import GridSpec
from sensors.registry import Medium, Registry

FLOW_FACTOR = "w00000"
O2_FACTOR = "a19001"
MINUTES = 60


Name = tuple[str, str, str, int]
"""What the alerts of a check are named after: (rule, outlet, factor, position among the limits of these three)."""


class Mode(IntEnum):
    """How the cells of an hour are reduced."""

    EVEN = 0
    FLOW = 1
    RANGE = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Checks:
    """Window checks as columns, shape (checks,); rows and grids are -1 where there is none."""

    rule: NDArray[np.int32]  # position in RuleSet.rules
    limit: NDArray[np.int32]  # position in RuleSet.limits
    binding: NDArray[np.int32]
    nth: NDArray[np.int32]  # among the limits of one (rule, outlet, factor)
    mode: NDArray[np.uint8]
    day: NDArray[np.bool_]  # a day window; else an hour
    water: NDArray[np.bool_]
    grid: NDArray[np.int32]
    row: NDArray[np.int32]
    device_row: NDArray[np.int32]  # in the hour grid: the device's own hour
    device_day_row: NDArray[np.int32]  # in the day grid
    helper_grid: NDArray[np.int32]  # flow or O2
    helper_row: NDArray[np.int32]
    helper_device_row: NDArray[np.int32]
    ceiling: NDArray[np.float64]  # inf: none
    floor: NDArray[np.float64]  # -inf: none
    reference_o2: NDArray[np.float64]  # NaN: measured basis
    scale: NDArray[np.float64]  # values are rounded to 1 / scale
    share_max: NDArray[np.float64]
    from_ms: NDArray[np.int64]
    to_ms: NDArray[np.int64]
    family: NDArray[np.int64] = field(init=False)  # checks of one family are reduced by one call

    def __post_init__(self) -> None:
        family = (self.mode.astype(np.int64) * 1000 + self.grid) * 1000 + self.helper_grid + 1
        object.__setattr__(self, "family", family)

    def __len__(self) -> int:
        return len(self.rule)


@dataclass(frozen=True, slots=True, kw_only=True)
class InstantChecks:
    """Checks of kind `instant` as columns, shape (checks,), in the order of their series."""

    rule: NDArray[np.int32]
    limit: NDArray[np.int32]
    nth: NDArray[np.int32]
    series: NDArray[np.int32]
    o2_series: NDArray[np.int32]  # -1: measured basis, or no O2 at the outlet

    def __len__(self) -> int:
        return len(self.rule)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Everything the judge needs to know of registry and rules, for the enterprises of one partition."""

    registry: Registry
    rules: RuleSet
    specs: tuple[GridSpec, ...]
    grid_of: NDArray[np.int16]  # by series
    row_of: NDArray[np.int32]  # within its grid in the order of the series
    hour_grid: int  # -1: none
    day_grid: int
    checks: Checks
    instants: InstantChecks
    offline: tuple[int, ...]  # rules of kind offline, by position
    clock: tuple[int, ...]
    monitors: NDArray[np.bool_]  # by position in the registry: in this partition

    def name(self, checks: Checks | InstantChecks, check: int) -> Name:
        """What the alerts of one check are named after."""
        of = self.rules.limits[int(checks.limit[check])]
        return self.rules.rules[int(checks.rule[check])].id, of.outlet, of.factor, int(checks.nth[check])


def selects(select: Selector, outlet: str, medium: Medium, factor: str | None) -> bool:
    """Whether a selector fits; factor None: rules on monitors have none."""
    return (
        (not select.mediums or medium in select.mediums)
        and (not select.outlets or outlet in select.outlets)
        and (factor is None or not select.factors or factor in select.factors)
    )


def outlets_selected(select: Selector, registry: Registry) -> NDArray[np.bool_]:
    """By outlet: whether a selector fits, whatever the factor."""
    known = registry.columns
    fits = known.of_medium(select.mediums or tuple(Medium))
    if select.outlets:
        named = np.zeros(len(fits), np.bool_)
        named[[known.outlet_no[id_] for id_ in select.outlets if id_ in known.outlet_no]] = True
        fits &= named
    return fits
