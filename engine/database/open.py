"""Open the database of a host, brought up to the schema of this version."""

from pathlib import Path

from sqlalchemy.exc import DBAPIError

from engine.database.database import Database, Lock
from engine.database.errors import DatabaseUnavailableError
from engine.database.place import FILE, Place, text_of
from engine.database.schema import HEAD, found_version, refuse_other, settle
from engine.database.sqlite import sqlite_engine
from engine.store.sqlite import StoreError


def open_database(place: Place, *, readonly: bool = False) -> Database:
    """The database of a place, with its tables made or brought up to date; StoreError where it cannot be used.

    Of several processes that open it together one does so, the others wait. A reader changes nothing, and refuses a
    database of another version.
    """
    database = connected(place, readonly=readonly)
    try:
        with database.read() as connection:
            found = found_version(connection, database.place)
        if readonly:
            refuse_other(found, database.place)
        elif found != HEAD:
            with database.write(Lock.SCHEMA) as connection:
                settle(connection, database.place)
    except (DatabaseUnavailableError, DBAPIError) as error:
        database.close()
        raise StoreError(_told(error, database)) from error
    except StoreError:
        database.close()
        raise
    return database


def connected(place: Place, *, readonly: bool = False) -> Database:
    """The database as it is, whatever its schema; nothing is connected yet."""
    if isinstance(place, Path):
        return Database(sqlite_engine(place / FILE, readonly=readonly), text_of(place), readonly=readonly)
    try:
        from engine.database.postgres import postgres_engine  # only who has a server needs its driver
    except ImportError as error:
        raise StoreError(f"{place}: {error}; expected the driver psycopg: pip install 'outfall[cluster]'") from error
    return Database(postgres_engine(place, readonly=readonly), text_of(place), readonly=readonly)


def _told(error: DatabaseUnavailableError | DBAPIError, database: Database) -> str:
    if isinstance(error, DatabaseUnavailableError):
        return str(error)
    kind = "PostgreSQL" if database.is_shared else "SQLite"
    return f"{database.place}: {error.orig}; expected a {kind} database that can be used"
