"""The registry as the decoder asks it: which monitor an MN is at a time, which series a code at its outlet is."""

import math
from bisect import bisect_left
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from sensors.factors import alias_2005, factor
from sensors.registry import Medium, Outlet, Registry
from sensors.registry_columns import numbered
from sensors.table import column_of
from sensors.units import SAME, Conversion, UnitError, conversion


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """How a number sent in one unit becomes a value in the judging unit, and how large it may be."""

    conversion: Conversion
    bound: float  # largest amount as sent; beyond it the number does not fit the factor's type


@lru_cache(maxsize=4096)
def measure(code: str, sent_in: str, agreed: str) -> Measure | None:
    """The measure of a factor sent in a unit, None if that does not convert.

    `agreed` is the unit of its binding ("": annex B); `sent_in` the one stated with the value ("": the
    agreed one). Where the unit is not that of annex B, the type speaks of other digits: the larger of both bounds counts.

    >>> measure("a21001", "mg/m3", "").bound, measure("w01018", "mg/m3", "")
    (9999.999, None)
    """
    known = factor(code)
    if known is None and sent_in in {"", agreed}:
        return Measure(conversion=SAME, bound=math.inf)
    judged, wire = (known.unit, known.wire_unit) if known else (agreed, agreed)
    sent = sent_in or agreed or wire
    try:
        widest = conversion(wire, sent)(known.max_abs) if known else math.inf
        return Measure(conversion=conversion(sent, judged), bound=max(widest, known.max_abs if known else 0.0))
    except UnitError:
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Where a reading of one code goes."""

    binding: int  # position in Registry.bindings
    factor: str
    unit: str  # of the binding; "": annex B
    alias: bool  # the code was a 2005 one


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeNumbers:
    """What a code may stand for, as numbers of `Lookup.factors`; -1: nothing."""

    direct: int = -1
    water: int = -1  # as a 2005 code at a water outlet
    gas: int = -1


class Lookup:
    """One version of the registry, indexed. Memory: about 20 bytes a binding and 40 a monitor besides the names."""

    def __init__(self, registry: Registry) -> None:
        self.registry = registry
        self.outlet_is_water = registry.columns.of_medium((Medium.WATER,))
        self._index_monitors()
        self._index_bindings()
        self._index_codes()

    def _index_monitors(self) -> None:
        monitors = self.registry.monitors
        self.valid_from = column_of(monitors, "valid_from_ms").numbers(int, np.int64)
        self.valid_to = column_of(monitors, "valid_to_ms").numbers(int, np.int64)
        self.monitor_outlet = self.registry.columns.monitor_outlet
        self.unstated_is_normal = column_of(monitors, "unstated_is_normal").numbers(bool, np.bool_)
        mn = column_of(monitors, "mn")
        self.mn_no: dict[str, int] = {}
        of_mn = mn.numbers(lambda name: self.mn_no.setdefault(name, len(self.mn_no)), np.int32)
        self.mn_monitor = np.argsort(of_mn, kind="stable").astype(np.int32)  # monitors, by MN
        self.mn_start = _starts(of_mn, len(self.mn_no))

    def _index_bindings(self) -> None:
        known, unit = self.registry.columns, column_of(self.registry.bindings, "unit")
        self.factors = known.factor_no
        outlet, number = known.binding_outlet, known.binding_factor
        sent_in = numbered(dict.fromkeys(unit.values))
        pair = number * max(1, len(sent_in)) + unit.numbers(sent_in.__getitem__, np.int32)  # factor and unit
        classes, measured = np.unique(pair, return_inverse=True)
        order = np.lexsort((number, outlet))  # stable: of two rows for one factor of an outlet the later counts
        last = np.ones(len(order), np.bool_)
        last[:-1] = (np.diff(outlet[order]) != 0) | (np.diff(number[order]) != 0)
        self.bound_binding = order[last].astype(np.int32)
        self.bound_factor = number[self.bound_binding]
        self.bound_measure = measured[self.bound_binding]
        self.bound_start = _starts(outlet[self.bound_binding], len(self.registry.outlets))
        codes, units = list(self.factors), list(sent_in)
        self.measures = [measure(codes[n // len(units)], "", units[n % len(units)]) for n in classes.tolist()]

    def _index_codes(self) -> None:
        self.codes = {code: CodeNumbers(direct=n) for code, n in self.factors.items()}
        aliases = {f.alias_2005 for code in self.factors if (f := factor(code)) and f.alias_2005}
        for code in sorted(aliases):
            water, gas = (self.factors.get(alias_2005(code, m) or "", -1) for m in (Medium.WATER, Medium.GAS))
            self.codes[code] = CodeNumbers(direct=self.factors.get(code, -1), water=water, gas=gas)

    def monitor(self, mn: str, log_ms: int) -> int:
        """Position in `registry.monitors` of the monitor with that MN at that log time, -1 if there is none."""
        mn_no = self.mn_no.get(mn)
        if mn_no is None:
            return -1
        for at in range(int(self.mn_start[mn_no + 1]) - 1, int(self.mn_start[mn_no]) - 1, -1):
            monitor = int(self.mn_monitor[at])
            if self.valid_from[monitor] <= log_ms < self.valid_to[monitor]:
                return monitor
        return -1

    def outlet(self, monitor: int) -> Outlet:
        """The outlet a monitor speaks for."""
        return self.registry.outlets[int(self.monitor_outlet[monitor])]

    def target(self, monitor: int, code: str) -> Target | None:
        """What a code sent by a monitor means, None if nothing is bound to it at the monitor's outlet."""
        numbers = self.codes.get(code)
        if numbers is None:
            return None
        outlet = int(self.monitor_outlet[monitor])
        alias = numbers.water if self.outlet_is_water[outlet] else numbers.gas
        for number, is_alias in ((numbers.direct, False), (alias, True)):
            row = self._bound(outlet, number)
            if row >= 0:
                binding = self.registry.bindings[row]
                return Target(binding=row, factor=binding.factor, unit=binding.unit, alias=is_alias)
        return None

    def _bound(self, outlet: int, number: int) -> int:
        """The binding of a factor (by number) at an outlet, -1 if there is none."""
        start, end = int(self.bound_start[outlet]), int(self.bound_start[outlet + 1])
        at = bisect_left(self.bound_factor, number, start, end)
        return int(self.bound_binding[at]) if at < end and self.bound_factor[at] == number else -1


def _starts(of: NDArray[np.int32], size: int) -> NDArray[np.int64]:
    """Where the rows of each of `size` groups begin once sorted by group; shape (size + 1,)."""
    starts = np.zeros(size + 1, np.int64)
    np.cumsum(np.bincount(of, minlength=size), out=starts[1:])
    return starts
