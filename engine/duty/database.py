"""The duty database: alerts, their events, pages. SQLite by default; other databases speak the same tables."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

import pysqlite3.dbapi2 as sqlite
from sqlalchemy import Connection, Engine, create_engine, event, inspect, select
from sqlalchemy.exc import DatabaseError, DataError, IntegrityError, ProgrammingError
from sqlalchemy.pool import ConnectionPoolEntry

from engine.duty.tables import SCHEMA_VERSION, meta, metadata
from engine.store.sqlite import StoreError, refuse_old_sqlite

FILE = "core.db"
NEVER = (IntegrityError, DataError, ProgrammingError)
"""Errors of the call, which a second try would meet again; any other database error is one of the disk or the file."""


class Database:
    """An open duty database. May be used from any thread."""

    def __init__(self, engine: Engine, place: str) -> None:
        self.engine = engine
        self.place = place  # for messages

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """A transaction: all of the block's changes, or none. Only one writes at a time."""
        with self.engine.connect().execution_options(writes=True) as connection, connection.begin():
            yield connection

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A view of one moment."""
        with self.engine.connect() as connection, connection.begin():
            yield connection

    def close(self) -> None:
        """Close all connections."""
        self.engine.dispose()


def open_database(data_dir: Path, *, readonly: bool = False) -> Database:
    """The duty database of a data directory, made if it is new; StoreError where it cannot be used."""
    refuse_old_sqlite(sqlite.sqlite_version_info)
    path = data_dir / FILE
    if readonly and not path.exists():
        raise StoreError(f"{path}: no such file; expected the database of a data directory that has run at least once")
    database = Database(_sqlite_engine(path, readonly), str(path))
    try:
        if not readonly:
            with database.write() as connection:
                _make(connection)
        with database.read() as connection:
            _check_version(connection, path)
    except DatabaseError as error:
        database.close()
        raise StoreError(f"{path}: {error.orig}; expected a SQLite database that can be used") from error
    except StoreError:
        database.close()
        raise
    return database


def _sqlite_engine(path: Path, readonly: bool) -> Engine:
    mode = "ro" if readonly else "rwc"
    url = f"sqlite+pysqlite:///file:{quote(str(path))}?mode={mode}&uri=true"
    engine = create_engine(url, module=sqlite, connect_args={"timeout": 30, "check_same_thread": False})

    @event.listens_for(engine, "connect")
    def set_up(raw: sqlite.Connection, _: ConnectionPoolEntry) -> None:
        raw.isolation_level = None  # transactions are begun below, not guessed by the driver
        raw.execute("PRAGMA foreign_keys = ON")
        if not readonly:
            raw.execute("PRAGMA journal_mode = WAL")
            raw.execute("PRAGMA synchronous = FULL")

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        writes = connection.get_execution_options().get("writes", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine


def _make(connection: Connection) -> None:
    if inspect(connection).get_table_names():
        return
    metadata.create_all(connection)
    connection.execute(meta.insert().values(name="schema_version", value=str(SCHEMA_VERSION)))


def _check_version(connection: Connection, path: Path) -> None:
    if not inspect(connection).has_table(meta.name):
        raise StoreError(f"{path}: not a duty database of Outfall")
    found = connection.execute(select(meta.c.value).where(meta.c.name == "schema_version")).scalar()
    if found != str(SCHEMA_VERSION):
        raise StoreError(f"{path}: made by another version of Outfall: schema {found}, expected {SCHEMA_VERSION}")
