"""The database of alerts and pages: there, of the right schema, and does its server keep what it commits?"""

import time
from collections.abc import Iterator
from pathlib import Path

from sqlalchemy import Connection, text
from sqlalchemy.exc import SQLAlchemyError

from engine.database.errors import DatabaseUnavailableError
from engine.database.open import connected
from engine.database.place import FILE, text_of
from engine.database.schema import EMPTY, HEAD, found_version
from engine.doctor.finding import Finding, error, good, note, warning
from engine.doctor.patient import Patient
from engine.store.sqlite import StoreError

CLOCK_S_MAX = 2.0
SERVER_MIN = 140_000
MUST_BE_ON = ("fsync", "full_page_writes")


def database_findings(patient: Patient) -> Iterator[Finding]:
    """SQLite in the data directory, or a PostgreSQL server."""
    place = patient.config.database
    where = text_of(place)
    if isinstance(place, Path) and not (place / FILE).exists():
        yield note("database_none", where)
        return
    database = connected(place, readonly=True)
    try:
        with database.read() as connection:
            yield from _schema(connection, where)
            if not isinstance(place, Path):
                yield from _server(connection, where)
    except (DatabaseUnavailableError, SQLAlchemyError, StoreError) as failure:
        yield error("database_reach", where, reason=getattr(failure, "orig", None) or failure)
    finally:
        database.close()


def _schema(connection: Connection, where: str) -> Iterator[Finding]:
    found = found_version(connection, where)
    if found == HEAD:
        yield good("database_schema", where, found=found)
    elif found == EMPTY:
        yield note("database_none", where)
    else:
        yield error("database_schema", where, found=found, wanted=HEAD)


def _server(connection: Connection, where: str) -> Iterator[Finding]:
    def said(query: str) -> str:
        return str(connection.execute(text(query)).scalar())

    shown, number = said("show server_version"), int(said("show server_version_num"))
    yield (
        good("database_version", where, version=shown)
        if number >= SERVER_MIN
        else warning("database_version", where, version=shown)
    )
    apart_s = time.time() - float(said("select extract(epoch from clock_timestamp())"))
    clock = {"seconds": f"{apart_s:+.1f}"}
    is_right = abs(apart_s) <= CLOCK_S_MAX
    yield good("database_clock", where, **clock) if is_right else error("database_clock", where, **clock)
    off = [name for name in MUST_BE_ON if said(f"show {name}") != "on"]
    if said("show synchronous_commit") == "off":
        off.append("synchronous_commit")
    yield error("database_durable", where, names=", ".join(off)) if off else good("database_durable", where)
