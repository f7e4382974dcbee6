"""The limits of outlets: those of their standards, those of their permits and their own, the strongest of each kept."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import date

from engine.config.nearest import hint
from engine.config.problem import Problem
from engine.registry_files.checks import ends_before
from engine.registry_files.days import span_ms
from engine.registry_files.draft import OutletDraft, Permit, Row, Where
from engine.registry_files.rows import LevelName, LimitRow
from engine.registry_files.units import unit_wrong
from rules.catalogue import Catalogue
from rules.limits import Averaging, Basis, Limit, Weighting
from rules.plan import FLOW_FACTOR, O2_FACTOR
from rules.precedence import Level, strongest
from sensors.factors import factor
from sensors.units import conversion

Candidate = tuple[Level, Limit]


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitBuilder:
    """Collects the limits of outlets, and what is wrong with them."""

    zone: str
    catalogue: Catalogue
    factors: dict[str, frozenset[str]]  # outlet -> factors bound there
    outlets: dict[str, OutletDraft]
    problems: list[Problem] = field(default_factory=list)
    candidates: list[Candidate] = field(default_factory=list)

    def limits(self) -> tuple[Limit, ...]:
        """The limits that hold."""
        return strongest(self.candidates)

    def add_standards(self, row: Row[OutletDraft]) -> None:
        """The limits of the standards that an outlet refers to, for the factors it measures."""
        outlet = row.model.row
        for n, ref in enumerate(outlet.standards):
            found = self.catalogue.get(ref)
            if found is None:
                self._wrong(row.where, f"standards.{n}", "unknown_standard", **hint(ref, self.catalogue))
            elif found.medium is not outlet.medium:
                values = {"value": ref, "medium": found.medium, "bound": outlet.medium}
                self._wrong(row.where, f"standards.{n}", "standard_medium", **values)
            else:
                for limit in found.limits(outlet.id, self.factors.get(outlet.id, frozenset())):
                    self._add(row.where, "standards", found.level, self._weighted(row.model, limit))

    def add_own(self, row: Row[LimitRow]) -> None:
        """A limit stated at the outlet."""
        limit, outlet = row.model, self.outlets.get(row.owner)
        problems = list(_wrong_alone(row)) or list(self._wrong_there(row))
        self.problems.extend(problems)
        known = factor(limit.factor)
        if problems or outlet is None or known is None:
            return
        scale = conversion(limit.unit or known.unit, known.unit)
        first, end = span_ms(*_dates(limit, outlet.permit), self.zone)
        made = Limit(
            outlet=row.owner,
            factor=limit.factor,
            averaging=limit.averaging,
            ceiling=None if limit.ceiling is None else scale(limit.ceiling),
            floor=None if limit.floor is None else scale(limit.floor),
            basis=limit.basis,
            reference_o2=limit.reference_o2,
            weighting=limit.weighting,
            decimals=limit.decimals,
            source=limit.source or _source(limit, outlet.permit),
            unverified=limit.unverified,
            valid_from_ms=first,
            valid_to_ms=end,
        )
        self._add(row.where, "", limit.level.level, made)

    def _weighted(self, outlet: OutletDraft, limit: Limit) -> Limit:
        """The outlet may say how the values of its days are weighted."""
        if outlet.row.weighting is None or limit.averaging is not Averaging.DAY or limit.floor is not None:
            return limit
        return replace(limit, weighting=outlet.row.weighting)

    def _add(self, where: Where, name: str, level: Level, limit: Limit) -> None:
        bound = self.factors.get(limit.outlet, frozenset())
        if limit.basis is Basis.CONVERTED and O2_FACTOR not in bound:
            self._wrong(where, name, "no_o2", value=limit.factor)
        elif limit.weighting is Weighting.FLOW and FLOW_FACTOR not in bound:
            self._wrong(where, name, "no_flow", value=limit.factor)
        else:
            self.candidates.append((level, limit))

    def _wrong_there(self, row: Row[LimitRow]) -> Iterator[Problem]:
        bound = self.factors.get(row.owner, frozenset())
        if row.model.factor not in bound:
            yield row.where.problem("factor", "factor_not_bound", **hint(row.model.factor, sorted(bound)))
        known = factor(row.model.factor)
        if known and row.model.unit and (wrong := unit_wrong(row.model.unit, known)):
            yield row.where.problem("unit", "unit_unfit", **wrong)

    def _wrong(self, where: Where, name: str, key: str, **values: object) -> None:
        self.problems.append(where.problem(name, key, **values))


def _wrong_alone(row: Row[LimitRow]) -> Iterator[Problem]:
    """What is wrong with a limit whatever its outlet is."""
    limit, where = row.model, row.where
    if limit.ceiling is None and limit.floor is None:
        yield where.problem("", "no_bound")
    elif limit.ceiling is not None and limit.floor is not None and limit.ceiling < limit.floor:
        yield where.problem("ceiling", "below_floor", value=limit.ceiling, bound=limit.floor)
    if limit.basis is Basis.CONVERTED and limit.reference_o2 is None:
        yield where.problem("basis", "no_reference_o2")
    if limit.basis is Basis.MEASURED and limit.reference_o2 is not None:
        yield where.problem("reference_o2", "needless_reference_o2")
    if limit.weighting is Weighting.FLOW and (limit.averaging is not Averaging.DAY or limit.floor is not None):
        yield where.problem("weighting", "flow_not_day")
    yield from ends_before(where, limit.valid_from, limit.valid_to)


def _dates(limit: LimitRow, permit: Permit | None) -> tuple[date | None, date | None]:
    """A limit of the permit holds as long as the permit does, unless it says otherwise."""
    if limit.level is not LevelName.PERMIT or permit is None:
        return limit.valid_from, limit.valid_to
    return limit.valid_from or permit.row.valid_from, limit.valid_to or permit.row.valid_to


def _source(limit: LimitRow, permit: Permit | None) -> str:
    return permit.row.number if permit and limit.level is LevelName.PERMIT else ""
