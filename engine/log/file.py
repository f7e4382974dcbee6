"""The SQLite file of a log: its version, its settings, its tables, and how a record's place becomes a row number."""

import contextlib
import struct
import zlib
from pathlib import Path

from pysqlite3 import dbapi2 as sqlite

from engine.log.errors import LogError
from engine.log.record import Topic

SQLITE_MIN = (3, 51, 3)
"""Versions below it can corrupt a write-ahead log when two connections reset it at once."""

MAGIC = b"SQLite format 3\0"
FORMAT = 1
OFFSET_BITS = 40
WAL_PAGES = 4000

Place = tuple[Topic, int]
"""(topic, partition)."""

SCHEMA = """
create table partition (
  no integer primary key,       -- the high bits of the slots of its records
  topic text not null,
  partition integer not null,
  first integer not null,       -- offset of the first record kept
  next integer not null,        -- offset the next record gets
  before_ms integer not null,   -- log time of the record before the first kept one
  last_ms integer not null,     -- log time of the last record
  unique (topic, partition)
);
create table record (
  slot integer primary key,     -- partition.no << 40 | offset
  log_ms integer not null,
  kind blob not null,
  crc integer not null,         -- of everything else in the row but upto
  upto integer not null,        -- bytes of this and all earlier bodies of the partition
  key blob not null,
  body blob not null
);
create index control on record (slot) where kind = x'43';
create table group_offset (name text, no integer, next integer not null, primary key (name, no)) without rowid;
"""


def check_version(version: tuple[int, ...] = sqlite.sqlite_version_info) -> None:
    """Refuse a SQLite library with the bug.

    >>> check_version((3, 53, 4))
    >>> check_version((3, 40, 1))
    Traceback (most recent call last):
    engine.log.errors.LogError: SQLite 3.40.1 can corrupt a log: expected 3.51.3 or newer (bundled with pysqlite3)
    """
    if version < SQLITE_MIN:
        found, least = (".".join(map(str, v)) for v in (version, SQLITE_MIN))
        raise LogError(f"SQLite {found} can corrupt a log: expected {least} or newer (bundled with pysqlite3)")


def slot_of(no: int, offset: int) -> int:
    """The row number of a record."""
    return no << OFFSET_BITS | offset


def offset_of(slot: int) -> int:
    """The offset in a row number."""
    return slot & ((1 << OFFSET_BITS) - 1)


def checksum(slot: int, log_ms: int, kind: bytes, key: bytes, body: bytes) -> int:
    """CRC-32 of a record and of the place where it stands."""
    return zlib.crc32(body, zlib.crc32(key, zlib.crc32(struct.pack("<qqc", slot, log_ms, kind))))


def open_writer(file: Path, partitions: int) -> sqlite.Connection:
    """Open or make the file for the one process that writes it. LogError says what is wrong with it."""
    check_version()
    try:
        db = sqlite.connect(str(file), isolation_level=None, check_same_thread=False)
        db.execute("pragma journal_mode = wal")
        db.execute("pragma synchronous = full")
        db.execute(f"pragma wal_autocheckpoint = {WAL_PAGES}")
        db.execute(f"pragma journal_size_limit = {4 * WAL_PAGES * 4096}")
        _make(db, partitions)
        _merge(db)
        _agree(db, file, partitions)
    except sqlite.DatabaseError as error:
        raise LogError(f"{file}: cannot be opened as a log: {error}") from error
    return db


def open_reader(file: Path) -> sqlite.Connection:
    """Open the file to read it, from any process, while another writes it or nobody does.

    A file cut short opens too: what is left of it can be read.
    """
    check_version()
    if not file.is_file():
        raise LogError(f"{file}: expected the file of a log, there is none")
    for options in ("mode=ro", "mode=ro&immutable=1"):
        uri = f"{file.resolve().as_uri()}?{options}"
        db = sqlite.connect(uri, uri=True, isolation_level=None, check_same_thread=False)
        try:
            db.execute("pragma writable_schema = on")  # lets SQLite open a file that is shorter than its header says
            db.execute("select count(*) from partition").fetchone()
        except sqlite.DatabaseError as error:
            db.close()
            reason = error
        else:
            return db
        if _has_unmerged_wal(file):  # ignoring it would hide records
            break
    raise LogError(f"{file}: cannot be read as a log: {reason}")


def missing_pages(file: Path) -> int:
    """How many pages a file lacks against what its header says (0 while a write-ahead log stands beside it)."""
    with file.open("rb") as stream:
        head = stream.read(32)
    if len(head) < 32 or not head.startswith(MAGIC) or _has_unmerged_wal(file):
        return 0
    size, pages = (int(x) for x in struct.unpack(">16xH10xI", head))
    return max(0, pages - file.stat().st_size // max(size, 512))


def places(db: sqlite.Connection) -> dict[Place, int]:
    """Number of each partition."""
    rows = db.execute("select no, topic, partition from partition")
    return {(Topic(topic), partition): no for no, topic, partition in rows}


def check_ends(db: sqlite.Connection, file: Path) -> None:
    """Raise LogError if a partition holds records behind its stated end: without this they would be lost in silence."""
    newest = "select max(slot) from record where slot >= no << 40 and slot < (no + 1) << 40"
    try:
        rows = db.execute(f"select topic, partition, next, ({newest}) from partition").fetchall()
    except sqlite.DatabaseError:  # a damaged page: reported when its records are read
        return
    for topic, partition, next_, slot in rows:
        if slot is not None and offset_of(slot) >= next_:
            reason = f"expected no record from offset {next_} on, found {offset_of(slot)}: its end is damaged"
            raise LogError(f"{file}: {topic}/{partition}: {reason}")


def _has_unmerged_wal(file: Path) -> bool:
    wal = file.with_name(file.name + "-wal")
    return wal.exists() and wal.stat().st_size > 0


def _make(db: sqlite.Connection, partitions: int) -> None:
    if db.execute("pragma user_version").fetchone()[0]:
        return
    rows = [(topic.value, p) for topic in Topic for p in range(partitions)]
    db.execute("begin immediate")
    for statement in SCHEMA.split(";"):
        db.execute(statement)
    db.executemany("insert into partition values (null, ?, ?, 0, 0, 0, 0)", rows)
    db.execute(f"pragma user_version = {FORMAT}")
    db.execute("commit")


def _merge(db: sqlite.Connection) -> None:
    """Bring what a killed process left beside the file into it."""
    with contextlib.suppress(sqlite.OperationalError):  # a full disk: the rest stays beside the file, and counts
        db.execute("pragma wal_checkpoint(truncate)")


def _agree(db: sqlite.Connection, file: Path, partitions: int) -> None:
    version = db.execute("pragma user_version").fetchone()[0]
    if version != FORMAT:
        raise LogError(f"{file}: format {version}, expected {FORMAT}: made by a newer version of Outfall")
    found = max(partition for _, partition in places(db)) + 1
    if found != partitions:
        reason = f"{file}: has {found} partitions, the settings say {partitions}"
        raise LogError(f"{reason}; the number is chosen once, when the data directory is made")
