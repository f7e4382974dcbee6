"""Snapshots in files: each holds what changed, all together hold the state, and none is used when a byte is wrong."""

import resource
import signal
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

from engine.detect import snapshot_store
from engine.detect.snapshot import State
from engine.detect.snapshot_store import BaseLostError, Snapshot, SnapshotStore, SnapshotUnusableError


def whole(offset: int, head: bytes, pieces: Mapping[str, bytes] | None = None) -> Snapshot:
    return Snapshot(next_offset=offset, state=State(head=head, pieces=pieces or {}))


def change(base: int, offset: int, head: bytes, pieces: Mapping[str, bytes]) -> Snapshot:
    return Snapshot(next_offset=offset, state=State(head=head, pieces=pieces, whole=False), base=base)


def kept(store: SnapshotStore) -> tuple[int, bytes, dict[str, bytes]]:
    """What a host that starts now finds."""
    found = SnapshotStore(store.folder).read(0)
    assert found is not None
    return found.next_offset, found.state.head, dict(found.state.pieces)


@pytest.fixture
def store(tmp_path: Path) -> SnapshotStore:
    return SnapshotStore(tmp_path)


def test_what_is_not_named_stays_what_is_empty_goes(store: SnapshotStore) -> None:
    store.write(0, whole(5, b"one", {"a": b"A", "b": b"B"}))
    store.write(0, change(5, 9, b"two", {"b": b"", "c": b"C"}))
    assert kept(store) == (9, b"two", {"a": b"A", "c": b"C"})
    store.write(0, whole(12, b"three", {"d": b"D"}))
    assert kept(store) == (12, b"three", {"d": b"D"})
    assert store.read(1) is None


def test_a_new_process_goes_on_with_the_file_that_it_read(store: SnapshotStore) -> None:
    store.write(0, whole(5, b"one", {"a": b"A"}))
    other = SnapshotStore(store.folder)
    other.read(0)
    other.write(0, change(5, 7, b"two", {"b": b"B"}))
    assert kept(store) == (7, b"two", {"a": b"A", "b": b"B"})


def test_a_file_that_is_mostly_out_of_date_is_written_anew(store: SnapshotStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(snapshot_store, "SPARE_BYTES", 5000)
    store.write(0, whole(0, b"head", {"old": b"o" * 1000, "new": b""}))
    sizes = []
    for offset in range(1, 40):
        store.write(0, change(offset - 1, offset, b"head", {"new": b"%04d" % offset * 250}))
        sizes.append(store.file(0).stat().st_size)
        assert kept(store) == (offset, b"head", {"old": b"o" * 1000, "new": b"%04d" % offset * 250})
    assert max(sizes) < 9000


def test_changes_to_a_snapshot_that_is_not_there_are_refused(store: SnapshotStore) -> None:
    with pytest.raises(BaseLostError, match="expected a snapshot up to offset 5 to go on from"):
        store.write(0, change(5, 9, b"x", {}))
    store.write(0, whole(6, b"one"))
    with pytest.raises(BaseLostError):
        store.write(0, change(5, 9, b"x", {}))
    store.file(0).unlink()
    with pytest.raises(BaseLostError):
        store.write(0, change(6, 9, b"x", {}))


Damage = Callable[[bytes], bytes]

FIRST: dict[str, tuple[Damage, str]] = {
    "a flipped byte": (lambda content: content[:-1] + bytes([content[-1] ^ 1]), "its checksum is wrong"),
    "another offset": (lambda content: content[:8] + b"\1" + content[9:], "its checksum is wrong"),
    "a missing end": (lambda content: content[:-2], r"expected \d+ bytes of state, got \d+"),
    "nothing in it": (lambda content: b"", "expected a snapshot, got 0 bytes of something else"),
    "something else": (lambda content: b"x" * 50, "expected a snapshot, got 50 bytes of something else"),
}


@pytest.mark.parametrize(("damage", "message"), FIRST.values(), ids=FIRST)
def test_a_damaged_snapshot_is_never_used(store: SnapshotStore, damage: Damage, message: str) -> None:
    store.write(0, whole(5, b"state"))
    store.file(0).write_bytes(damage(store.file(0).read_bytes()))
    with pytest.raises(SnapshotUnusableError, match=rf"{store.file(0)}: {message}"):
        store.read(0)


def test_a_snapshot_that_a_crash_cut_off_anywhere_leaves_the_one_before(store: SnapshotStore) -> None:
    store.write(0, whole(5, b"one", {"a": b"A"}))
    first = store.file(0).stat().st_size
    store.write(0, change(5, 9, b"two", {"a": b"a", "b": b"B"}))
    content = store.file(0).read_bytes()
    for end in range(first, len(content)):
        for tail in (b"", b"\0" * (len(content) - end)):  # cut off, or its place kept and not its bytes
            store.file(0).write_bytes(content[:end] + tail)
            assert kept(store) == (5, b"one", {"a": b"A"})
        again = SnapshotStore(store.folder)
        again.read(0)
        again.write(0, change(5, 8, b"else", {"c": b"C"}))
        assert kept(store) == (8, b"else", {"a": b"A", "c": b"C"})


def test_a_piece_that_was_damaged_later_is_noticed_when_it_is_asked_for(store: SnapshotStore) -> None:
    store.write(0, whole(5, b"one", {"a": b"AAAA"}))
    store.write(0, change(5, 9, b"two", {}))
    store.file(0).write_bytes(store.file(0).read_bytes().replace(b"AAAA", b"AAAB"))
    with pytest.raises(SnapshotUnusableError, match="its checksum is wrong, at a"):
        kept(store)


@contextmanager
def no_room(size: int) -> Iterator[None]:
    """Files may grow to so many bytes: what a full disk does, without one. Also that to which the tests' output goes."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, ignored)


def test_a_snapshot_that_finds_no_room_leaves_the_one_before(store: SnapshotStore) -> None:
    store.write(0, whole(5, b"one", {"a": b"A"}))
    for snapshot in (change(5, 9, b"two", {"b": b"B" * 5000}), whole(9, b"two", {"b": b"B" * 5000})):
        with no_room(2000), pytest.raises(OSError, match="File too large"):
            store.write(0, snapshot)
        assert kept(store) == (5, b"one", {"a": b"A"})
    store.write(0, change(5, 7, b"small", {}))
    assert kept(store) == (7, b"small", {"a": b"A"})
