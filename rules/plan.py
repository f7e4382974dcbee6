"""What there is to judge: registry and rule set, compiled into grids and columns of checks."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, fields
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from rules.calendar import HOUR_MS
from rules.limits import Averaging, Basis, Limit, Weighting
from rules.rule import Rule, RuleKind, RuleSet, Selector
from rules.slots import GridSpec
from sensors.reading import KINDS, Kind
from sensors.registry import Binding, Medium, Monitor, Registry, series_no

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
class InstantSpec:
    """One check of kind `instant`."""

    rule: int
    limit: int
    binding: int
    nth: int
    series: int
    o2_series: int  # -1: measured basis, or no O2 at the outlet


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Everything the judge needs to know of registry and rules, for the enterprises of one partition."""

    registry: Registry
    rules: RuleSet
    specs: tuple[GridSpec, ...]
    grid_of: NDArray[np.int16]  # by series
    row_of: NDArray[np.int32]
    hour_grid: int  # -1: none
    day_grid: int
    checks: Checks
    instants: tuple[InstantSpec, ...]  # in the order of their series
    offline: tuple[int, ...]  # rules of kind offline, by position
    clock: tuple[int, ...]
    monitors: NDArray[np.bool_]  # by position in the registry: in this partition

    def check_names(self) -> list[Name]:
        """Of the window checks."""
        checks = self.checks
        return [self._name(*at) for at in zip(checks.rule, checks.limit, checks.nth, strict=True)]

    def instant_names(self) -> list[Name]:
        """Of the instant checks."""
        return [self._name(spec.rule, spec.limit, spec.nth) for spec in self.instants]

    def _name(self, rule: int, limit: int, nth: int) -> Name:
        of = self.rules.limits[limit]
        return self.rules.rules[rule].id, of.outlet, of.factor, int(nth)


def selects(select: Selector, outlet: str, medium: Medium, factor: str | None) -> bool:
    """Whether a selector fits; factor None: rules on monitors have none."""
    return (
        (not select.mediums or medium in select.mediums)
        and (not select.outlets or outlet in select.outlets)
        and (factor is None or not select.factors or factor in select.factors)
    )


class Planner:
    """Builds a plan; one use."""

    def __init__(self, registry: Registry, rules: RuleSet, mine: Callable[[int], bool]) -> None:
        self.registry, self.rules = registry, rules
        self.mine = {o.id for o in registry.outlets if mine(registry.home_of_outlet(o.id))}
        self.medium = {o.id: o.medium for o in registry.outlets}
        self.monitor: dict[str, Monitor] = {m.outlet: m for m in registry.monitors}
        size = len(registry.bindings) * KINDS
        self.grid_of = np.full(size, -1, np.int16)
        self.row_of = np.full(size, -1, np.int32)
        self.grids: dict[tuple[int, bool], int] = {}
        self.rows: list[int] = []
        self.checks: list[tuple[object, ...]] = []
        self.instants: list[InstantSpec] = []

    def plan(self) -> Plan:
        """The plan."""
        pairs = [(n, rule) for n, rule in enumerate(self.rules.rules)]
        for n, rule in pairs:
            if rule.kind in (RuleKind.EXCEEDANCE, RuleKind.RANGE, RuleKind.INSTANT):
                self._limits_of(n, rule)
        self.instants.sort(key=lambda spec: (spec.series, spec.rule, spec.limit))
        return Plan(
            registry=self.registry,
            rules=self.rules,
            specs=tuple(self._spec(key, rows) for key, rows in zip(self.grids, self.rows, strict=True)),
            grid_of=self.grid_of,
            row_of=self.row_of,
            hour_grid=self.grids.get((HOUR_MS, False), -1),
            day_grid=self.grids.get((24 * HOUR_MS, True), -1),
            checks=self._columns(),
            instants=tuple(self.instants),
            offline=tuple(n for n, rule in pairs if rule.kind is RuleKind.OFFLINE),
            clock=tuple(n for n, rule in pairs if rule.kind is RuleKind.CLOCK),
            monitors=np.array([m.outlet in self.mine for m in self.registry.monitors], np.bool_),
        )

    def _limits_of(self, n: int, rule: Rule) -> None:
        seen: dict[tuple[str, str], int] = {}
        for at, limit in self._fitting(rule):
            binding = self.registry.binding_no(limit.outlet, limit.factor)
            if binding is None:
                continue
            nth = seen[limit.outlet, limit.factor] = seen.get((limit.outlet, limit.factor), -1) + 1
            add = self._add_instant if rule.kind is RuleKind.INSTANT else self._add_check
            add(n, rule, at, limit, binding, nth)

    def _fitting(self, rule: Rule) -> Iterator[tuple[int, Limit]]:
        for at, limit in enumerate(self.rules.limits):
            mine = limit.outlet in self.mine and _speaks_of(rule, limit)
            if mine and selects(rule.select, limit.outlet, self.medium[limit.outlet], limit.factor):
                yield at, limit

    def _add_instant(self, n: int, rule: Rule, at: int, limit: Limit, binding: int, nth: int) -> None:
        kind = self.registry.bindings[binding].judged_from
        if kind is Kind.DAY:
            return
        o2 = -1
        if limit.basis is Basis.CONVERTED:
            helper = self.registry.binding_no(limit.outlet, O2_FACTOR)
            o2 = -1 if helper is None else series_no(helper, kind)
            if helper is not None:
                self._row(helper, kind)
        self._row(binding, kind)
        spec = InstantSpec(rule=n, limit=at, binding=binding, nth=nth, series=series_no(binding, kind), o2_series=o2)
        self.instants.append(spec)

    def _add_check(self, n: int, rule: Rule, at: int, limit: Limit, binding: int, nth: int) -> None:
        mode = Mode.RANGE if rule.kind is RuleKind.RANGE else Mode(limit.weighting is Weighting.FLOW)
        day, water = rule.averaging is Averaging.DAY, self.medium[limit.outlet] is Medium.WATER
        of_hours = mode is Mode.EVEN and not (day and water)  # a day of water is made of cells
        grid, row, device = self._sources(binding, device=of_hours)
        device_day = self._row(binding, Kind.DAY)[1] if day and mode is not Mode.RANGE else -1
        helper = self._helper(limit, mode)
        self.checks.append((
            n, at, binding, nth, mode, day, water, grid, row, device, device_day,
            *helper,
            np.inf if limit.ceiling is None else limit.ceiling, -np.inf if limit.floor is None else limit.floor,
            limit.reference_o2 if limit.basis is Basis.CONVERTED else np.nan, scale_of(limit), rule.share_max,
            limit.valid_from_ms, limit.valid_to_ms,
        ))  # fmt: skip

    def _helper(self, limit: Limit, mode: Mode) -> tuple[int, int, int]:
        factor = FLOW_FACTOR if mode is Mode.FLOW else O2_FACTOR
        if mode is Mode.RANGE or (mode is Mode.EVEN and limit.basis is Basis.MEASURED):
            return -1, -1, -1
        binding = self.registry.binding_no(limit.outlet, factor)
        return (-1, -1, -1) if binding is None else self._sources(binding, device=mode is Mode.EVEN)

    def _sources(self, binding: int, *, device: bool) -> tuple[int, int, int]:
        """Grid and row of the series a binding is judged from, and the hour-grid row of the device's own hour."""
        kind = Kind(min(self.registry.bindings[binding].judged_from, Kind.HOUR))
        grid, row = self._row(binding, kind)
        return grid, row, self._row(binding, Kind.HOUR)[1] if device and kind is not Kind.HOUR else -1

    def _row(self, binding: int, kind: Kind) -> tuple[int, int]:
        series = series_no(binding, kind)
        if self.grid_of[series] < 0:
            key = self._cadence_ms(self.registry.bindings[binding], kind), kind is Kind.DAY
            grid = self.grids.setdefault(key, len(self.grids))
            if grid == len(self.rows):
                self.rows.append(0)
            self.grid_of[series], self.row_of[series] = grid, self.rows[grid]
            self.rows[grid] += 1
        return int(self.grid_of[series]), int(self.row_of[series])

    def _cadence_ms(self, binding: Binding, kind: Kind) -> int:
        monitor = self.monitor.get(binding.outlet) or Monitor(mn="", outlet=binding.outlet)
        return monitor.cadence_s(kind) * 1000

    def _spec(self, key: tuple[int, bool], rows: int) -> GridSpec:
        cadence_ms, daily = key
        judging = self.rules.judging
        hours = judging.late_bound_h + judging.future_max_s // 3600 + 3
        if daily:
            return GridSpec(cadence_ms=cadence_ms, slots=1, rows=rows, ring=hours // 24 + 3, daily=True)
        return GridSpec(cadence_ms=cadence_ms, slots=HOUR_MS // cadence_ms, rows=rows, ring=hours)

    def _columns(self) -> Checks:
        names = [f.name for f in fields(Checks) if f.init]
        columns = list(zip(*self.checks, strict=True)) or [()] * len(names)
        return Checks(**{n: np.array(c, DTYPES.get(n, np.dtype(np.int32))) for n, c in zip(names, columns, strict=True)})


DTYPES = {
    **dict.fromkeys(("ceiling", "floor", "reference_o2", "scale", "share_max"), np.dtype(np.float64)),
    **dict.fromkeys(("from_ms", "to_ms"), np.dtype(np.int64)),
    **dict.fromkeys(("day", "water"), np.dtype(np.bool_)),
    "mode": np.dtype(np.uint8),
}


def _speaks_of(rule: Rule, limit: Limit) -> bool:
    if rule.kind is RuleKind.INSTANT:
        return limit.ceiling is not None and limit.floor is None
    fits = limit.floor is None if rule.kind is RuleKind.EXCEEDANCE else limit.floor is not None
    return fits and limit.averaging is rule.averaging


def scale_of(limit: Limit) -> float:
    """Values are compared after rounding half to even to 1 / scale."""
    return float(10.0 ** (6 if limit.decimals is None else limit.decimals))


def plan_for(registry: Registry, rules: RuleSet, *, partition: int = 0, partitions: int = 1) -> Plan:
    """The plan for the enterprises whose home falls into one partition."""
    return Planner(registry, rules, lambda home: home % partitions == partition).plan()
