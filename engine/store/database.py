"""The files of a local store: `store.db` and the folder of sealed days."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from engine.stages import Retry
from engine.store.letters import SCHEMA as LETTERS_SCHEMA
from engine.store.sqlite import NEVER, Connection, Error, connect, transaction
from engine.store.table import READINGS, VERDICTS
from rules.calendar import Calendar

RETRY_S = 5.0
VERSION = 1
SCHEMA = f"""
{READINGS.create};
{VERDICTS.create};
CREATE TABLE rule (number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE);
CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL);
{LETTERS_SCHEMA}"""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreFiles:
    """An open store."""

    path: Path
    folder: Path  # <table>/<local day>.parquet
    db: Connection
    calendar: Calendar  # by whose days it is cut; settled when it was made


def open_store(data_dir: Path, *, zone: str = "Asia/Shanghai", readonly: bool = False) -> StoreFiles:
    """Open the store of a data directory; StoreError where that cannot be. `zone` counts when it is made anew."""
    path = data_dir / "store.db"
    db = connect(path, schema=SCHEMA, version=VERSION, readonly=readonly)
    if not readonly:
        db.execute("INSERT OR IGNORE INTO meta VALUES ('zone', ?)", (zone,))
    (settled,) = db.execute("SELECT value FROM meta WHERE name = 'zone'").fetchone()
    return StoreFiles(path=path, folder=data_dir / "sealed", db=db, calendar=Calendar(settled))


def attempt(files: StoreFiles, work: Callable[[], None]) -> Retry | None:
    """Do work in one transaction; None when it is on disk. An error that would come again is raised."""
    try:
        with transaction(files.db):
            work()
    except NEVER:
        raise
    except Error as error:
        return Retry(reason=f"{files.path}: {error}; expected a disk that can be written", after_s=RETRY_S)
    return None
