"""The limits of a rule set as numbers, for whoever handles all of them."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from rules.limits import Averaging, Basis, Weighting
from rules.rule import RuleSet
from sensors.registry import Registry
from sensors.table import Coded, column_of

UNROUNDED = 6
"""Decimals of a comparison where a limit states none: they take the noise of binary fractions away."""


class LimitColumns(NamedTuple):
    """Shape of each: (limits,)."""

    outlet: NDArray[np.int32]  # position in the registry; -1: not there
    factor: NDArray[np.int32]  # number in the registry; -1: measured nowhere
    binding: NDArray[np.int32]  # position in the registry; -1: not measured at the outlet
    day: NDArray[np.bool_]
    ceiling: NDArray[np.float64]  # inf: none
    floor: NDArray[np.float64]  # -inf: none
    has_ceiling: NDArray[np.bool_]
    has_floor: NDArray[np.bool_]
    converted: NDArray[np.bool_]
    reference_o2: NDArray[np.float64]  # NaN: not stated
    flow: NDArray[np.bool_]
    scale: NDArray[np.float64]  # values are rounded to 1 / scale
    from_ms: NDArray[np.int64]
    to_ms: NDArray[np.int64]

    def take(self, rows: NDArray[np.int32]) -> "LimitColumns":
        """The chosen limits."""
        columns: tuple[NDArray[Any], ...] = self
        return LimitColumns(*(column[rows] for column in columns))


def limit_columns(rules: RuleSet, registry: Registry) -> LimitColumns:
    """The limits of a rule set, against the outlets and factors of a registry."""

    def column(name: str) -> Coded:
        return column_of(rules.limits, name)

    known = registry.columns
    outlet = column("outlet").positions(known.outlet_no)
    factor = column("factor").positions(known.factor_no)
    ceiling, floor = column("ceiling"), column("floor")
    return LimitColumns(
        outlet=outlet,
        factor=factor,
        binding=known.bindings_of(outlet, factor),
        day=column("averaging").numbers(lambda averaging: averaging is Averaging.DAY, np.bool_),
        ceiling=ceiling.numbers(lambda bound: _or(bound, np.inf), np.float64),
        floor=floor.numbers(lambda bound: _or(bound, -np.inf), np.float64),
        has_ceiling=ceiling.numbers(_given, np.bool_),
        has_floor=floor.numbers(_given, np.bool_),
        converted=column("basis").numbers(lambda basis: basis is Basis.CONVERTED, np.bool_),
        reference_o2=column("reference_o2").numbers(lambda percent: _or(percent, np.nan), np.float64),
        flow=column("weighting").numbers(lambda weighting: weighting is Weighting.FLOW, np.bool_),
        scale=column("decimals").numbers(scale_of, np.float64),
        from_ms=column("valid_from_ms").numbers(int, np.int64),
        to_ms=column("valid_to_ms").numbers(int, np.int64),
    )


def scale_of(decimals: int | None) -> float:
    """Values are compared after rounding half to even to 1 / scale."""
    return float(10.0 ** (UNROUNDED if decimals is None else decimals))


def _or(value: float | None, otherwise: float) -> float:
    return otherwise if value is None else value


def _given(value: Any) -> bool:
    return value is not None
