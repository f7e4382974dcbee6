"""What is wrong across rows of the register: twice the same, strangers, devices that clash, factors that do not fit."""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import date
from itertools import combinations

from engine.config.nearest import hint
from engine.config.problem import Problem
from engine.registry_files.days import span_ms
from engine.registry_files.draft import Draft, Model_co, Row, Where
from engine.registry_files.rows import FactorRow, MonitorRow
from engine.registry_files.units import unit_wrong
from sensors.factors import alias_2005, catalogue, factor, nearest
from sensors.registry import Medium

MN = re.compile(r"[0-9A-F]{24}")
TOPIC_WORD = re.compile(r"[0-9A-Za-z._-]{1,64}")


def problems_across(draft: Draft, zone: str) -> Iterator[Problem]:
    """Every problem that shows only when rows are seen together."""
    yield from _duplicates(draft)
    yield from _strangers(draft)
    yield from _monitors(draft, zone)
    yield from _factors(draft)
    for outlet in draft.outlets:
        if permit := outlet.model.permit:
            yield from ends_before(permit.where, permit.row.valid_from, permit.row.valid_to)


def ends_before(where: Where, first: date | None, end: date | None) -> Iterator[Problem]:
    """A span of days that is empty."""
    if first and end and end <= first:
        yield where.problem("valid_to", "ends_before", value=end, bound=first)


def _duplicates(draft: Draft) -> Iterator[Problem]:
    yield from _twice("id", ((row.model.id, row) for row in draft.enterprises))
    yield from _twice("id", ((row.model.row.id, row) for row in draft.outlets))
    yield from _twice("factor", (((row.owner, row.model.factor), row) for row in draft.factors))


def _twice(name: str, rows: Iterable[tuple[object, Row[Model_co]]]) -> Iterator[Problem]:
    first: dict[object, Row[Model_co]] = {}
    for key, row in rows:
        if key in first:
            there = first[key].where.problem(name, "duplicate").place
            value = key[-1] if isinstance(key, tuple) else key
            yield row.where.problem(name, "duplicate", value=value, first=there)
        first.setdefault(key, row)


def _strangers(draft: Draft) -> Iterator[Problem]:
    """Rows that belong to an enterprise or an outlet nobody described."""
    enterprises = {row.model.id for row in draft.enterprises} | draft.broken
    outlets = {row.model.row.id for row in draft.outlets} | draft.broken
    for outlet in draft.outlets:
        if outlet.owner not in enterprises:
            yield outlet.where.problem("enterprise", "unknown_enterprise", **hint(outlet.owner, sorted(enterprises)))
    for row in (*draft.monitors, *draft.factors, *draft.limits):
        if row.owner not in outlets:
            yield row.where.problem("outlet", "unknown_outlet", **hint(row.owner, sorted(outlets)))


def _monitors(draft: Draft, zone: str) -> Iterator[Problem]:
    for row in draft.monitors:
        yield from _mn(row)
        yield from ends_before(row.where, row.model.valid_from, row.model.valid_to)
    yield from _clashes(draft, zone)


def _mn(row: Row[MonitorRow]) -> Iterator[Problem]:
    mn = row.model.mn
    if row.model.legacy_mn:
        if not TOPIC_WORD.fullmatch(mn):
            yield row.where.problem("mn", "mn_legacy", value=mn)
    elif not MN.fullmatch(mn):
        key = "mn_case" if MN.fullmatch(mn.upper()) else "mn"
        yield row.where.problem("mn", key, value=mn, size=len(mn))


def _clashes(draft: Draft, zone: str) -> Iterator[Problem]:
    """One MN speaks for one outlet at a time; devices that share an outlet at one time share its cadence."""
    by_mn: dict[str, list[Row[MonitorRow]]] = defaultdict(list)
    by_outlet: dict[str, list[Row[MonitorRow]]] = defaultdict(list)
    for row in draft.monitors:
        by_mn[row.model.mn].append(row)
        by_outlet[row.owner].append(row)
    for rows in by_mn.values():
        for first, row in combinations(rows, 2):
            if _together(first, row, zone):
                there = first.where.problem("mn", "mn_twice").place
                yield row.where.problem("mn", "mn_twice", value=row.model.mn, first=there)
    for rows in by_outlet.values():
        for first, row in combinations(rows, 2):
            if _together(first, row, zone) and _cadence(first) != _cadence(row):
                there = first.where.problem("mn", "cadence").place
                yield row.where.problem("mn", "cadence", value=row.model.mn, first=there)


def _together(a: Row[MonitorRow], b: Row[MonitorRow], zone: str) -> bool:
    (a_first, a_end), (b_first, b_end) = (span_ms(r.model.valid_from, r.model.valid_to, zone) for r in (a, b))
    return a_first < b_end and b_first < a_end


def _cadence(row: Row[MonitorRow]) -> tuple[int, int]:
    return row.model.realtime_s, row.model.minute_min


def _factors(draft: Draft) -> Iterator[Problem]:
    medium = {row.model.row.id: row.model.row.medium for row in draft.outlets}
    for row in draft.factors:
        yield from _factor(row, medium.get(row.owner))


def _factor(row: Row[FactorRow], medium: Medium | None) -> Iterator[Problem]:
    code, known = row.model.factor, factor(row.model.factor)
    if known is None:
        meant = (medium and alias_2005(code, medium)) or nearest(code)
        values = {"value": code, "valid": f"{meant}?"} if meant else hint(code, catalogue())
        yield row.where.problem("factor", "unknown_factor", **values)
    elif medium and (known.medium is Medium.WATER) is not (medium is Medium.WATER):
        yield row.where.problem("factor", "factor_medium", value=code, medium=medium)
    elif row.model.unit and (wrong := unit_wrong(row.model.unit, known)):
        yield row.where.problem("unit", "unit_unfit", **wrong)
