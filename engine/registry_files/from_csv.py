"""A folder of registry tables in CSV (enterprises, outlets, monitors, factors, limits), as rows."""

import csv
import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from engine.config.document import read_text
from engine.config.explain import Section, explain
from engine.config.nearest import hint
from engine.config.problem import BadFile, Place, Problem
from engine.registry_files.draft import Draft, OutletDraft, Permit, Row
from engine.registry_files.rows import EnterpriseRow, FactorCsv, LimitCsv, MonitorCsv, OutletCsv, PermitRow

LABEL = "label."
LISTS = ("standards",)
"""Columns whose cells hold several values, separated by ";"."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """One CSV file."""

    name: str  # what problems call it
    lines: tuple[str, ...]
    columns: tuple[str, ...]

    def place(self, line: int, column: str) -> Place:
        """Line of a row and the position of one of its cells in it."""
        if column not in self.columns:
            return Place(file=self.name, line=line)
        at = _cell_at(self.lines[line - 1], self.columns.index(column))
        return Place(file=self.name, line=line, column=at + 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class CsvWhere:
    """A row of a CSV file."""

    table: Table
    line: int
    prefix: str = ""  # of its columns' names

    def problem(self, name: str, key: str, **values: object) -> Problem:
        """A problem with the cell of column `name`."""
        name = self.prefix + name
        return Problem(place=self.table.place(self.line, name), path=name, key=key, values=values)


def draft_of_folder(folder: Path) -> tuple[Draft, list[Problem]]:
    """The rows of all tables of a folder that can be used, and everything that is wrong with single rows."""
    draft, problems = Draft(), list[Problem]()
    for file, (model, add) in TABLES.items():
        if (folder / file).exists():
            try:
                _read(draft, problems, str(folder / file), read_text(folder / file), model, add)
            except BadFile as error:
                problems.extend(error.problems)
    return draft, problems


Add = Callable[[Draft, Any, CsvWhere, dict[str, str]], None]


def _read(draft: Draft, problems: list[Problem], name: str, text: str, model: type[Section], add: Add) -> None:
    lines = tuple(io.StringIO(text))
    rows = _rows(name, lines)
    head_line, head = next(rows, (1, []))
    table = Table(name=name, lines=lines, columns=tuple(cell.strip() for cell in head))
    missing = _head_problems(CsvWhere(table=table, line=head_line), model)
    problems.extend(missing)
    if missing:
        return
    for line, cells in rows:
        where = CsvWhere(table=table, line=line)
        if len(cells) != len(table.columns):
            problems.append(where.problem("", "cells", value=len(cells), bound=len(table.columns)))
            continue
        given = {c: cell.strip() for c, cell in zip(table.columns, cells, strict=True) if cell.strip()}
        labels = {c.removeprefix(LABEL): given.pop(c) for c in table.columns if c.startswith(LABEL) and c in given}
        try:
            add(draft, model.model_validate({c: _value(c, cell) for c, cell in given.items()}), where, labels)
        except ValidationError as error:
            found = explain(error, model)
            draft.broken.add(given.get("id", ""))
            problems.extend(where.problem(str(w.loc[0]) if w.loc else "", w.key, **w.values) for w in found)


def _rows(name: str, lines: tuple[str, ...]) -> Iterator[tuple[int, list[str]]]:
    """(line of its beginning, cells) of every row that is not blank."""
    reader, line = csv.reader(lines, strict=True), 1
    try:
        for cells in reader:
            if any(cell.strip() for cell in cells):
                yield line, cells
            line = reader.line_num + 1
    except csv.Error as error:
        place = Place(file=name, line=line)
        raise BadFile([Problem(place=place, path="", key="not_csv", values={"reason": error})]) from error


def _head_problems(where: CsvWhere, model: type[Section]) -> list[Problem]:
    table = where.table
    words = list(model.model_fields)
    needed = [name for name, info in model.model_fields.items() if info.is_required()]
    labels = model is OutletCsv
    unknown = [c for c in table.columns if c not in words and not (labels and c.startswith(LABEL))]
    twice = {c for c in table.columns if table.columns.count(c) > 1}
    return [
        *(where.problem(c, "unknown_column", **hint(c, words)) for c in unknown),
        *(where.problem(c, "word_twice", value=c) for c in sorted(twice)),
        *(where.problem("", "no_column", value=n) for n in needed if n not in table.columns),
    ]


def _value(column: str, cell: str) -> Any:
    return [part.strip() for part in cell.split(";") if part.strip()] if column in LISTS else cell


def _cell_at(row: str, index: int) -> int:
    """Where the cell of that index begins in a row's first line."""
    at, quoted, commas = 0, False, 0
    for at, letter in enumerate(row):
        if commas == index and not quoted:
            return at
        quoted ^= letter == '"'
        commas += letter == "," and not quoted
    return at + 1 if commas == index else 0


def _add_enterprise(draft: Draft, row: EnterpriseRow, where: CsvWhere, labels: dict[str, str]) -> None:
    draft.enterprises.append(Row(model=row, where=where))


def _add_outlet(draft: Draft, row: OutletCsv, where: CsvWhere, labels: dict[str, str]) -> None:
    permit = None
    if row.permit_number:
        fields = PermitRow(number=row.permit_number, valid_from=row.permit_valid_from, valid_to=row.permit_valid_to)
        permit = Permit(row=fields, where=replace(where, prefix="permit_"))
    draft.outlets.append(Row(model=OutletDraft(row=row, labels=labels, permit=permit), owner=row.enterprise, where=where))


def _add_monitor(draft: Draft, row: MonitorCsv, where: CsvWhere, labels: dict[str, str]) -> None:
    draft.monitors.append(Row(model=row, owner=row.outlet, where=where))


def _add_factor(draft: Draft, row: FactorCsv, where: CsvWhere, labels: dict[str, str]) -> None:
    draft.factors.append(Row(model=row, owner=row.outlet, where=where))


def _add_limit(draft: Draft, row: LimitCsv, where: CsvWhere, labels: dict[str, str]) -> None:
    draft.limits.append(Row(model=row, owner=row.outlet, where=where))


TABLES: dict[str, tuple[type[Section], Add]] = {
    "enterprises.csv": (EnterpriseRow, _add_enterprise),
    "outlets.csv": (OutletCsv, _add_outlet),
    "monitors.csv": (MonitorCsv, _add_monitor),
    "factors.csv": (FactorCsv, _add_factor),
    "limits.csv": (LimitCsv, _add_limit),
}
