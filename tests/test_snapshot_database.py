"""Snapshots in the database: whole or not there, and only from whoever has the partition."""

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import Connection, func, select

from engine.cluster.tables import snapshot as head
from engine.cluster.tables import snapshot_chunk as chunk
from engine.database.database import Database
from engine.database.open import open_database
from engine.detect.snapshot import State
from engine.detect.snapshot_database import SnapshotDatabase
from engine.detect.snapshot_store import BaseLostError, Snapshot, SnapshotUnusableError
from engine.log.errors import FencedError
from tests.database_places import Places

STATE = bytes(range(256)) * 100


@pytest.fixture
def db(places: Places) -> Iterator[Database]:
    found = open_database(places())
    yield found
    found.close()


def kept(db: Database) -> SnapshotDatabase:
    """In small chunks, so that there are many."""
    return SnapshotDatabase(db, chunk_bytes=1000)


def chunks(db: Database) -> int:
    with db.read() as connection:
        return connection.execute(select(func.count()).select_from(chunk)).scalar_one()


def at(offset: int, head: bytes = STATE, pieces: Mapping[str, bytes] | None = None) -> Snapshot:
    return Snapshot(next_offset=offset, state=State(head=head, pieces=pieces or {}))


def change(base: int, offset: int, head: bytes, pieces: Mapping[str, bytes]) -> Snapshot:
    return Snapshot(next_offset=offset, state=State(head=head, pieces=pieces, whole=False), base=base)


def test_a_snapshot_comes_back_as_it_was_and_takes_the_place_of_the_one_before(db: Database) -> None:
    snapshots = kept(db)
    assert snapshots.read(3) is None
    for snapshot in (at(0), at(7, STATE[:999]), at(7, b""), at(9, STATE[:1000]), at(10)):
        snapshots.write(3, snapshot)
        assert snapshots.read(3) == snapshot
        assert chunks(db) == -(-len(snapshot.state.head) // 1000) + 1  # and the index
    assert snapshots.read(2) is None


def test_what_is_not_named_stays_what_is_empty_goes(db: Database) -> None:
    snapshots = kept(db)
    snapshots.write(0, at(5, b"one", {"a": b"A" * 5000, "b": b"B" * 5000}))
    assert chunks(db) == 12
    snapshots.write(0, change(5, 9, b"two", {"b": b"", "c": b"C"}))
    assert snapshots.read(0) == at(9, b"two", {"a": b"A" * 5000, "c": b"C"})
    assert chunks(db) == 8
    snapshots.write(0, at(12, b"three", {"d": b"D"}))
    assert snapshots.read(0) == at(12, b"three", {"d": b"D"})
    assert chunks(db) == 3


def test_changes_to_a_snapshot_that_is_not_there_are_refused(db: Database) -> None:
    snapshots = kept(db)
    with pytest.raises(BaseLostError, match="expected one up to offset 5 to go on from, found -1"):
        snapshots.write(0, change(5, 9, b"x", {}))
    snapshots.write(0, at(6, b"one"))
    with pytest.raises(BaseLostError):
        snapshots.write(0, change(5, 9, b"x", {}))
    with db.write() as connection:
        _lose_the_index(connection)
    with pytest.raises(BaseLostError):
        snapshots.write(0, change(6, 9, b"x", {}))


def test_partitions_have_snapshots_of_their_own(db: Database) -> None:
    snapshots = kept(db)
    for partition in range(3):
        snapshots.write(partition, at(partition, bytes([partition]) * 3000))
    assert [snapshots.read(p) for p in range(3)] == [at(p, bytes([p]) * 3000) for p in range(3)]


def test_who_has_an_older_generation_writes_nothing(db: Database) -> None:
    snapshots = kept(db)
    snapshots.write(0, at(5), 1)
    snapshots.take_over(0, 2)
    with pytest.raises(FencedError, match="is of generation 2, this worker's is 1: another worker has the partition"):
        snapshots.write(0, at(900), 1)
    assert snapshots.read(0) == at(5)
    snapshots.write(0, at(6), 2)
    snapshots.write(0, at(7), 3)
    with pytest.raises(FencedError, match="is of generation 3, this worker's is 2"):
        snapshots.take_over(0, 2)


def test_who_does_not_go_as_far_writes_nothing(db: Database) -> None:
    snapshots = kept(db)
    snapshots.write(0, at(5), 4)
    with pytest.raises(FencedError, match="goes up to offset 5, this one to 4: another worker has the partition"):
        snapshots.write(0, at(4), 9)
    snapshots.write(0, at(5, b"the same offset again"), 4)
    assert snapshots.read(0) == at(5, b"the same offset again")


def test_who_takes_an_empty_partition_over_fences_those_before_too(db: Database) -> None:
    snapshots = kept(db)
    snapshots.take_over(0, 8)
    assert snapshots.read(0) is None
    with pytest.raises(FencedError, match="generation 8"):
        snapshots.write(0, at(5), 7)
    snapshots.write(0, at(5), 8)


def _lose_a_chunk(connection: Connection) -> None:
    connection.execute(chunk.delete().where(chunk.c.number == 1))


def _lose_the_index(connection: Connection) -> None:
    connection.execute(chunk.delete().where(chunk.c.edition.in_(select(head.c.edition))))


def _change_a_byte(connection: Connection) -> None:
    connection.execute(chunk.update().where(chunk.c.number == 1).values(body=b"x" * 1000))


def _change_the_offset(connection: Connection) -> None:
    connection.execute(head.update().values(next_offset=6))


DAMAGE: list[tuple[str, Callable[[Connection], None], str]] = [
    ("a chunk is missing", _lose_a_chunk, "frames-0: expected 25600 bytes of state, got 24600"),
    ("its index is missing", _lose_the_index, r"frames-0: expected \d+ bytes of its index, got 0"),
    ("a byte is wrong", _change_a_byte, "frames-0: its checksum is wrong"),
    ("the offset is wrong", _change_the_offset, "frames-0: its checksum is wrong"),
]


@pytest.mark.parametrize(("spoil", "message"), [d[1:] for d in DAMAGE], ids=[d[0] for d in DAMAGE])
def test_a_damaged_snapshot_is_never_used_and_can_be_set_aside(
    db: Database, spoil: Callable[[Connection], None], message: str
) -> None:
    snapshots = kept(db)
    snapshots.write(0, at(5), 2)
    with db.write() as connection:
        spoil(connection)
    with pytest.raises(SnapshotUnusableError, match=message):
        snapshots.read(0)
    assert snapshots.set_aside(0) == "frames-0.unusable"
    assert snapshots.read(0) is None
    with pytest.raises(FencedError):  # the generation stays
        snapshots.write(0, at(1), 1)
    snapshots.write(0, at(1), 2)
    assert snapshots.read(0) == at(1)
    snapshots.set_aside(0)
    assert chunks(db) <= 27 + 26  # of the last one that was set aside, and what nobody could find any more


def test_a_write_that_fails_midway_leaves_the_one_before(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    snapshots = kept(db)
    snapshots.write(0, at(5))

    def broken(_: Connection) -> int:
        raise OSError("the plug was pulled")

    monkeypatch.setattr(db, "clock", broken)
    with pytest.raises(OSError, match="plug"):
        snapshots.write(0, at(6, STATE * 2))
    assert snapshots.read(0) == at(5)
    assert chunks(db) == 27


def test_a_reader_gets_one_snapshot_whole_while_others_are_written(db: Database) -> None:
    snapshots = kept(db)
    snapshots.write(0, at(0, b"0" * 20_000))

    def write_many() -> None:
        for n in range(1, 20):
            snapshots.write(0, at(n, str(n % 10).encode() * 20_000))

    with ThreadPoolExecutor(1) as pool:
        writing = pool.submit(write_many)
        seen = []
        while not writing.done():
            found = snapshots.read(0)
            assert found is not None
            seen.append(found.next_offset)
            assert set(found.state.head) == {ord(str(found.next_offset % 10))}
        writing.result()
    assert seen == sorted(seen)
