"""The engine of a SQLite database: one writer at a time, everything that was committed is on disk."""

from pathlib import Path
from urllib.parse import quote

import pysqlite3.dbapi2 as sqlite
from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.pool import ConnectionPoolEntry

from engine.store.sqlite import StoreError, refuse_old_sqlite


def sqlite_engine(file: Path, *, readonly: bool) -> Engine:
    """Opens nothing yet; StoreError where SQLite is too old, or the file is not there to be read."""
    refuse_old_sqlite(sqlite.sqlite_version_info)
    if readonly and not file.exists():
        raise StoreError(f"{file}: no such file; expected the database of a data directory that has run at least once")
    mode = "ro" if readonly else "rwc"
    url = f"sqlite+pysqlite:///file:{quote(str(file))}?mode={mode}&uri=true"
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
