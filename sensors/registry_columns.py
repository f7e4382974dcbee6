"""A registry as numbers: positions of outlets and factors in the place of their names, for whoever handles all of it."""

from collections.abc import Collection, Iterable
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from sensors.reading import Kind
from sensors.table import Coded, column_of

if TYPE_CHECKING:
    from sensors.registry import Registry

Ints = NDArray[np.int32]


def numbered(names: Iterable[str]) -> dict[str, int]:
    """Each name and its position; of names given twice, the last."""
    return {name: n for n, name in enumerate(names)}


class RegistryColumns:
    """Made of one registry, each part when it is first asked for. KeyError where an entry names what is not there."""

    def __init__(self, registry: "Registry") -> None:
        self._registry = registry

    @cached_property
    def outlet_no(self) -> dict[str, int]:
        """Outlet id -> its position."""
        return numbered(column_of(self._registry.outlets, "id").listed())

    def of_medium(self, mediums: Collection[str]) -> NDArray[np.bool_]:
        """By outlet: whether it is of one of these media."""
        return column_of(self._registry.outlets, "medium").numbers(mediums.__contains__, np.bool_)

    @cached_property
    def home(self) -> Ints:
        """By outlet: the home of its enterprise."""
        enterprises = self._registry.enterprises
        homes = column_of(enterprises, "home").listed()
        home = dict(zip(column_of(enterprises, "id").listed(), homes, strict=True))
        return column_of(self._registry.outlets, "enterprise").numbers(home.__getitem__, np.int32)

    @cached_property
    def factor_no(self) -> dict[str, int]:
        """The number of each factor that is measured anywhere."""
        return numbered(dict.fromkeys(column_of(self._registry.bindings, "factor").values))

    @cached_property
    def binding_outlet(self) -> Ints:
        """By binding: the position of its outlet."""
        return self._outlets_in(column_of(self._registry.bindings, "outlet"))

    @cached_property
    def binding_factor(self) -> Ints:
        """By binding: the number of its factor."""
        return column_of(self._registry.bindings, "factor").positions(self.factor_no)

    @cached_property
    def judged_from(self) -> NDArray[np.uint8]:
        """By binding: the kind its means are built from."""
        return column_of(self._registry.bindings, "judged_from").numbers(int, np.uint8)

    @cached_property
    def monitor_outlet(self) -> Ints:
        """By monitor: the position of its outlet."""
        return self._outlets_in(column_of(self._registry.monitors, "outlet"))

    @cached_property
    def first_monitor(self) -> Ints:
        """By outlet: its first monitor, -1 if it has none."""
        first = np.full(len(self._registry.outlets), -1, np.int32)
        first[self.monitor_outlet[::-1]] = np.arange(len(self.monitor_outlet), dtype=np.int32)[::-1]
        return first

    def cadence_ms(self, outlet: Ints, kind: NDArray[np.uint8]) -> NDArray[np.int64]:
        """Length of a slot of a series of that kind at that outlet, by the last of its monitors; shape of both."""
        monitors = self._registry.monitors
        last = np.full(len(self._registry.outlets), -1, np.int32)
        last[self.monitor_outlet] = np.arange(len(monitors), dtype=np.int32)
        cadence_s = np.empty((len(Kind), len(monitors) + 1), np.int64)  # the last column: of an outlet without monitor
        cadence_s[:, -1] = [USUAL_REALTIME_S, USUAL_MINUTE * 60, 3600, 86400]
        cadence_s[Kind.REALTIME, :-1] = column_of(monitors, "realtime_s").numbers(int, np.int64)
        cadence_s[Kind.MINUTE, :-1] = column_of(monitors, "minute_min").numbers(int, np.int64) * 60
        cadence_s[Kind.HOUR], cadence_s[Kind.DAY] = 3600, 86400
        found: NDArray[np.int64] = cadence_s[kind, last[outlet]] * 1000
        return found

    def bindings_of(self, outlet: Ints, factor: Ints) -> Ints:
        """Bindings of factors at outlets, pair by pair; -1 where there is none. Of two alike the later counts."""
        ordered, order = self._by_pair
        if not len(ordered):
            return np.full(len(outlet), -1, np.int32)
        pair = outlet.astype(np.int64) * len(self.factor_no) + factor
        at = np.maximum(np.searchsorted(ordered, pair, "right") - 1, 0)
        found = (ordered[at] == pair) & (outlet >= 0) & (factor >= 0)
        return np.where(found, order[at], -1).astype(np.int32)

    @cached_property
    def _by_pair(self) -> tuple[NDArray[np.int64], Ints]:
        pair = self.binding_outlet.astype(np.int64) * len(self.factor_no) + self.binding_factor
        order = np.argsort(pair, kind="stable").astype(np.int32)
        return pair[order], order

    def _outlets_in(self, column: Coded) -> Ints:
        found = column.positions(self.outlet_no)
        if (unknown := np.flatnonzero(found < 0)).size:
            raise KeyError(column.values[int(column.code[unknown[0]])])
        return found


USUAL_REALTIME_S, USUAL_MINUTE = 30, 10
"""Cadences of a monitor of which nothing is said (HJ 212-2017)."""
