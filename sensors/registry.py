"""The registry: enterprises, outlets, monitors and the factors they send. Immutable; a change makes a new version."""

import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeVar, cast

import numpy as np

from sensors.reading import KINDS, Kind
from sensors.registry_columns import RegistryColumns, numbered
from sensors.table import column_of

HOMES = 840
"""Homes an enterprise can have. Divisible by 1 to 8, so any usual number of partitions shares them evenly."""

FOREVER_MS = 1 << 62

V = TypeVar("V")


class Medium(StrEnum):
    """What leaves the outlet."""

    WATER = "water"
    GAS = "gas"
    AIR = "air"


@dataclass(frozen=True, slots=True, kw_only=True)
class Enterprise:
    """Who answers for outlets."""

    id: str
    name: str
    grid_cell: str = ""  # district / town / village
    home: int = -1  # 0..HOMES-1, given at registration and kept; -1 in a new row: derived from the id


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlet:
    """A point of discharge."""

    id: str
    enterprise: str
    name: str
    medium: Medium
    labels: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Monitor:
    """The device that speaks for one outlet; identity = MN. Valid in [valid_from_ms, valid_to_ms) of log time."""

    mn: str
    outlet: str
    realtime_s: int = 30  # RtdInterval: cadence of CN 2011, a divisor of 3600 or 3600 itself
    minute_min: int = 10  # MinInterval: cadence of CN 2051, one of 1 2 3 4 5 6 10 12 15 20 30
    unstated_is_normal: bool = False  # a reading without -Flag counts as N
    modbus_crc: bool = False  # accept CRC-16/MODBUS from this device (counted)
    valid_from_ms: int = 0
    valid_to_ms: int = FOREVER_MS

    def cadence_s(self, kind: Kind) -> int:
        """Length of one slot of a series of this kind, in seconds."""
        return {Kind.REALTIME: self.realtime_s, Kind.MINUTE: self.minute_min * 60, Kind.HOUR: 3600, Kind.DAY: 86400}[kind]


@dataclass(frozen=True, slots=True, kw_only=True)
class Binding:
    """One factor at one outlet. Its place in `Registry.bindings` gives its series numbers and is never reused."""

    outlet: str
    factor: str  # HJ 212-2017 code
    judged_from: Kind = Kind.MINUTE  # the kind whose slots own means are built from
    unit: str = ""  # unit as sent; empty: the unit of HJ 212-2017 annex B


@dataclass(frozen=True, slots=True, kw_only=True)
class Registry:
    """One version of the register. Entries keep their positions for ever; later versions only append or end them."""

    version: int = 1
    enterprises: Sequence[Enterprise] = ()  # tuples, or tables where there are many
    outlets: Sequence[Outlet] = ()
    monitors: Sequence[Monitor] = ()
    bindings: Sequence[Binding] = ()
    _cache: dict[str, object] = field(default_factory=dict, init=False, compare=False, repr=False)

    @property
    def columns(self) -> RegistryColumns:
        """All of it as numbers."""
        return self._kept("columns", lambda: RegistryColumns(self))

    def enterprise(self, id: str) -> Enterprise:
        """The enterprise of that id; KeyError where there is none."""
        number = self._kept("enterprise", lambda: numbered(column_of(self.enterprises, "id").listed()))
        return self.enterprises[number[id]]

    def outlet(self, id: str) -> Outlet:
        """The outlet of that id; KeyError where there is none."""
        return self.outlets[self.columns.outlet_no[id]]

    def binding_no(self, outlet: str, factor: str) -> int | None:
        """Position in `bindings`, or None."""
        pair = self.columns.outlet_no.get(outlet, -1), self.columns.factor_no.get(factor, -1)
        found = int(self.columns.bindings_of(*(np.array([number], np.int32) for number in pair))[0])
        return None if found < 0 else found

    def monitors_at(self, log_ms: int) -> dict[str, int]:
        """MN -> position in `monitors`, of the monitors valid at that log time."""
        return {m.mn: n for n, m in enumerate(self.monitors) if m.valid_from_ms <= log_ms < m.valid_to_ms}

    def home_of_mn(self, mn: str) -> int:
        """Home of the enterprise an MN speaks for (any validity dates); an unknown MN goes by hash."""
        outlet = self._kept("outlet_of_mn", self._outlets_by_mn).get(mn)
        return home_of(mn) if outlet is None else int(self.columns.home[outlet])

    def _outlets_by_mn(self) -> dict[str, int]:
        return dict(zip(column_of(self.monitors, "mn").listed(), self.columns.monitor_outlet.tolist(), strict=True))

    def _kept(self, name: str, made: Callable[[], V]) -> V:
        if name not in self._cache:
            self._cache[name] = made()
        return cast(V, self._cache[name])


def home_of(text: str) -> int:
    """The home a new enterprise (by id) or an unknown MN gets: stable over versions, processes and machines."""
    return zlib.crc32(text.encode()) % HOMES


def series_no(binding: int, kind: Kind) -> int:
    """The series number of one kind of a binding."""
    return binding * KINDS + kind
