"""A registry as plain JSON, for the control record that puts it into the log. Rows are lists under named columns."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import fields
from typing import Any, TypeVar

import numpy as np

from sensors.reading import Kind
from sensors.registry import Binding, Enterprise, Medium, Monitor, Outlet, Registry
from sensors.table import Coded, Table, coded, column_of

Row = TypeVar("Row")
STEP = 8192
"""Rows that are written at once."""

TABLES: dict[str, type[Any]] = {"enterprises": Enterprise, "outlets": Outlet, "monitors": Monitor, "bindings": Binding}
"""Each table of the registry and the class of its rows."""

READ: dict[str, Callable[[Any], Any]] = {
    "medium": Medium,
    "labels": lambda pairs: tuple((str(k), str(v)) for k, v in pairs),
    "judged_from": Kind,
}
WRITE: dict[str, Callable[[Any], Any]] = {
    "medium": lambda medium: medium.value,
    "labels": lambda pairs: [list(pair) for pair in pairs],
    "judged_from": int,
}


def registry_to_json(registry: Registry) -> dict[str, Any]:
    """The registry as dicts, lists, strings and numbers only; the same registry gives the same JSON.

    >>> r = Registry(enterprises=(Enterprise(id="e", name="E", home=3),))
    >>> registry_to_json(r)["enterprises"]
    {'columns': ['id', 'name', 'grid_cell', 'home'], 'rows': [['e', 'E', '', 3]]}
    >>> registry_from_json(registry_to_json(r)) == r
    True
    """
    tables = {name: table_to_json(row, getattr(registry, name), WRITE) for name, row in TABLES.items()}
    return {"version": registry.version, **tables}


def registry_from_json(content: Any) -> Registry:
    """The inverse of `registry_to_json`; ValueError with table and row where the content does not fit."""
    try:
        tables: dict[str, Any] = {n: table_from_json(row, n, content[n], READ) for n, row in TABLES.items()}
        return Registry(version=int(content["version"]), **tables)
    except (KeyError, TypeError) as error:
        raise ValueError(f"registry: expected version and tables {', '.join(TABLES)}: {error!r}") from error


def table_to_json(cls: type[Any], rows: Sequence[Any], write: dict[str, Callable[[Any], Any]]) -> dict[str, Any]:
    """Rows of one dataclass as {"columns": names, "rows": lists of values}."""
    pieces = rows_to_json(cls, rows, write)
    return {"columns": [f.name for f in fields(cls)], "rows": [row for piece in pieces for row in piece]}


def rows_to_json(cls: type[Any], rows: Sequence[Any], write: dict[str, Callable[[Any], Any]]) -> Iterator[list[list[Any]]]:
    """The values of the rows, some thousands at a time."""
    columns = [(write.get(f.name, _as_is), column_of(rows, f.name)) for f in fields(cls)]
    written = [Coded([to_json(value) for value in column.values], column.code) for to_json, column in columns]
    for first in range(0, len(rows), STEP):
        step = slice(first, first + STEP)
        yield list(map(list, zip(*(Coded(values, code[step]).listed() for values, code in written), strict=True)))


def table_from_json(cls: type[Row], table: str, content: Any, read: dict[str, Callable[[Any], Any]]) -> Table[Row]:
    """The inverse of `table_to_json`. A column added in a later edition takes its default where a log lacks it."""
    names: list[str] = content["columns"]
    rows: list[list[Any]] = content["rows"]
    for number, values in enumerate(rows):
        if len(values) != len(names):
            raise ValueError(f"{table}, row {number}: expected {len(names)} values, got {len(values)}")
    columns = {name: coded([values[at] for values in rows]) for at, name in enumerate(names)}
    for name in read.keys() & columns.keys():
        columns[name] = _typed(columns[name], read[name], table)
    return Table(cls, len(rows), columns)


def _typed(column: Coded, read: Callable[[Any], Any], table: str) -> Coded:
    values = []
    for number, value in enumerate(column.values):
        try:
            values.append(read(value))
        except (TypeError, ValueError) as error:
            raise ValueError(f"{table}, row {int(np.argmax(column.code == number))}: {error}") from error
    return Coded(values, column.code)


def _as_is(value: Any) -> Any:
    return value
