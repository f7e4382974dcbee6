"""Snapshots of detectors as files: whole or not there, and never used when a byte is wrong."""

from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Protocol

from engine.detect.snapshot import State
from engine.detect.snapshot_file import HEAD, Frames, Pieces, append_frame, frames_in, new_file, read_frames, rewrite
from engine.detect.snapshot_unusable import BaseLostError, SnapshotUnusableError

__all__ = ["BaseLostError", "Snapshot", "SnapshotStore", "SnapshotUnusableError", "Snapshots"]

SPARE_BYTES = 64 << 20
"""So much of a file may be out of date, however small the rest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """State of a detector that contains every record below `next_offset`."""

    next_offset: int
    state: State
    base: int | None = None  # of a state that is not whole: the `next_offset` of the snapshot that it changes


class Snapshots(Protocol):
    """Where the states of detectors are kept. OSError where they cannot be reached at the moment.

    A generation is that of the group of workers in which a partition was given to this one: 0 where there are no others.
    """

    def name(self, partition: int) -> str:
        """What messages call the snapshot of a partition."""

    def take_over(self, partition: int, generation: int) -> None:
        """From now on whoever has an older generation may not write; FencedError if this one is older itself."""

    def begin_anew(self, partition: int, generation: int) -> None:
        """As `take_over`, where the group counts from the beginning again: older generations do not mean anything now."""

    def read(self, partition: int) -> Snapshot | None:
        """The snapshot, None if there is none; SnapshotUnusableError if it is damaged."""

    def write(self, partition: int, snapshot: Snapshot, generation: int = 0) -> None:
        """Write the snapshot, whole or as the changes it says to another; OSError leaves the old one.

        BaseLostError, an OSError, where the other is not there. FencedError leaves the old one too: somebody with a newer
        generation, or a state that goes further, was here.
        """

    def set_aside(self, partition: int) -> str:
        """Keep a snapshot that cannot be used where somebody may look at it; the name of that."""


class SnapshotStore:
    """For a host on its own log: `<folder>/frames-<partition>.snap`, one file a partition.

    Only what changed is written, behind what is there (`engine.detect.snapshot_file`).
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._frames: dict[int, Frames] = {}  # what each file holds

    def file(self, partition: int) -> Path:
        """Where the snapshot of a partition stands."""
        return self.folder / f"frames-{partition}.snap"

    def name(self, partition: int) -> str:
        """The file."""
        return str(self.file(partition))

    def take_over(self, partition: int, generation: int) -> None:
        """Nobody else writes here."""

    def begin_anew(self, partition: int, generation: int) -> None:
        """Nor did anybody before."""

    def write(self, partition: int, snapshot: Snapshot, generation: int = 0) -> None:
        """Write the snapshot; OSError leaves the old one. After a crash it is the old one or the new one."""
        self.folder.mkdir(exist_ok=True)
        file, state = self.file(partition), snapshot.state
        bodies = {HEAD: state.head, **state.pieces}
        frames = self._frames.get(partition)
        if state.whole:
            frames = new_file(file, snapshot.next_offset, bodies)
        elif frames is None or frames.next_offset != snapshot.base or not file.exists():
            raise BaseLostError(f"{file}: expected a snapshot up to offset {snapshot.base} to go on from")
        else:
            if frames.stale > max(SPARE_BYTES, frames.end // 2):
                frames = self._frames[partition] = rewrite(file, frames)
            frames = append_frame(file, frames, snapshot.next_offset, bodies)
        self._frames[partition] = frames

    def read(self, partition: int) -> Snapshot | None:
        """The snapshot, None if there is none; SnapshotUnusableError if it is damaged."""
        file = self.file(partition)
        frames = read_frames(file)
        if frames is None:
            return None
        self._frames[partition] = frames
        pieces = Pieces(file, frames.bodies)
        return Snapshot(next_offset=frames.next_offset, state=State(head=pieces[HEAD], pieces=pieces))

    def set_aside(self, partition: int) -> str:
        """Keep a snapshot that cannot be used where somebody may look at it; the name of that."""
        file = self.file(partition)
        self._frames.pop(partition, None)
        return file.rename(file.with_suffix(".unusable")).name


def partition_of(file: Path) -> int:
    """The partition whose snapshots a file holds.

    >>> partition_of(Path("snapshots/frames-3.snap"))
    3
    """
    return int(file.stem.removeprefix("frames-"))


def next_offset_of(stream: BinaryIO, size: int) -> int:
    """The offset up to which the first `size` bytes of a file go; SnapshotUnusableError where there is no snapshot."""
    return frames_in(stream, size, stream.name).next_offset
