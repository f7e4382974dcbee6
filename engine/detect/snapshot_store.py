"""Snapshots of detectors as files: whole or not there, and never used when a byte is wrong."""

import logging
import os
import struct
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Protocol

logger = logging.getLogger(__name__)

HEAD = struct.Struct("<8sqqI")
"""magic, next offset, bytes of state, CRC-32 of next offset and state."""

MAGIC = b"OUTFALL1"


class SnapshotUnusableError(ValueError):
    """A snapshot cannot be used. The message names the file, what was found and what was expected."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """State of a detector that contains every record below `next_offset`."""

    next_offset: int
    state: bytes


class Snapshots(Protocol):
    """Where the states of detectors are kept. OSError where they cannot be reached at the moment.

    A generation is that of the group of workers in which a partition was given to this one: 0 where there are no others.
    """

    def name(self, partition: int) -> str:
        """What messages call the snapshot of a partition."""

    def take_over(self, partition: int, generation: int) -> None:
        """From now on whoever has an older generation may not write; FencedError if this one is older itself."""

    def read(self, partition: int) -> Snapshot | None:
        """The snapshot, None if there is none; SnapshotUnusableError if it is damaged."""

    def write(self, partition: int, snapshot: Snapshot, generation: int = 0) -> None:
        """Replace the snapshot; OSError leaves the old one.

        FencedError leaves it too: somebody with a newer generation, or a state that goes further, was here.
        """

    def set_aside(self, partition: int) -> str:
        """Keep a snapshot that cannot be used where somebody may look at it; the name of that."""


class SnapshotStore:
    """For a host on its own log: `<folder>/frames-<partition>.snap`, one file a partition, replaced as a whole."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def file(self, partition: int) -> Path:
        """Where the snapshot of a partition stands."""
        return self.folder / f"frames-{partition}.snap"

    def name(self, partition: int) -> str:
        """The file."""
        return str(self.file(partition))

    def take_over(self, partition: int, generation: int) -> None:
        """Nobody else writes here."""

    def write(self, partition: int, snapshot: Snapshot, generation: int = 0) -> None:
        """Replace the snapshot; OSError leaves the old one. After a crash it is the old one or the new one."""
        self.folder.mkdir(exist_ok=True)
        file, draft = self.file(partition), self.file(partition).with_suffix(".tmp")
        head = HEAD.pack(MAGIC, snapshot.next_offset, len(snapshot.state), _crc(snapshot))
        with draft.open("wb") as stream:
            stream.write(head)
            stream.write(snapshot.state)
            stream.flush()
            os.fsync(stream.fileno())
        draft.rename(file)
        self._sync_folder()

    def read(self, partition: int) -> Snapshot | None:
        """The snapshot, None if there is none; SnapshotUnusableError if it is damaged."""
        file = self.file(partition)
        try:
            content = file.read_bytes()
        except FileNotFoundError:
            return None
        if len(content) < HEAD.size or not content.startswith(MAGIC):
            raise SnapshotUnusableError(f"{file}: expected a snapshot, got {len(content)} bytes of something else")
        _, next_offset, size, crc = HEAD.unpack_from(content)
        snapshot = Snapshot(next_offset=next_offset, state=content[HEAD.size :])
        if len(snapshot.state) != size:
            raise SnapshotUnusableError(f"{file}: expected {size} bytes of state, got {len(snapshot.state)}")
        if _crc(snapshot) != crc:
            raise SnapshotUnusableError(f"{file}: its checksum is wrong")
        return snapshot

    def set_aside(self, partition: int) -> str:
        """Keep a snapshot that cannot be used where somebody may look at it; the name of that."""
        file = self.file(partition)
        return file.rename(file.with_suffix(".unusable")).name

    def _sync_folder(self) -> None:
        folder = os.open(self.folder, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def _crc(snapshot: Snapshot) -> int:
    return zlib.crc32(snapshot.state, zlib.crc32(struct.pack("<q", snapshot.next_offset)))


def partition_of(file: Path) -> int:
    """The partition whose snapshot a file is.

    >>> partition_of(Path("snapshots/frames-3.snap"))
    3
    """
    return int(file.stem.removeprefix("frames-"))


def next_offset_of(stream: BinaryIO) -> int:
    """The offset up to which a snapshot goes, from its first bytes; SnapshotUnusableError where it is none."""
    head = stream.read(HEAD.size)
    if len(head) < HEAD.size or not head.startswith(MAGIC):
        raise SnapshotUnusableError(f"{stream.name}: expected a snapshot, got something else")
    return int(HEAD.unpack(head)[1])
