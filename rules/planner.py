"""Makes a plan. All is done in columns, limits and series by the million: no step looks at one of them alone."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from rules.calendar import HOUR_MS
from rules.limit_columns import limit_columns
from rules.limits import Averaging
from rules.plan import FLOW_FACTOR, O2_FACTOR, Checks, InstantChecks, Mode, Plan, outlets_selected
from rules.rule import Rule, RuleKind, RuleSet
from rules.slots import GridSpec
from sensors.reading import KINDS, Kind
from sensors.registry import Medium, Registry

NONE = -1
DAY, HOUR = int(Kind.DAY), int(Kind.HOUR)
Ints = NDArray[np.int32]


def plan_for(registry: Registry, rules: RuleSet, *, partition: int = 0, partitions: int = 1) -> Plan:
    """The plan for the enterprises whose home falls into one partition."""
    return Planner(registry, rules, partition, partitions).plan()


class Ruled(NamedTuple):
    """Limits that a rule judges, as columns of shape (chosen,)."""

    at: Ints  # position of the rule
    limit: Ints
    nth: Ints  # among the limits of this rule on the same binding
    binding: Ints


class Sources(NamedTuple):
    """The series that checks are judged from, -1 where there is none; shape (checks,)."""

    own: Ints
    device: Ints  # the device's own hour
    device_day: Ints
    helper: Ints
    helper_device: Ints


class Rows(NamedTuple):
    """Where each series has its slots; shape (series,)."""

    specs: tuple[GridSpec, ...]
    grid_of: NDArray[np.int16]
    row_of: Ints
    keys: list[tuple[int, bool]]  # (cadence_ms, daily) of each grid

    def grid_at(self, series: Ints) -> Ints:
        """Grids of series, -1 for none."""
        return np.where(series < 0, NONE, self.grid_of[series]).astype(np.int32)

    def row_at(self, series: Ints) -> Ints:
        """Rows of series, -1 for none."""
        return np.where(series < 0, NONE, self.row_of[series]).astype(np.int32)

    def grid_no(self, cadence_ms: int, *, daily: bool) -> int:
        """The number of the grid of a cadence, -1 where there is none."""
        key = cadence_ms, daily
        return self.keys.index(key) if key in self.keys else NONE


class Planner:
    """Builds a plan; one use."""

    def __init__(self, registry: Registry, rules: RuleSet, partition: int, partitions: int) -> None:
        self.registry, self.rules, self.known = registry, rules, registry.columns
        self.limits = limit_columns(rules, registry)
        outlets = len(registry.outlets)
        self.mine = np.ones(outlets, np.bool_) if partitions == 1 else self.known.home % partitions == partition

    def plan(self) -> Plan:
        """The plan."""
        windows = self._ruled(RuleKind.EXCEEDANCE, RuleKind.RANGE)
        instants = self._ruled(RuleKind.INSTANT)
        instants = Ruled(*(column[self._kind(instants.binding) != Kind.DAY] for column in instants))
        mode, sources = self._window_sources(windows)
        series, o2_series = self._instant_series(instants)
        rows = self._rows([*sources, series, o2_series])
        return Plan(
            registry=self.registry,
            rules=self.rules,
            specs=rows.specs,
            grid_of=rows.grid_of,
            row_of=rows.row_of,
            hour_grid=rows.grid_no(HOUR_MS, daily=False),
            day_grid=rows.grid_no(24 * HOUR_MS, daily=True),
            checks=self._checks(windows, mode, sources, rows),
            instants=_instant_checks(instants, series, o2_series),
            offline=self._of_kind(RuleKind.OFFLINE),
            clock=self._of_kind(RuleKind.CLOCK),
            monitors=self.mine[self.known.monitor_outlet],
        )

    def _of_kind(self, kind: RuleKind) -> tuple[int, ...]:
        return tuple(n for n, rule in enumerate(self.rules.rules) if rule.kind is kind)

    def _ruled(self, *kinds: RuleKind) -> Ruled:
        """What rules of these kinds judge: rule by rule, limit by limit."""
        parts = [Ruled(*(np.empty(0, np.int32) for _ in Ruled._fields))]
        for at, rule in enumerate(self.rules.rules):
            if rule.kind in kinds:
                limit = np.flatnonzero(self._fits(rule)).astype(np.int32)
                binding = self.limits.binding[limit]
                parts.append(Ruled(np.full(len(limit), at, np.int32), limit, _occurrence(binding), binding))
        return Ruled(*(np.concatenate(columns) for columns in zip(*parts, strict=True)))

    def _fits(self, rule: Rule) -> NDArray[np.bool_]:
        """By limit: whether a rule judges it here."""
        limits = self.limits
        outlets = self.mine & outlets_selected(rule.select, self.registry)
        fits = (limits.binding >= 0) & (outlets[limits.outlet] if len(outlets) else False)
        if rule.select.factors:
            numbers = [self.known.factor_no[code] for code in rule.select.factors if code in self.known.factor_no]
            fits &= np.isin(limits.factor, numbers)
        if rule.kind is RuleKind.INSTANT:
            return np.asarray(fits & limits.has_ceiling & ~limits.has_floor, np.bool_)
        of_kind = limits.has_floor if rule.kind is RuleKind.RANGE else ~limits.has_floor
        return np.asarray(fits & of_kind & (limits.day == (rule.averaging is Averaging.DAY)), np.bool_)

    def _kind(self, binding: Ints) -> NDArray[np.uint8]:
        return self.known.judged_from[binding]

    def _helpers(self, factor: str, binding: Ints, needed: NDArray[np.bool_]) -> Ints:
        """Bindings of a factor at the outlets of other bindings; -1 where it is not needed or not measured."""
        outlet = self.known.binding_outlet[binding]
        number = np.full(len(outlet), self.known.factor_no.get(factor, NONE), np.int32)
        return np.where(needed, self.known.bindings_of(outlet, number), NONE).astype(np.int32)

    def _instant_series(self, instants: Ruled) -> tuple[Ints, Ints]:
        kind = self._kind(instants.binding)
        o2 = self._helpers(O2_FACTOR, instants.binding, self.limits.converted[instants.limit])
        return _series(instants.binding, kind), _series(o2, kind)

    def _window_sources(self, windows: Ruled) -> tuple[NDArray[np.uint8], Sources]:
        """Mode of each window check, and what it is judged from."""
        limits, binding = self.limits, windows.binding
        ranged = np.array([rule.kind is RuleKind.RANGE for rule in self.rules.rules], np.bool_)[windows.at]
        flow, converted = limits.flow[windows.limit], limits.converted[windows.limit]
        mode = np.where(ranged, Mode.RANGE, np.where(flow, Mode.FLOW, Mode.EVEN)).astype(np.uint8)
        even, day = mode == Mode.EVEN, limits.day[windows.limit]
        of_cells = day & self._is_water(binding)  # a day of water is made of cells, whatever the device's hours say
        o2 = self._helpers(O2_FACTOR, binding, even & converted)
        helper = np.maximum(o2, self._helpers(FLOW_FACTOR, binding, mode == Mode.FLOW))
        return mode, Sources(
            own=self._own(binding),
            device=self._devices(binding, even & ~of_cells),
            device_day=np.where(day & ~ranged, _series(binding, DAY), NONE).astype(np.int32),
            helper=self._own(helper),
            helper_device=self._devices(helper, even),
        )

    def _is_water(self, binding: Ints) -> NDArray[np.bool_]:
        return self.known.of_medium((Medium.WATER,))[self.known.binding_outlet[binding]]

    def _own(self, binding: Ints) -> Ints:
        """The series that own means of bindings are built from."""
        return _series(binding, np.minimum(self._kind(binding), HOUR))

    def _devices(self, binding: Ints, wanted: NDArray[np.bool_]) -> Ints:
        """The hours that the devices themselves make of bindings, where these are built from something finer."""
        wanted = wanted & (self._kind(binding) < Kind.HOUR)
        return np.where(wanted, _series(binding, HOUR), NONE).astype(np.int32)

    def _rows(self, used: list[Ints]) -> Rows:
        """Grids and rows for all series that are used."""
        size = len(self.registry.bindings) * KINDS
        wanted = np.zeros(size, np.bool_)
        for part in used:
            wanted[part[part >= 0]] = True
        series = np.flatnonzero(wanted)
        binding, kind = series // KINDS, (series % KINDS).astype(np.uint8)
        cadence_ms = self.known.cadence_ms(self.known.binding_outlet[binding], kind)
        keys = cadence_ms * 2 + (kind == Kind.DAY)
        grid_of, row_of = np.full(size, NONE, np.int16), np.full(size, NONE, np.int32)
        specs = []
        found = np.unique(keys).tolist()
        for grid, key in enumerate(found):
            rows = series[keys == key]
            grid_of[rows], row_of[rows] = grid, np.arange(len(rows))
            specs.append(self._spec(key // 2, len(rows), daily=key % 2 == 1))
        return Rows(tuple(specs), grid_of, row_of, [(key // 2, key % 2 == 1) for key in found])

    def _spec(self, cadence_ms: int, rows: int, *, daily: bool) -> GridSpec:
        judging = self.rules.judging
        hours = judging.late_bound_h + judging.future_max_s // 3600 + 3
        if daily:
            return GridSpec(cadence_ms=cadence_ms, slots=1, rows=rows, ring=hours // 24 + 3, daily=True)
        return GridSpec(cadence_ms=cadence_ms, slots=HOUR_MS // cadence_ms, rows=rows, ring=hours)

    def _checks(self, windows: Ruled, mode: NDArray[np.uint8], sources: Sources, rows: Rows) -> Checks:
        limits = self.limits.take(windows.limit)
        share_max = np.array([rule.share_max for rule in self.rules.rules], np.float64)
        return Checks(
            rule=windows.at,
            limit=windows.limit,
            binding=windows.binding,
            nth=windows.nth,
            mode=mode,
            day=limits.day,
            water=self._is_water(windows.binding),
            grid=rows.grid_at(sources.own),
            row=rows.row_at(sources.own),
            device_row=rows.row_at(sources.device),
            device_day_row=rows.row_at(sources.device_day),
            helper_grid=rows.grid_at(sources.helper),
            helper_row=rows.row_at(sources.helper),
            helper_device_row=rows.row_at(sources.helper_device),
            ceiling=limits.ceiling,
            floor=limits.floor,
            reference_o2=np.where(limits.converted, limits.reference_o2, np.nan),
            scale=limits.scale,
            share_max=share_max[windows.at],
            from_ms=limits.from_ms,
            to_ms=limits.to_ms,
        )


def _instant_checks(instants: Ruled, series: Ints, o2_series: Ints) -> InstantChecks:
    order = np.lexsort((instants.limit, instants.at, series))
    return InstantChecks(
        rule=instants.at[order],
        limit=instants.limit[order],
        nth=instants.nth[order],
        series=series[order],
        o2_series=o2_series[order],
    )


def _series(binding: Ints, kind: NDArray[np.uint8] | int) -> Ints:
    """Series numbers, -1 for no binding."""
    return np.where(binding < 0, NONE, binding * KINDS + kind).astype(np.int32)


def _occurrence(numbers: Ints) -> Ints:
    """How many equal numbers stand before each.

    >>> _occurrence(np.array([7, 5, 7, 7], np.int32)).tolist()
    [0, 0, 1, 2]
    """
    order = np.argsort(numbers, kind="stable")
    ordered, place = numbers[order], np.arange(len(numbers), dtype=np.int32)
    first = np.ones(len(numbers), np.bool_)
    first[1:] = ordered[1:] != ordered[:-1]
    found = np.empty(len(numbers), np.int32)
    found[order] = place - np.maximum.accumulate(np.where(first, place, 0)) if len(place) else place
    return found
