"""How a day leaves SQLite for its Parquet file, so that a kill at any instant neither loses nor doubles a row.

1. The rows of the day in SQLite and those of its file, if it has one, are merged into a draft, which is synced to disk.
2. The draft takes the file's name. From here the rows are in both places; a query and the next sealing see each once.
3. The rows are deleted from SQLite.

Readers look into SQLite first and into the files after that, so that a row on its way is seen at least once.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from engine.store import sealed
from engine.store.database import StoreFiles
from engine.store.sqlite import Connection
from engine.store.table import Rows, Table, settle
from rules.calendar import HOUR_MS, Calendar


@dataclass(frozen=True, slots=True, kw_only=True)
class Sealed:
    """One file written."""

    table: str
    path: Path
    rows: int


def oldest_day(db: Connection, table: Table, calendar: Calendar) -> int | None:
    """The oldest local day that has rows in SQLite."""
    (oldest,) = db.execute(f"SELECT min({table.time}) FROM {table.name}").fetchone()
    return None if oldest is None else calendar.day(oldest // HOUR_MS)


def seal_day(files: StoreFiles, table: Table, day: int, describe: sealed.Describe) -> Sealed:
    """Move the rows of one local day into its file. Nobody else writes to the database meanwhile."""
    start_ms, end_ms = files.calendar.start_ms(day), files.calendar.end_ms(day)
    path = sealed.path_of(files.folder, table, day)
    recent = _recent(files.db, table, start_ms, end_ms)
    count = sealed.write(path, table, merged(table, sealed.groups(path, table), recent), describe)
    for hour_ms in range(start_ms, end_ms, HOUR_MS):  # in pieces: one big deletion would be as big in the WAL
        span = (hour_ms, min(hour_ms + HOUR_MS, end_ms))
        files.db.execute(f"DELETE FROM {table.name} WHERE {table.time} >= ? AND {table.time} < ?", span)
    return Sealed(table=table.name, path=path, rows=count)


def merged(table: Table, old: Iterator[Rows], new: Iterator[Rows]) -> Iterator[Rows]:
    """Two runs in key order, given and returned in pieces; of two rows with one key the one that stands."""
    a, b = _next(old), _next(new)
    while a is not None and b is not None:
        edge = a[-1] if _upto(table, b[-1:], a[-1]) == 0 else b[-1]
        n, m = _upto(table, a, edge), _upto(table, b, edge)
        yield settle(table, a[:n], b[:m])
        a = a[n:] if n < len(a) else _next(old)
        b = b[m:] if m < len(b) else _next(new)
    while a is not None:
        yield a
        a = _next(old)
    while b is not None:
        yield b
        b = _next(new)


def _next(run: Iterator[Rows]) -> Rows | None:
    return next((rows for rows in run if len(rows)), None)


def _upto(table: Table, rows: Rows, edge: np.void) -> int:
    """How many of the sorted rows have a key not above that of `edge`."""
    below, equal = np.zeros(len(rows), np.bool_), np.ones(len(rows), np.bool_)
    for column in table.key:
        below |= equal & (rows[column] < edge[column])
        equal &= rows[column] == edge[column]
    return int((below | equal).sum())


def _recent(db: Connection, table: Table, start_ms: int, end_ms: int) -> Iterator[Rows]:
    columns, key = ", ".join(table.columns), ", ".join(table.key)
    found = db.execute(
        f"SELECT {columns} FROM {table.name} WHERE {table.time} >= ? AND {table.time} < ? ORDER BY {key}",
        (start_ms, end_ms),
    )
    while rows := found.fetchmany(sealed.GROUP_ROWS):
        yield np.array(rows, table.dtype)
