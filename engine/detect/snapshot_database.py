"""Snapshots of detectors in the database of a cluster: whole or not there, and written only by whoever has the partition.

Each piece of a state is an edition of its own, in chunks. The edition that the snapshot's row names is the index: size,
checksum and edition of every piece. A piece that did not change keeps its edition from one snapshot to the next.
"""

import struct
import uuid
import zlib
from collections.abc import Iterable, Mapping
from typing import Any

import orjson
from sqlalchemy import Connection, Row, select
from sqlalchemy.dialects import postgresql, sqlite

from engine.cluster.tables import snapshot as head
from engine.cluster.tables import snapshot_chunk as chunk
from engine.database.database import Database
from engine.detect.snapshot import State
from engine.detect.snapshot_store import BaseLostError, Snapshot, SnapshotUnusableError
from engine.log.errors import FencedError

CHUNK_BYTES = 4 << 20
EDITIONS_MAX = 500
"""Editions of one statement."""

HEAD = ""
"""The name of the head in the index; no piece has it."""

Index = dict[str, tuple[str, int, int]]
"""By piece: its edition, size and CRC-32."""

NOTHING = {"next_offset": -1, "size": 0, "crc": 0, "edition": ""}


class SnapshotDatabase:
    """The protocol `engine.detect.snapshot_store.Snapshots` on a database that all workers share.

    A state follows from the log alone, so one that goes further is never wrong; what is refused is a worker that does not
    know that its partitions have moved. DatabaseUnavailableError (an OSError) where the database cannot be reached.
    """

    def __init__(self, db: Database, *, chunk_bytes: int = CHUNK_BYTES) -> None:
        self._db = db
        self._chunk_bytes = chunk_bytes

    def name(self, partition: int) -> str:
        """What messages call it."""
        return f"{self._db.place}: snapshot {_key(partition)}"

    def take_over(self, partition: int, generation: int) -> None:
        """From now on whoever has an older generation may not write; FencedError if this one is older itself."""
        with self._db.write() as connection:
            held = _locked(connection, partition)
            self._refuse_older(partition, held, generation)
            connection.execute(head.update().where(head.c.name == held.name).values(generation=generation))

    def begin_anew(self, partition: int, generation: int) -> None:
        """As `take_over`, where the group counts from the beginning again: whoever is sure of that asks for it."""
        with self._db.write() as connection:
            held = _locked(connection, partition)
            connection.execute(head.update().where(head.c.name == held.name).values(generation=generation))

    def read(self, partition: int) -> Snapshot | None:
        """The snapshot, None if there is none; SnapshotUnusableError if it is damaged."""
        with self._db.read() as connection:
            held = connection.execute(select(head).where(head.c.name == _key(partition))).first()
            if held is None or held.next_offset < 0:
                return None
            place = self.name(partition)
            index = _index(connection, held, place)
            pieces = {name: _sound(_body(connection, row[0]), row[1], row[2], place) for name, row in index.items()}
        return Snapshot(next_offset=held.next_offset, state=State(head=pieces.pop(HEAD), pieces=pieces))

    def write(self, partition: int, snapshot: Snapshot, generation: int = 0) -> None:
        """Write the snapshot, in one transaction; OSError leaves the old one.

        BaseLostError, an OSError, where the snapshot that it changes is not there. FencedError leaves the old one too:
        somebody with a newer generation, or a state that goes further, was here.
        """
        with self._db.write() as connection:
            held = _locked(connection, partition)
            self._refuse_older(partition, held, generation)
            if held.next_offset > snapshot.next_offset:
                reason = f"goes up to offset {held.next_offset}, this one to {snapshot.next_offset}"
                raise FencedError(f"{self.name(partition)}: {reason}: another worker has the partition")
            before = _readable(connection, held)
            index = {} if snapshot.state.whole else self._base(connection, held, partition, snapshot.base)
            for name, body in {HEAD: snapshot.state.head, **snapshot.state.pieces}.items():
                index[name] = self._add(connection, body), len(body), zlib.crc32(body)
            index = {name: row for name, row in index.items() if row[1] or name == HEAD}
            text = orjson.dumps(index)
            connection.execute(
                head.update()
                .where(head.c.name == held.name)
                .values(
                    generation=generation,
                    next_offset=snapshot.next_offset,
                    size=len(text),
                    crc=_crc(snapshot.next_offset, text),
                    edition=self._add(connection, text),
                    written_ms=self._db.clock(connection),
                )
            )
            _forget(connection, {held.edition, *_editions(before)} - _editions(index))

    def set_aside(self, partition: int) -> str:
        """Keep a snapshot that cannot be used where somebody may look at it; the name of that. One a partition is kept."""
        aside = f"{_key(partition)}.unusable"
        with self._db.write() as connection:
            held = _locked(connection, partition)
            last = connection.execute(select(head).where(head.c.name == aside)).first()
            if last is not None:
                _forget(connection, {last.edition, *_editions(_readable(connection, last))})
            connection.execute(head.delete().where(head.c.name == aside))
            connection.execute(head.insert().values({**held._mapping, "name": aside}))
            connection.execute(head.update().where(head.c.name == held.name).values(NOTHING))
        return aside

    def _add(self, connection: Connection, body: bytes) -> str:
        """Put a body down; its edition."""
        edition, step = uuid.uuid4().hex, self._chunk_bytes
        for number, at in enumerate(range(0, len(body), step)):
            connection.execute(chunk.insert().values(edition=edition, number=number, body=body[at : at + step]))
        return edition

    def _base(self, connection: Connection, held: Row[Any], partition: int, base: int | None) -> Index:
        """The index of the snapshot that another one changes."""
        place = self.name(partition)
        if held.next_offset != base:
            raise BaseLostError(f"{place}: expected one up to offset {base} to go on from, found {held.next_offset}")
        try:
            return _index(connection, held, place)
        except SnapshotUnusableError as error:
            raise BaseLostError(str(error)) from error

    def _refuse_older(self, partition: int, held: Row[Any], generation: int) -> None:
        if held.generation > generation:
            reason = f"is of generation {held.generation}, this worker's is {generation}"
            raise FencedError(f"{self.name(partition)}: {reason}: another worker has the partition")


def _key(partition: int) -> str:
    return f"frames-{partition}"


def _locked(connection: Connection, partition: int) -> Row[Any]:
    """The row of a partition, made if there is none: nobody else changes it until the transaction ends."""
    insert = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    fresh = {"name": _key(partition), "generation": 0, "written_ms": 0, **NOTHING}
    connection.execute(insert(head).values(fresh).on_conflict_do_nothing())
    return connection.execute(select(head).where(head.c.name == _key(partition)).with_for_update()).one()


def _body(connection: Connection, edition: str) -> bytes:
    rows = select(chunk.c.body).where(chunk.c.edition == edition).order_by(chunk.c.number)
    return b"".join(connection.execute(rows).scalars())


def _index(connection: Connection, held: Row[Any], place: str) -> Index:
    """What the snapshot of a row consists of; SnapshotUnusableError if it is damaged."""
    text = _body(connection, held.edition)
    if len(text) != held.size:
        raise SnapshotUnusableError(f"{place}: expected {held.size} bytes of its index, got {len(text)}")
    if _crc(held.next_offset, text) != held.crc:
        raise SnapshotUnusableError(f"{place}: its checksum is wrong")
    index: Index = orjson.loads(text)
    return index


def _readable(connection: Connection, held: Row[Any]) -> Index:
    """The index as far as it can be read: to clear away what was damaged."""
    try:
        found: Index = orjson.loads(_body(connection, held.edition))
    except orjson.JSONDecodeError:
        return {}
    return found


def _editions(index: Mapping[str, Iterable[Any]]) -> set[str]:
    return {edition for edition, *_ in index.values()}


def _sound(body: bytes, size: int, crc: int, place: str) -> bytes:
    if len(body) != size:
        raise SnapshotUnusableError(f"{place}: expected {size} bytes of state, got {len(body)}")
    if zlib.crc32(body) != crc:
        raise SnapshotUnusableError(f"{place}: its checksum is wrong")
    return body


def _forget(connection: Connection, editions: set[str]) -> None:
    gone = sorted(editions)
    for at in range(0, len(gone), EDITIONS_MAX):
        connection.execute(chunk.delete().where(chunk.c.edition.in_(gone[at : at + EDITIONS_MAX])))


def _crc(next_offset: int, index: bytes) -> int:
    return zlib.crc32(index, zlib.crc32(struct.pack("<q", next_offset)))
