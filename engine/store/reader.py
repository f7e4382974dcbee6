"""Questions to the local store: one answer from SQLite and the sealed days together."""

from dataclasses import dataclass, fields
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from engine.store import sealed
from engine.store.database import StoreFiles, open_store
from engine.store.letters import Letter, RefusedRecord, dead_letters, refusal_counts, refused_records
from engine.store.table import READINGS, VERDICTS, Rows, Table, in_order, settle


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredReadings:
    """Readings of one series in time order, as columns of shape (readings,)."""

    series: NDArray[np.int32]
    device_ms: NDArray[np.int64]
    value: NDArray[np.float64]
    flag: NDArray[np.uint8]
    log_ms: NDArray[np.int64]  # log time of the frame that brought the value that stands
    rev: NDArray[np.int32]  # how often another value took the place of the first

    def __len__(self) -> int:
        return len(self.series)

    @classmethod
    def of(cls, rows: Rows) -> Self:
        """From rows of the table."""
        return cls(**{f.name: np.ascontiguousarray(rows[f.name]) for f in fields(cls)})


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredVerdicts:
    """Verdicts of one binding by rule, window length and start, as columns of shape (verdicts,)."""

    binding: NDArray[np.int32]
    rule: NDArray[np.int32]  # number of the rule in this store: `rule_ids` of the reader names it
    day: NDArray[np.bool_]
    start_ms: NDArray[np.int64]
    at_ms: NDArray[np.int64]
    value: NDArray[np.float64]  # NaN where not judgeable
    n_valid: NDArray[np.int32]
    n_due: NDArray[np.int32]
    code: NDArray[np.uint8]  # VerdictCode
    rev: NDArray[np.int32]

    def __len__(self) -> int:
        return len(self.binding)

    @classmethod
    def of(cls, rows: Rows) -> Self:
        """From rows of the table."""
        return cls(**{f.name: np.ascontiguousarray(rows[f.name]) for f in fields(cls)})


class Reader:
    """Answers from a store. A reader in another process sees what was committed before each question."""

    def __init__(self, files: StoreFiles) -> None:
        self._db = files.db
        self._folder = files.folder
        self._calendar = files.calendar

    def close(self) -> None:
        """Close the database."""
        self._db.close()

    def readings(self, series: int, start_ms: int, end_ms: int) -> StoredReadings:
        """The readings of a series with device time in [start_ms, end_ms)."""
        return StoredReadings.of(self._find(READINGS, series, start_ms, end_ms))

    def verdicts(self, binding: int, start_ms: int, end_ms: int) -> StoredVerdicts:
        """The verdicts of a binding on windows that start in [start_ms, end_ms)."""
        return StoredVerdicts.of(self._find(VERDICTS, binding, start_ms, end_ms))

    def rule_ids(self) -> dict[int, str]:
        """Rule ids by their number in this store."""
        return dict(self._db.execute("SELECT number, id FROM rule"))

    def dead_letters(self, *, reason: str | None = None, mn: str | None = None, limit: int = 1000) -> list[Letter]:
        """Refusals by kind, the most recent first."""
        return dead_letters(self._db, reason=reason, mn=mn, limit=limit)

    def refusal_counts(self) -> dict[str, int]:
        """How many refusals of each reason were counted."""
        return refusal_counts(self._db)

    def refused_records(self, *, limit: int = 1000) -> list[RefusedRecord]:
        """Log records that a stage could not use, the most recent first."""
        return refused_records(self._db, limit=limit)

    def log_ms(self) -> int | None:
        """The newest log time the store holds; None while it is empty."""
        found: int | None = self._db.execute("SELECT max(log_ms) FROM progress").fetchone()[0]
        return found

    def _find(self, table: Table, head: int, start_ms: int, end_ms: int) -> Rows:
        recent = in_order(table, np.array(self._recent(table, head, start_ms, end_ms), table.dtype))
        parts = [sealed.select(path, table, head, start_ms, end_ms) for path in self._files(table, start_ms, end_ms)]
        old = in_order(table, np.concatenate([np.empty(0, table.dtype), *parts]))
        return settle(table, old, recent)

    def _files(self, table: Table, start_ms: int, end_ms: int) -> list[Path]:
        bounds = self._calendar.start_ms, self._calendar.end_ms
        found = [d for d in sealed.days(self._folder, table) if bounds[0](d) < end_ms and start_ms < bounds[1](d)]
        return [sealed.path_of(self._folder, table, day) for day in found]

    def _recent(self, table: Table, head: int, start_ms: int, end_ms: int) -> list[tuple[object, ...]]:
        """One key's rows from a tree that is ordered by time: from instant to instant, not row by row."""
        name, time, columns = table.name, table.time, ", ".join(f"r.{c}" for c in table.columns)
        return self._db.execute(
            f"""
            WITH RECURSIVE instant (at) AS (
                SELECT min({time}) FROM {name} WHERE {time} >= ?1
                UNION ALL
                SELECT (SELECT min({time}) FROM {name} WHERE {time} > at) FROM instant WHERE at < ?2
            )
            SELECT {columns} FROM instant CROSS JOIN {name} r
            WHERE r.{time} = at AND r.{table.key[0]} = ?3 AND at < ?2
            """,
            (start_ms, end_ms, head),
        ).fetchall()


def open_reader(data_dir: Path) -> Reader:
    """The store of a data directory for questions only, also while a host writes it; StoreError where there is none."""
    return Reader(open_store(data_dir, readonly=True))
