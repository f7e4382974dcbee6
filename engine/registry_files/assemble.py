"""Rows of the register, checked against each other, as one registry and its limits: all of it or nothing."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from engine.config.problem import Problem
from engine.registry_files.checks import problems_across
from engine.registry_files.days import span_ms
from engine.registry_files.draft import Draft, OutletDraft, Row
from engine.registry_files.limits import LimitBuilder
from engine.registry_files.rows import EnterpriseRow, FactorRow, MonitorRow
from rules.catalogue import Catalogue
from rules.limits import Limit
from sensors.registry import Binding, Enterprise, Monitor, Outlet, Registry, home_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Register:
    """What the files of a register say."""

    registry: Registry
    limits: Sequence[Limit]


def assemble(draft: Draft, *, zone: str, catalogue: Catalogue) -> tuple[Register, list[Problem]]:
    """The registry and the limits that hold, and every problem across rows. Days begin in `zone`."""
    problems = list(problems_across(draft, zone))
    bound: dict[str, set[str]] = defaultdict(set)
    for row in draft.factors:
        bound[row.owner].add(row.model.factor)
    builder = LimitBuilder(
        zone=zone,
        catalogue=catalogue,
        factors={outlet: frozenset(codes) for outlet, codes in bound.items()},
        outlets={row.model.row.id: row.model for row in draft.outlets},
    )
    for outlet in draft.outlets:
        builder.add_standards(outlet)
    for limit in draft.limits:
        builder.add_own(limit)
    problems.extend(builder.problems)
    return Register(registry=_registry(draft, zone), limits=builder.limits()), problems


def _registry(draft: Draft, zone: str) -> Registry:
    return Registry(
        enterprises=tuple(_enterprise(row.model) for row in draft.enterprises),
        outlets=tuple(_outlet(row) for row in draft.outlets),
        monitors=tuple(_monitor(row, zone) for row in draft.monitors),
        bindings=tuple(_binding(row) for row in draft.factors),
    )


def _enterprise(row: EnterpriseRow) -> Enterprise:
    return Enterprise(id=row.id, name=row.name or row.id, grid_cell=row.grid_cell, home=home_of(row.id))


def _outlet(row: Row[OutletDraft]) -> Outlet:
    fields, labels = row.model.row, tuple(sorted(row.model.labels.items()))
    return Outlet(id=fields.id, enterprise=row.owner, name=fields.name or fields.id, medium=fields.medium, labels=labels)


def _monitor(row: Row[MonitorRow], zone: str) -> Monitor:
    fields = row.model
    first, end = span_ms(fields.valid_from, fields.valid_to, zone)
    return Monitor(
        mn=fields.mn,
        outlet=row.owner,
        realtime_s=fields.realtime_s,
        minute_min=fields.minute_min,
        unstated_is_normal=fields.unstated_is_normal,
        modbus_crc=fields.modbus_crc,
        valid_from_ms=first,
        valid_to_ms=end,
    )


def _binding(row: Row[FactorRow]) -> Binding:
    fields = row.model
    return Binding(outlet=row.owner, factor=fields.factor, judged_from=fields.judged_from.kind, unit=fields.unit)
