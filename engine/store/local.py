"""The local store: recent readings and verdicts in SQLite, older days in Parquet, dead letters beside them."""

import logging
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
from numpy.typing import NDArray

from engine.detect.facts import Facts
from engine.stages import DeadLetter, Retry
from engine.store import sealed
from engine.store.database import attempt, open_store
from engine.store.letters import Letters, PayloadOf
from engine.store.names import Names, text_columns
from engine.store.reader import Reader
from engine.store.rows import reading_rows, verdict_rows
from engine.store.sealing import Sealed, oldest_day, seal_day
from engine.store.sqlite import Error
from engine.store.table import READINGS, TABLES, VERDICTS, Rows, Table
from rules.calendar import HOUR_MS

log = logging.getLogger(__name__)

RECENT_H = 72
"""A day leaves SQLite so long after its end: later than the 48 h for which late data is taken by default."""

SEAL_EVERY_MS = HOUR_MS


class LocalStore:
    """`Store` on one directory: `store.db` and `sealed/<table>/<local day>.parquet`.

    What time it is comes from the log: a day is sealed when the log is `recent_h` past its end.
    """

    def __init__(
        self, data_dir: Path, names: Names, *, payload_of: PayloadOf | None = None, recent_h: int = RECENT_H
    ) -> None:
        self.names = names
        self._files = open_store(data_dir, zone=names.rules.judging.zone)
        self._db = self._files.db
        self._letters = Letters(self._db, payload_of)
        self._recent_ms = recent_h * HOUR_MS
        self._seal_at_ms = 0
        self._numbered: tuple[Names, NDArray[np.int32]] | None = None
        sealed.clear_drafts(self._files.folder)

    @property
    def read(self) -> Reader:
        """Questions to this store."""
        return Reader(self._files)

    def update(self, names: Names) -> None:
        """From now on facts refer to this registry and this rule set."""
        self.names = names

    def write(self, facts: Facts) -> Retry | None:
        """`write_all` of one record."""
        return self.write_all((facts,))

    def write_all(self, run: Sequence[Facts]) -> Retry | None:
        """Keep readings, verdicts and refusals, in one transaction; None when they are safe on disk. Idempotent."""
        failed = attempt(self._files, lambda: self._keep(run))
        log_ms = max(facts.log_ms for facts in run)
        if failed is not None:
            self._numbered = None  # what was numbered in the call was not kept
        elif log_ms >= self._seal_at_ms:
            self._seal_at_ms = log_ms + SEAL_EVERY_MS
            self._try_to_seal(log_ms)
        return failed

    def refuse(self, letter: DeadLetter) -> Retry | None:
        """Keep a record that a stage could not use. Idempotent."""
        return attempt(self._files, lambda: self._letters.add_record(letter))

    def seal(self, log_ms: int) -> list[Sealed]:
        """Seal every day that has come to rest at this log time, the oldest first."""
        return [done for table in TABLES for done in self._seal_table(table, log_ms)]

    def close(self) -> None:
        """Close the database; what was written stays."""
        self._db.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def _keep(self, run: Sequence[Facts]) -> None:
        self._upsert(READINGS, reading_rows(run))
        for facts in run:
            if facts.verdicts is not None:
                self._upsert(VERDICTS, verdict_rows(facts.verdicts, self._rule_numbers()))
            self._letters.add_refused(facts)

    def _upsert(self, table: Table, rows: Rows) -> None:
        self._db.executemany(table.upsert, rows.tolist())

    def _rule_numbers(self) -> NDArray[np.int32]:
        """The store's own number of each rule by its position, which another rule set may give to another rule."""
        names = self.names
        if self._numbered is None or self._numbered[0] is not names:
            ids = [rule.id for rule in names.rules.rules]
            self._db.executemany("INSERT OR IGNORE INTO rule (id) VALUES (?)", ((id,) for id in ids))
            numbers = dict(self._db.execute("SELECT id, number FROM rule"))
            self._numbered = names, np.array([numbers[id] for id in ids], np.int32)
        return self._numbered[1]

    def _seal_table(self, table: Table, log_ms: int) -> list[Sealed]:
        done: list[Sealed] = []
        files = self._files
        while (day := oldest_day(self._db, table, files.calendar)) is not None:
            if files.calendar.end_ms(day) + self._recent_ms > log_ms:
                break
            done.append(seal_day(files, table, day, self._describe))
        return done

    def _describe(self, table: Table, rows: Rows) -> sealed.Texts:
        rule_ids = [id for (id,) in self._db.execute("SELECT id FROM rule ORDER BY number")]
        return text_columns(self.names, rule_ids, table, rows)

    def _try_to_seal(self, log_ms: int) -> None:
        try:
            for done in self.seal(log_ms):
                log.info("%s: %d rows sealed", done.path, done.rows)
        except (Error, OSError) as error:
            log.warning("%s: a day could not be sealed, tried again in an hour: %s", self._files.folder, error)
