"""The registry as the decoder asks it: which monitor an MN is at a time, which series a code at its outlet is."""

import math
from bisect import bisect_left
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from sensors.factors import alias_2005, factor
from sensors.registry import Medium, Outlet, Registry
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
        outlets = {o.id: n for n, o in enumerate(registry.outlets)}
        self.outlet_is_water = np.array([o.medium is Medium.WATER for o in registry.outlets], np.bool_)
        self._index_monitors(outlets)
        self._index_bindings(outlets)
        self._index_codes()

    def _index_monitors(self, outlets: dict[str, int]) -> None:
        monitors = self.registry.monitors
        self.valid_from = np.array([m.valid_from_ms for m in monitors], np.int64)
        self.valid_to = np.array([m.valid_to_ms for m in monitors], np.int64)
        self.monitor_outlet = np.array([outlets[m.outlet] for m in monitors], np.int32)
        self.unstated_is_normal = np.array([m.unstated_is_normal for m in monitors], np.bool_)
        self.mn_no: dict[str, int] = {}
        of_mn = np.array([self.mn_no.setdefault(m.mn, len(self.mn_no)) for m in monitors], np.int32)
        self.mn_monitor = np.argsort(of_mn, kind="stable").astype(np.int32)  # monitors, by MN
        self.mn_start = _starts(of_mn, len(self.mn_no))

    def _index_bindings(self, outlets: dict[str, int]) -> None:
        bindings = self.registry.bindings
        self.factors: dict[str, int] = {}
        classes: dict[tuple[str, str], int] = {}
        outlet = np.array([outlets[b.outlet] for b in bindings], np.int32)
        number = np.array([self.factors.setdefault(b.factor, len(self.factors)) for b in bindings], np.int32)
        measured = np.array([classes.setdefault((b.factor, b.unit), len(classes)) for b in bindings], np.int32)
        order = np.lexsort((number, outlet))  # stable: of two rows for one factor of an outlet the later counts
        last = np.ones(len(order), np.bool_)
        last[:-1] = (np.diff(outlet[order]) != 0) | (np.diff(number[order]) != 0)
        self.bound_binding = order[last].astype(np.int32)
        self.bound_factor = number[self.bound_binding]
        self.bound_measure = measured[self.bound_binding]
        self.bound_start = _starts(outlet[self.bound_binding], len(self.registry.outlets))
        self.measures = [measure(code, "", unit) for code, unit in classes]

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
