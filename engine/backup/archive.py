"""The one file that a backup is: a tar, compressed with zstd, whose last member says what the others must be.

`manifest.json` has name, size and SHA-256 of every member before it. Nothing is used of a file whose manifest is missing
(it was cut short) or does not agree.
"""

import hashlib
import io
import tarfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO, Protocol

import orjson
import pyarrow as pa

from engine.backup.errors import BackupError

MANIFEST = "manifest.json"
MANIFEST_MAX = 64 << 20
FORMAT = 1
PIECE = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """One file in the archive."""

    name: str
    bytes: int
    sha256: str


class Content(Protocol):
    """Bytes that are read once, from first to last."""

    def read(self, size: int = -1, /) -> bytes:
        """The next bytes; none at the end."""


class ArchiveWriter:
    """Writes members, and the manifest at the end."""

    def __init__(self, out: BinaryIO) -> None:
        self._zstd = pa.CompressedOutputStream(pa.PythonFile(out, mode="w"), "zstd")
        self._tar = tarfile.open(fileobj=self._zstd, mode="w|", format=tarfile.PAX_FORMAT)  # noqa: SIM115 - see `end`
        self.members: list[Member] = []

    def add(self, name: str, stream: BinaryIO, size: int, mode: int = 0o600) -> None:
        """One member: the first `size` bytes of a stream. A file that grows meanwhile is taken as it was, not longer."""
        hashing = _Hashing(stream)
        self._tar.addfile(_head(name, size, mode), hashing)
        self.members.append(Member(name=name, bytes=size, sha256=hashing.hex()))

    def end(self, about: dict[str, Any]) -> None:
        """The manifest. Nothing can be added after it: the file is closed."""
        files = [{"name": m.name, "bytes": m.bytes, "sha256": m.sha256} for m in self.members]
        content = orjson.dumps({"format": FORMAT, **about, "files": files}, option=orjson.OPT_INDENT_2)
        self._tar.addfile(_head(MANIFEST, len(content), 0o600), io.BytesIO(content))
        self._tar.close()
        self._zstd.close()


@contextmanager
def members_of(file: Path) -> Iterator[Iterator[tuple[tarfile.TarInfo, Content]]]:
    """Every member in turn with its content, from first to last. BackupError where that ends too early."""
    with file.open("rb") as raw, pa.CompressedInputStream(pa.PythonFile(raw, mode="r"), "zstd") as zstd:
        with _readable(file):
            tar = tarfile.open(fileobj=zstd, mode="r|")  # noqa: SIM115 - closed with what it reads
        yield _members(file, tar)


def verified(file: Path) -> dict[str, Any]:
    """The manifest of a backup in which every byte is as it was. BackupError with everything that is not so."""
    found: dict[str, Member] = {}
    manifest: dict[str, Any] | None = None
    with members_of(file) as members:
        for info, content in members:
            if info.name == MANIFEST:
                manifest = _manifest(file, info, content)
            else:
                found[info.name] = _member(info.name, content)
    if manifest is None:
        raise BackupError(f"{file}: it has no {MANIFEST} at its end: expected a whole backup, this one was cut short")
    wanted = {m["name"]: Member(name=m["name"], bytes=m["bytes"], sha256=m["sha256"]) for m in manifest["files"]}
    wrong = [name for name in sorted(wanted.keys() | found.keys()) if wanted.get(name) != found.get(name)]
    if wrong:
        raise BackupError(f"{file}: not as it was made: {', '.join(wrong[:5])}{', ...' if len(wrong) > 5 else ''}")
    return manifest


def safe(name: str) -> bool:
    """Whether a member's name stays inside the folder it is restored to.

    >>> [safe(name) for name in ("data/log.db", "/etc/passwd", "data/../../x", "")]
    [True, False, False, False]
    """
    path = PurePosixPath(name)
    return bool(path.parts) and not path.is_absolute() and ".." not in path.parts and "\\" not in name


class _Hashing(io.RawIOBase):
    """A stream that knows the SHA-256 of what was read of it."""

    def __init__(self, stream: Content) -> None:
        self._stream = stream
        self._hash = hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        """The next bytes."""
        piece = self._stream.read(size)
        self._hash.update(piece)
        return piece

    def hex(self) -> str:
        """Of all that was read."""
        return self._hash.hexdigest()


def _head(name: str, size: int, mode: int) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.size, info.mode, info.mtime = size, mode, int(time.time())
    return info


def _member(name: str, content: Content) -> Member:
    found, size = hashlib.sha256(), 0
    while piece := content.read(PIECE):
        found.update(piece)
        size += len(piece)
    return Member(name=name, bytes=size, sha256=found.hexdigest())


@contextmanager
def _readable(file: Path) -> Iterator[None]:
    try:
        yield
    except (tarfile.TarError, OSError, EOFError) as error:
        raise BackupError(f"{file}: cannot be read as a backup: {error}") from error


class _Checked:
    """What a member holds; an error of reading it is one of the backup, not of whatever is done with it."""

    def __init__(self, file: Path, content: Content) -> None:
        self._file = file
        self._content = content

    def read(self, size: int = -1, /) -> bytes:
        """The next bytes."""
        with _readable(self._file):
            return self._content.read(size)


def _members(file: Path, tar: tarfile.TarFile) -> Iterator[tuple[tarfile.TarInfo, Content]]:
    while True:
        with _readable(file):
            info = tar.next()
            content = tar.extractfile(info) if info is not None and info.isreg() else None
        if info is None:
            return
        if content is None or not safe(info.name):
            raise BackupError(f"{file}: {info.name!r}: expected a plain file with a name inside the folder")
        yield info, _Checked(file, content)


def _manifest(file: Path, info: tarfile.TarInfo, content: Content) -> dict[str, Any]:
    try:
        found = orjson.loads(content.read(MANIFEST_MAX))
        made_by = found["format"]
    except (orjson.JSONDecodeError, KeyError, TypeError) as error:
        raise BackupError(f"{file}: its {info.name} cannot be read: {error}") from error
    if made_by != FORMAT:
        raise BackupError(f"{file}: format {made_by}, expected {FORMAT}: made by another version of Outfall")
    assert isinstance(found, dict)
    return found
