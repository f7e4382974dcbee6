"""Make a backup: the data directory at one instant, the configuration and what it refers to, in one file."""

import os
import shutil
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any, BinaryIO

from engine.backup.archive import ArchiveWriter
from engine.backup.errors import BackupError
from engine.backup.files import config_files, plain
from engine.backup.instant import Instant, at_one_instant, other_files
from engine.backup.pinned import Pinned, edited

DATA = "data"
CONFIG = "config"
"""The two folders of a backup."""

Told = Callable[[str, int, int], None]
"""Name of a file, bytes done, of how many."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """A backup that stands on the disk."""

    file: Path
    bytes: int
    files: int
    at_ms: int | None  # log time of the last record in it; None: no log of its own (a cluster)
    damaged: tuple[str, ...]  # what is damaged in it, as the original is
    left_out: tuple[str, ...]  # secrets
    outside: tuple[str, ...]  # files that the configuration names by a path that leads out of its folder


def make_backup(config: Path, data: Path, to: Path, *, secrets: bool, log: bool, told: Told) -> Made:
    """Write the file: all of it, or nothing. `log` False: the log and the database are elsewhere, only files are taken.

    The host may run. BackupError and OSError where it cannot be made.
    """
    if to.exists():
        raise BackupError(f"{to} is there already and is left as it is; name another file")
    draft = to.with_name(f"{to.name}.part")
    named = config_files(config)
    kept = [file for file in named if secrets or not file.secret]
    writer = ArchiveWriter(_opened(draft))
    try:
        at_ms, damaged = _add_data(writer, data, to.parent, told) if log else _add_files(writer, data, told)
        for file in kept:
            _add(writer, f"{CONFIG}/{file.name}", file.path, told)
        made = Made(
            file=to,
            bytes=0,
            files=len(writer.members),
            at_ms=at_ms,
            damaged=damaged,
            left_out=tuple(file.place for file in named if file not in kept),
            outside=tuple(file.place for file in kept if file.outside),
        )
        writer.end(_about(config, data, made))
        _sync(draft)
        draft.rename(to)
        _sync(to.parent)
    finally:
        draft.unlink(missing_ok=True)
    return replace(made, bytes=to.stat().st_size)


def _opened(draft: Path) -> BinaryIO:
    """Readable by nobody else from its first byte on."""
    try:
        return os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")
    except FileExistsError as error:
        reason = "another backup is being made there, or one was interrupted"
        raise BackupError(f"{draft}: {reason}; remove it in the second case") from error


def _add_data(writer: ArchiveWriter, data: Path, staging: Path, told: Told) -> tuple[int, tuple[str, ...]]:
    with at_one_instant(data) as taken, tempfile.TemporaryDirectory(prefix=".outfall-backup-", dir=staging) as folder:
        _expect_room(taken, staging)
        damaged = [_add_database(writer, taken, database, Path(folder), told) for database in taken.databases]
        for file, stream in taken.opened.items():
            writer.add(_name(data, file), stream, taken.sizes[file])
            told(file.name, 1, 1)
        for file in taken.sealed:
            _add(writer, _name(data, file), file, told)
        return taken.at_ms, tuple(found for found in damaged if found)


def _add_database(writer: ArchiveWriter, taken: Instant, database: Pinned, folder: Path, told: Told) -> str:
    """Copy it, check the copy, add it. What is damaged in it."""
    name = database.file.name
    copy = folder / name
    database.copy_to(copy, lambda done, size: told(name, done // 2, size))
    damaged = edited(copy, taken.edits(database))
    _add(writer, _name(taken.data, database.file), copy, told)
    copy.unlink()
    return damaged


def _add_files(writer: ArchiveWriter, data: Path, told: Told) -> tuple[None, tuple[str, ...]]:
    """What a host of a cluster has of its own: credentials and refusals of its intake."""
    for file in other_files(data):
        if ".json" in file.suffixes:
            _add(writer, _name(data, file), file, told)
    return None, ()


def _sync(place: Path) -> None:
    handle = os.open(place, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _add(writer: ArchiveWriter, name: str, file: Path, told: Told) -> None:
    try:
        with file.open("rb") as stream:
            size = os.fstat(stream.fileno()).st_size
            writer.add(name, stream, size)
    except FileNotFoundError as error:
        raise BackupError(f"{file}: it went while the backup was made; try again") from error
    told(name.rpartition("/")[2], size, size)


def _expect_room(taken: Instant, staging: Path) -> None:
    """A copy of the largest database, and an archive that is no smaller than what goes in: then no disk runs full."""
    databases = [database.bytes for database in taken.databases]
    needed = max(databases) + sum(databases) + sum(file.stat().st_size for file in (*taken.opened, *taken.sealed))
    free = shutil.disk_usage(staging).free
    if free < needed:
        found = f"{free >> 20:,} MiB free, expected {needed >> 20:,} MiB for a backup"
        raise BackupError(f"{staging}: {found}; choose another disk")


def _name(data: Path, file: Path) -> str:
    return f"{DATA}/{file.relative_to(data).as_posix()}"


def _about(config: Path, data: Path, made: Made) -> dict[str, Any]:
    """What the manifest says besides its files."""
    folder, place = plain(config.parent), plain(data)
    return {
        "outfall": version("outfall"),
        "made_ms": time.time_ns() // 1_000_000,
        "at_ms": made.at_ms,
        "damaged": list(made.damaged),
        "config": config.name,
        "data": place.relative_to(folder).as_posix() if place.is_relative_to(folder) else None,
        "data_was": place.as_posix(),
        "left_out": list(made.left_out),
        "outside": list(made.outside),
    }
