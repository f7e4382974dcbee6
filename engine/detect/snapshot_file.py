"""The file of one partition's snapshots: each is written behind the one before it, and holds only what changed since.

A snapshot is a frame: magic, next offset, size and checksum of its index, the index (JSON: name, size and checksum of each
body, and whether nothing before it counts), the bodies. A frame that a crash cut off is not there. A file of which
too much is out of date is written anew, and takes the place of the old one as a whole.
"""

import os
import struct
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import orjson

from engine.detect.snapshot_unusable import SnapshotUnusableError

FRAME = struct.Struct("<8sqqI")
"""magic, next offset, bytes of the index, CRC-32 of these two and the index."""

MAGIC = b"OUTFALL2"
COPY_BYTES = 1 << 20
HEAD = ""
"""The name of the head among the bodies; no piece has it."""


@dataclass(frozen=True, slots=True)
class Body:
    """Where a piece stands."""

    at: int
    size: int
    crc: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Frames:
    """What a file holds: the bodies that count, of the snapshot up to `next_offset`."""

    next_offset: int
    end: int  # of the last whole frame
    bodies: Mapping[str, Body]

    @property
    def stale(self) -> int:
        """Bytes that no longer count."""
        return self.end - sum(body.size for body in self.bodies.values())


class Pieces(Mapping[str, bytes]):
    """The pieces of a snapshot, each read from the file when it is asked for; SnapshotUnusableError for a damaged one."""

    def __init__(self, file: Path, bodies: Mapping[str, Body]) -> None:
        self._file = file
        self._bodies = bodies

    def __getitem__(self, name: str) -> bytes:
        body = self._bodies[name]
        with self._file.open("rb") as stream:
            stream.seek(body.at)
            content = stream.read(body.size)
        if zlib.crc32(content) != body.crc:
            raise SnapshotUnusableError(f"{self._file}: its checksum is wrong, at {name or 'its head'}")
        return content

    def __iter__(self) -> Iterator[str]:
        return (name for name in self._bodies if name != HEAD)

    def __len__(self) -> int:
        return len(self._bodies) - 1


def read_frames(file: Path) -> Frames | None:
    """What the file holds, None if it is not there; SnapshotUnusableError where nothing in it can be used."""
    try:
        stream = file.open("rb")
    except FileNotFoundError:
        return None
    with stream:
        return frames_in(stream, os.fstat(stream.fileno()).st_size, str(file))


def frames_in(stream: BinaryIO, size: int, name: str) -> Frames:
    """What the first `size` bytes of a file hold, which others may be writing; SnapshotUnusableError as above."""
    found, trouble = None, ""
    while not trouble and (at := found.end if found else 0) < size:
        frame, trouble = _read_frame(stream, at, size, found)
        found = frame or found
    if found is None:
        raise SnapshotUnusableError(f"{name}: {trouble or 'expected a snapshot, got 0 bytes of something else'}")
    return found


def _read_frame(stream: BinaryIO, at: int, size: int, before: Frames | None) -> tuple[Frames | None, str]:
    """The frame at a place of the file and what came before it, or what is wrong with it."""
    stream.seek(at)
    start = stream.read(FRAME.size)
    if len(start) < FRAME.size or not start.startswith(MAGIC):
        return None, f"expected a snapshot, got {size - at} bytes of something else"
    _, next_offset, index_size, crc = FRAME.unpack(start)
    index = stream.read(index_size) if 0 <= index_size <= size else b""
    if _crc(next_offset, index) != crc:
        return None, "its checksum is wrong"
    whole, rows = orjson.loads(index)
    bodies = {} if whole or before is None else dict(before.bodies)
    end = at + FRAME.size + index_size
    fresh = []
    for name, length, body_crc in rows:
        bodies[name] = Body(end, length, body_crc)
        fresh.append(bodies[name])
        end += length
    if end > size:
        return None, f"expected {end - at} bytes of state, got {size - at}"
    if end == size and not all(_is_sound(stream, body) for body in fresh):
        return None, "its checksum is wrong"  # the last one: a crash may have kept its place and not its bytes
    kept = {name: body for name, body in bodies.items() if body.size or name == HEAD}
    return Frames(next_offset=next_offset, end=end, bodies=kept), ""


def append_frame(file: Path, before: Frames, next_offset: int, bodies: Mapping[str, bytes]) -> Frames:
    """Write a frame behind the others; OSError leaves these as they were."""
    with file.open("r+b") as stream:
        stream.seek(before.end)
        stream.truncate()  # what a crash or a full disk left of one
        try:
            return _write_frame(stream, before, next_offset, bodies, whole=False)
        except OSError:
            os.truncate(file, before.end)
            raise


def new_file(file: Path, next_offset: int, bodies: Mapping[str, bytes]) -> Frames:
    """Write a file with one frame; OSError leaves the one that was there."""
    draft = file.with_suffix(".tmp")
    with draft.open("wb") as stream:
        nothing = Frames(next_offset=-1, end=0, bodies={})
        written = _write_frame(stream, nothing, next_offset, bodies, whole=True)
    _replace(draft, file)
    return written


def rewrite(file: Path, frames: Frames) -> Frames:
    """Leave out what no longer counts; OSError leaves the file as it was."""
    draft = file.with_suffix(".tmp")
    rows = [(name, body.size, body.crc) for name, body in frames.bodies.items()]
    with file.open("rb") as old, draft.open("wb") as new:
        end = new.write(_start(frames.next_offset, rows, whole=True))
        bodies = {}
        for name, body in frames.bodies.items():
            _copy(old, body, new)
            bodies[name] = Body(end, body.size, body.crc)
            end += body.size
        new.flush()
        os.fsync(new.fileno())
    _replace(draft, file)
    return Frames(next_offset=frames.next_offset, end=end, bodies=bodies)


def _write_frame(stream: BinaryIO, before: Frames, next_offset: int, bodies: Mapping[str, bytes], *, whole: bool) -> Frames:
    rows = [(name, len(body), zlib.crc32(body)) for name, body in bodies.items()]
    end = before.end + stream.write(_start(next_offset, rows, whole=whole))
    found = {} if whole else dict(before.bodies)
    for (name, size, crc), body in zip(rows, bodies.values(), strict=True):
        stream.write(body)
        found[name] = Body(end, size, crc)
        end += size
    stream.flush()
    os.fsync(stream.fileno())
    kept = {name: body for name, body in found.items() if body.size or name == HEAD}
    return Frames(next_offset=next_offset, end=end, bodies=kept)


def _start(next_offset: int, rows: list[tuple[str, int, int]], *, whole: bool) -> bytes:
    index = orjson.dumps([whole, rows])
    return FRAME.pack(MAGIC, next_offset, len(index), _crc(next_offset, index)) + index


def _crc(next_offset: int, index: bytes) -> int:
    return zlib.crc32(index, zlib.crc32(struct.pack("<qq", next_offset, len(index))))


def _is_sound(stream: BinaryIO, body: Body) -> bool:
    stream.seek(body.at)
    return zlib.crc32(stream.read(body.size)) == body.crc


def _copy(old: BinaryIO, body: Body, new: BinaryIO) -> None:
    old.seek(body.at)
    left = body.size
    while left:
        content = old.read(min(left, COPY_BYTES))
        if not content:
            raise OSError(f"expected {left} more bytes of a snapshot")
        new.write(content)
        left -= len(content)


def _replace(draft: Path, file: Path) -> None:
    draft.rename(file)
    folder = os.open(file.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
