"""A registry as plain JSON, for the control record that puts it into the log.

Rows are lists under named columns, which anybody can read. A large table is written column by column: the different
values, and for each row the position of its value (int32, little endian, base64); as lists, a million rows would be
seconds to read and gigabytes of small objects.
"""

import base64
from collections.abc import Callable, Iterator, Sequence
from dataclasses import fields
from typing import Any, TypeVar

import numpy as np

from sensors.reading import Kind
from sensors.registry import Binding, Enterprise, Medium, Monitor, Outlet, Registry
from sensors.table import Coded, Table, coded, column_of, same

Row = TypeVar("Row")
STEP = 8192
"""Rows that are written at once."""

ROWS_MAX = 10_000
"""A table of more rows is written column by column."""

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
    """Rows of one dataclass as {"columns": names, "rows": lists of values}.

    Of more than `ROWS_MAX` rows as {"columns": names, "size": rows, "coded": [values, positions] of each column}; positions
    are None where there is one value. The same rows give the same JSON.
    """
    names = [f.name for f in fields(cls)]
    if len(rows) > ROWS_MAX:
        columns = [_coded_to_json(column_of(rows, name), write.get(name, _as_is)) for name in names]
        return {"columns": names, "size": len(rows), "coded": columns}
    pieces = rows_to_json(cls, rows, write)
    return {"columns": names, "rows": [row for piece in pieces for row in piece]}


def _coded_to_json(column: Coded, write: Callable[[Any], Any]) -> list[Any]:
    """Each value once, in the order in which the rows name them."""
    known = coded(column.values)
    code = known.code[column.code]
    found, first, back = np.unique(code, return_index=True, return_inverse=True)
    order = np.argsort(first)
    place = np.empty(len(order), "<i4")
    place[order] = np.arange(len(order))
    values = [write(known.values[n]) for n in found[order].tolist()]
    return [values, None if len(values) == 1 else base64.b64encode(place[back].tobytes()).decode("ascii")]


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
    size, given = _columns(content, table) if "coded" in content else _rows(content["rows"], len(names), table)
    columns = dict(zip(names, given, strict=True))
    for name in read.keys() & columns.keys():
        columns[name] = _typed(columns[name], read[name], table)
    return Table(cls, size, columns)


def _rows(rows: list[list[Any]], width: int, table: str) -> tuple[int, list[Coded]]:
    for number, values in enumerate(rows):
        if len(values) != width:
            raise ValueError(f"{table}, row {number}: expected {width} values, got {len(values)}")
    return len(rows), [coded([values[at] for values in rows]) for at in range(width)]


def _columns(content: Any, table: str) -> tuple[int, list[Coded]]:
    size, columns = int(content["size"]), []
    for name, (values, positions) in zip(content["columns"], content["coded"], strict=True):
        code = np.zeros(size, "<i4") if positions is None else np.frombuffer(base64.b64decode(positions), "<i4")
        if len(code) != size or not len(values) or not (code.min() >= 0 and code.max() < len(values)):
            raise ValueError(f"{table}, {name}: expected {size} positions in {len(values)} values, got others")
        columns.append(same(values[0], size) if positions is None else Coded(values, code.astype(np.int32, copy=False)))
    return size, columns


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
