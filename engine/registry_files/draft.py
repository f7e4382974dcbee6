"""Rows of the register with the place each came from, before anything is checked across rows."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Generic, Protocol, TypeVar

from engine.config.problem import Problem
from engine.registry_files.rows import EnterpriseRow, FactorRow, LimitRow, MonitorRow, OutletRow, PermitRow

Model_co = TypeVar("Model_co", covariant=True)


class Where(Protocol):
    """Where a row came from."""

    def problem(self, name: str, key: str, **values: object) -> Problem:
        """A problem with one of its fields; "" where the row as a whole is meant."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row(Generic[Model_co]):
    """A row, what it belongs to (an enterprise's or an outlet's id) and where it is written."""

    model: Model_co
    owner: str = ""
    where: Where


@dataclass(frozen=True, slots=True, kw_only=True)
class Permit:
    """A permit and the place of its fields."""

    row: PermitRow
    where: Where


@dataclass(frozen=True, slots=True, kw_only=True)
class OutletDraft:
    """An outlet with what stands in its own row."""

    row: OutletRow
    labels: Mapping[str, str] = field(default_factory=dict)
    permit: Permit | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """All rows of some files, in the order they were written."""

    enterprises: list[Row[EnterpriseRow]] = field(default_factory=list)
    outlets: list[Row[OutletDraft]] = field(default_factory=list)
    monitors: list[Row[MonitorRow]] = field(default_factory=list)
    factors: list[Row[FactorRow]] = field(default_factory=list)
    limits: list[Row[LimitRow]] = field(default_factory=list)
    broken: set[str] = field(default_factory=set)  # ids of rows that could not be used: no strangers to the rest

    def extend(self, other: "Draft") -> None:
        """Add the rows of other files."""
        self.enterprises.extend(other.enterprises)
        self.outlets.extend(other.outlets)
        self.monitors.extend(other.monitors)
        self.factors.extend(other.factors)
        self.limits.extend(other.limits)
        self.broken.update(other.broken)
