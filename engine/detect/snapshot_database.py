"""Snapshots of detectors in the database of a cluster: whole or not there, and written only by whoever has the partition."""

import struct
import uuid
import zlib
from collections.abc import Iterator
from typing import Any

from sqlalchemy import Connection, Row, select
from sqlalchemy.dialects import postgresql, sqlite

from engine.cluster.tables import snapshot as head
from engine.cluster.tables import snapshot_chunk as chunk
from engine.database.database import Database
from engine.detect.snapshot_store import Snapshot, SnapshotUnusableError
from engine.log.errors import FencedError

CHUNK_BYTES = 4 << 20
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

    def read(self, partition: int) -> Snapshot | None:
        """The snapshot, None if there is none; SnapshotUnusableError if it is damaged."""
        with self._db.read() as connection:
            held = connection.execute(select(head).where(head.c.name == _key(partition))).first()
            if held is None or held.next_offset < 0:
                return None
            state = b"".join(_chunks(connection, held.edition))
        if len(state) != held.size:
            reason = f"expected {held.size} bytes of state, got {len(state)}"
            raise SnapshotUnusableError(f"{self.name(partition)}: {reason}")
        found = Snapshot(next_offset=held.next_offset, state=state)
        if _crc(found) != held.crc:
            raise SnapshotUnusableError(f"{self.name(partition)}: its checksum is wrong")
        return found

    def write(self, partition: int, snapshot: Snapshot, generation: int = 0) -> None:
        """Replace the snapshot, in one transaction; OSError leaves the old one.

        FencedError leaves it too: somebody with a newer generation, or a state that goes further, was here.
        """
        size, step = len(snapshot.state), self._chunk_bytes
        edition = uuid.uuid4().hex
        with self._db.write() as connection:
            held = _locked(connection, partition)
            self._refuse_older(partition, held, generation)
            if held.next_offset > snapshot.next_offset:
                reason = f"goes up to offset {held.next_offset}, this one to {snapshot.next_offset}"
                raise FencedError(f"{self.name(partition)}: {reason}: another worker has the partition")
            for number, at in enumerate(range(0, size, step)):
                body = snapshot.state[at : at + step]
                connection.execute(chunk.insert().values(edition=edition, number=number, body=body))
            connection.execute(
                head.update()
                .where(head.c.name == held.name)
                .values(
                    generation=generation,
                    next_offset=snapshot.next_offset,
                    size=size,
                    crc=_crc(snapshot),
                    edition=edition,
                    written_ms=self._db.clock(connection),
                )
            )
            connection.execute(chunk.delete().where(chunk.c.edition == held.edition))

    def set_aside(self, partition: int) -> str:
        """Keep a snapshot that cannot be used where somebody may look at it; the name of that. One a partition is kept."""
        aside = f"{_key(partition)}.unusable"
        with self._db.write() as connection:
            held = _locked(connection, partition)
            last = select(head.c.edition).where(head.c.name == aside)
            connection.execute(chunk.delete().where(chunk.c.edition.in_(last)))
            connection.execute(head.delete().where(head.c.name == aside))
            connection.execute(head.insert().values({**held._mapping, "name": aside}))
            connection.execute(head.update().where(head.c.name == held.name).values(NOTHING))
        return aside

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


def _chunks(connection: Connection, edition: str) -> Iterator[bytes]:
    """One after the other: never all of them twice in memory."""
    numbers = select(chunk.c.number).where(chunk.c.edition == edition).order_by(chunk.c.number)
    for number in connection.execute(numbers).scalars().all():
        one = select(chunk.c.body).where(chunk.c.edition == edition, chunk.c.number == number)
        yield connection.execute(one).scalar_one()


def _crc(snapshot: Snapshot) -> int:
    return zlib.crc32(snapshot.state, zlib.crc32(struct.pack("<q", snapshot.next_offset)))
