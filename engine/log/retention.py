"""What a log may forget: the oldest records of a partition, once nobody needs them any more."""

from dataclasses import dataclass

from pysqlite3 import dbapi2 as sqlite

from engine.log.file import Place, checksum, offset_of, slot_of
from engine.log.record import Control, ControlKind, RecordKind, Topic
from engine.log.row import COLUMNS, record_of

CHUNK = 200
"""Records deleted in one transaction: senders wait for it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Keep:
    """What must stay, whatever its age, and what may go."""

    needed: dict[Place, int]  # lowest offset that somebody still needs; a partition that is not named loses nothing
    older_than_ms: int | None = None  # log time; records at or after it stay
    bytes_max: int | None = None  # bodies of one partition beyond these may go


def cut(db: sqlite.Connection, keep: Keep) -> int:
    """Delete up to `CHUNK` records a partition; how many went. 0: nothing more to do. Runs in the writer's transaction.

    A cut partition of FRAMES begins with the registry and the rule set that were in force at the cut, in place of the
    last records that went: the rest of the log can be judged by itself.
    """
    gone = 0
    partitions = db.execute("select topic, partition, no, first, next from partition").fetchall()
    for topic, partition, no, first, end in partitions:
        needed = keep.needed.get((Topic(topic), partition))
        if needed is None:
            continue
        stop = min(_groups_need(db, no, needed), end, first + CHUNK)
        by_age = _older(db, no, first, stop, keep.older_than_ms)
        by_size = _beyond(db, no, (first, stop, end), keep.bytes_max)
        target = max(by_age, by_size)
        carried = _controls(db, no, first, target) if topic == Topic.FRAMES else []
        if target - len(carried) > first:
            _delete(db, no, first, target, carried)
            gone += target - len(carried) - first
    return gone


def _groups_need(db: sqlite.Connection, no: int, needed: int) -> int:
    lowest = db.execute("select min(next) from group_offset where no = ?", (no,)).fetchone()[0]
    return needed if lowest is None else min(needed, lowest)


def _older(db: sqlite.Connection, no: int, first: int, stop: int, older_than_ms: int | None) -> int:
    """The first offset in [first, stop] that is not older."""
    if older_than_ms is None:
        return first
    query = "select slot from record where slot >= ? and slot < ? and log_ms >= ? order by slot limit 1"
    row = db.execute(query, (slot_of(no, first), slot_of(no, stop), older_than_ms)).fetchone()
    return offset_of(row[0]) if row else stop


def _beyond(db: sqlite.Connection, no: int, bounds: tuple[int, int, int], bytes_max: int | None) -> int:
    """The first offset in [first, stop] from which the bodies up to `end` fit into `bytes_max`."""
    first, stop, end = bounds
    last = db.execute("select upto from record where slot = ?", (slot_of(no, end - 1),)).fetchone()
    if bytes_max is None or last is None:
        return first
    query = "select slot from record where slot >= ? and slot < ? and upto - length(body) >= ? order by slot limit 1"
    row = db.execute(query, (slot_of(no, first), slot_of(no, stop), last[0] - bytes_max)).fetchone()
    return offset_of(row[0]) if row else stop


def _controls(db: sqlite.Connection, no: int, first: int, target: int) -> list[bytes]:
    """Bodies of the last registry and rule set in [first, target), in log order."""
    query = f"select {COLUMNS} from record where kind = x'43' and slot >= ? and slot < ? order by slot desc"
    found: dict[ControlKind, bytes] = {}
    for row in db.execute(query, (slot_of(no, first), slot_of(no, target))):
        record = record_of((Topic.FRAMES, 0), row)
        kind = Control.decode(record.body).kind if record else None
        if record and kind in (ControlKind.REGISTRY, ControlKind.RULES):
            found.setdefault(kind, record.body)
    return list(reversed(found.values()))


def _delete(db: sqlite.Connection, no: int, first: int, target: int, carried: list[bytes]) -> None:
    start = target - len(carried)
    before_ms = _ms_at(db, no, start - 1)
    kind = RecordKind.CONTROL.value
    for offset, body in enumerate(carried, start):
        slot, log_ms = slot_of(no, offset), _ms_at(db, no, offset)
        row = (kind, checksum(slot, log_ms, kind, b"", body), b"", body, log_ms, slot)
        db.execute("update record set kind = ?, crc = ?, key = ?, body = ?, log_ms = ? where slot = ?", row)
    db.execute("delete from record where slot >= ? and slot < ?", (slot_of(no, first), slot_of(no, start)))
    db.execute("update partition set first = ?, before_ms = ? where no = ?", (start, before_ms, no))


def _ms_at(db: sqlite.Connection, no: int, offset: int) -> int:
    """Log time of the record at an offset; of the one before it where damage took that."""
    query = "select log_ms from record where slot >= ? and slot <= ? order by slot desc limit 1"
    row = db.execute(query, (slot_of(no, 0), slot_of(no, offset))).fetchone()
    return int(row[0]) if row else 0
