"""How the store opens its SQLite file: a version without the WAL bug, a known schema, one writer."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

if TYPE_CHECKING:
    import sqlite3 as sqlite  # pysqlite3 is the same interface around a newer SQLite, and has no types of its own
else:
    import pysqlite3.dbapi2 as sqlite

SQLITE_MIN = (3, 51, 3)
"""3.7.0 to 3.51.2 can corrupt a WAL database that two connections write and checkpoint at once."""

Connection = sqlite.Connection
Error = sqlite.Error
NEVER = (sqlite.IntegrityError, sqlite.DataError, sqlite.ProgrammingError, sqlite.InterfaceError)
"""Errors of the call, which a second try would meet again; any other error of SQLite is one of the disk or the file."""


class StoreError(Exception):
    """A store cannot be opened. The text names the file, what was found and what is expected."""


def connect(path: Path, *, schema: str, version: int, readonly: bool = False) -> Connection:
    """Open a database file, made with `schema` if it is new; StoreError where that cannot be.

    Every statement commits by itself unless it stands in a `transaction`. Any thread may use it, one at a time.
    """
    refuse_old_sqlite(sqlite.sqlite_version_info)
    if readonly and not path.exists():
        raise StoreError(f"{path}: no such file; expected the store of a data directory that has run at least once")
    mode = "ro" if readonly else "rwc"
    try:
        db = sqlite.connect(
            f"file:{quote(str(path))}?mode={mode}", uri=True, isolation_level=None, check_same_thread=False, timeout=10
        )
        if not readonly:
            db.execute("PRAGMA journal_mode = WAL")
            db.execute("PRAGMA synchronous = FULL")
        db.execute("PRAGMA cache_size = -65536")
        _settle_schema(db, path, schema, version)
    except sqlite.Error as error:
        raise StoreError(f"{path}: {error}; expected a SQLite database that can be {_use(readonly)}") from error
    return db


@contextmanager
def transaction(db: Connection) -> Iterator[None]:
    """All of the block's changes, or none of them."""
    db.execute("BEGIN IMMEDIATE")
    try:
        yield
        db.execute("COMMIT")
    except BaseException:
        if db.in_transaction:  # SQLite itself has rolled back where the disk is full
            db.execute("ROLLBACK")
        raise


def refuse_old_sqlite(found: tuple[int, ...]) -> None:
    """StoreError below SQLITE_MIN.

    >>> refuse_old_sqlite((3, 51, 3))
    >>> refuse_old_sqlite((3, 40, 1))
    Traceback (most recent call last):
    engine.store.sqlite.StoreError: SQLite 3.40.1: expected 3.51.3 or newer (older ones can corrupt a database)
    """
    if found < SQLITE_MIN:
        texts = (".".join(map(str, v)) for v in (found, SQLITE_MIN))
        raise StoreError("SQLite {}: expected {} or newer (older ones can corrupt a database)".format(*texts))


def _settle_schema(db: Connection, path: Path, schema: str, version: int) -> None:
    (found,) = db.execute("PRAGMA user_version").fetchone()
    if found == 0:
        db.executescript(f"BEGIN IMMEDIATE; {schema}; PRAGMA user_version = {version}; COMMIT")
    elif found != version:
        raise StoreError(f"{path}: made by another version of Outfall: schema {found}, expected {version}")


def _use(readonly: bool) -> str:
    return "read" if readonly else "written"
