"""What the store keeps: two tables of columns, and which of two rows with one key stands."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sensors.reading import Flag

Rows = NDArray[np.void]
"""A structured array: one row a fact, the fields of the table's `dtype`."""


@dataclass(frozen=True, kw_only=True)
class Table:
    """The columns of one kind of fact. Two rows of equal `key` are about the same thing.

    Of two such rows the later one (`log`) stands if it differs in `content` and is not worse: a row whose flag is not
    normal never takes the place of one whose flag is. `rev` counts how often that happened.
    """

    name: str
    dtype: np.dtype[np.void]
    key: tuple[str, ...]  # the order of sealed files
    time: str  # the column that decides the day
    log: str  # log time: which of two is later
    content: tuple[str, ...]
    flag: str = ""  # the column that makes a row better or worse; "": none does

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of all columns."""
        return tuple(self.dtype.names or ())

    @property
    def disk_key(self) -> tuple[str, ...]:
        """The key in the order of SQLite's tree: time first, so that rows arrive near its end and a day is one run."""
        return (self.time, *(c for c in self.key if c != self.time))

    @property
    def create(self) -> str:
        """The statement that makes the table."""
        columns = ", ".join(f"{c} {self._affinity(c)}" for c in self.columns)
        return f"CREATE TABLE {self.name} ({columns}, PRIMARY KEY ({', '.join(self.disk_key)})) WITHOUT ROWID"

    @property
    def upsert(self) -> str:
        """The statement that keeps one row. Rows of one key come in log order; coming twice they change nothing."""
        changed = ", ".join(f"{c} = excluded.{c}" for c in (*self.content, self.log))
        new, old = (", ".join(f"{side}{c}" for c in self.content) for side in ("excluded.", f"{self.name}."))
        not_worse = f" AND (excluded.{self.flag} = 1) >= ({self.name}.{self.flag} = 1)" if self.flag else ""
        return (
            f"INSERT INTO {self.name} ({', '.join(self.columns)}) VALUES ({', '.join('?' * len(self.columns))}) "
            f"ON CONFLICT DO UPDATE SET {changed}, rev = rev + 1 "
            f"WHERE excluded.{self.log} > {self.name}.{self.log} AND ({new}) IS NOT ({old}){not_worse}"
        )

    def rows(self, **columns: Any) -> Rows:
        """Columns (arrays or scalars, one of every name) as rows."""
        rows = np.empty(len(columns[self.time]), self.dtype)
        for name in self.columns:
            rows[name] = columns[name]
        return rows

    def _affinity(self, column: str) -> str:
        return "REAL" if self.dtype[column].kind == "f" else "INTEGER NOT NULL"


READINGS = Table(
    name="reading",
    dtype=np.dtype(
        [
            ("series", np.int32),
            ("device_ms", np.int64),
            ("value", np.float64),
            ("flag", np.uint8),
            ("log_ms", np.int64),
            ("rev", np.int32),
        ]
    ),
    key=("series", "device_ms"),
    time="device_ms",
    log="log_ms",
    content=("value", "flag"),
    flag="flag",
)

VERDICTS = Table(
    name="verdict",
    dtype=np.dtype(
        [
            ("binding", np.int32),
            ("rule", np.int32),
            ("day", np.bool_),
            ("start_ms", np.int64),
            ("at_ms", np.int64),
            ("value", np.float64),
            ("n_valid", np.int32),
            ("n_due", np.int32),
            ("code", np.uint8),
            ("rev", np.int32),
        ]
    ),
    key=("binding", "rule", "day", "start_ms"),
    time="start_ms",
    log="at_ms",
    content=("value", "n_valid", "n_due", "code"),
)

TABLES = (READINGS, VERDICTS)


def in_order(table: Table, rows: Rows, *columns: str) -> Rows:
    """The rows sorted by `columns` (the table's key where none is given); equal ones keep their order."""
    by = columns or table.key
    return rows[np.lexsort([rows[c] for c in reversed(by)])]


def settle(table: Table, old: Rows, new: Rows) -> Rows:
    """One row per key, in key order, from two runs that have each key at most once: the row that stands.

    >>> def reading(value, flag, log_ms):
    ...     return READINGS.rows(series=[4], device_ms=[0], value=value, flag=flag, log_ms=log_ms, rev=0)
    >>> settle(READINGS, reading(1.0, Flag.NORMAL, 10), reading(2.0, Flag.NORMAL, 20))["value"].tolist()
    [2.0]
    >>> settle(READINGS, reading(1.0, Flag.NORMAL, 10), reading(2.0, Flag.FAULT, 20))["value"].tolist()
    [1.0]
    """
    if not len(old) or not len(new):
        return in_order(table, np.concatenate([old, new]))
    rows = in_order(table, np.concatenate([old, new]))
    second = np.zeros(len(rows), np.bool_)
    second[1:] = same_key(table, rows[1:], rows[:-1])
    at = np.flatnonzero(second)
    before, after = rows[at - 1], rows[at]
    takes = (after[table.log] > before[table.log]) & differs(table, before, after) & not_worse(table, before, after)
    rows["rev"][at] += np.where(takes, before["rev"] + 1, 0).astype(np.int32)
    stands = np.ones(len(rows), np.bool_)
    stands[at] = takes
    stands[at - 1] = ~takes
    return rows[stands]


def same_key(table: Table, a: Rows, b: Rows) -> NDArray[np.bool_]:
    """Whether rows are about the same thing."""
    same: NDArray[np.bool_] = np.logical_and.reduce([a[c] == b[c] for c in table.key])
    return same


def differs(table: Table, a: Rows, b: Rows) -> NDArray[np.bool_]:
    """Whether rows say different things; NaN (no value) equals NaN."""
    found: NDArray[np.bool_] = np.logical_or.reduce(
        [(a[c] != b[c]) & ~((a[c] != a[c]) & (b[c] != b[c])) for c in table.content]
    )
    return found


def not_worse(table: Table, before: Rows, after: Rows) -> NDArray[np.bool_]:
    """Whether `after` may take the place of `before` by its flag."""
    if not table.flag:
        return np.ones(len(after), np.bool_)
    ok: NDArray[np.bool_] = (after[table.flag] == Flag.NORMAL) | (before[table.flag] != Flag.NORMAL)
    return ok
