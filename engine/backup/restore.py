"""Restore a backup into an empty place: every byte is checked before the first one is written."""

import hashlib
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from engine.backup.archive import MANIFEST, PIECE, Content, members_of, verified
from engine.backup.errors import BackupError
from engine.backup.make import CONFIG, DATA
from engine.files import RESTORED

Told = Callable[[str, int, int], None]
DATA_ELSEWHERE = "data"
"""Where the data go if the configuration names a place outside its folder."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Restored:
    """What stands where now."""

    config: Path
    data: Path
    files: int
    at_ms: int | None
    moved_from: str  # the data directory that the configuration still names; "": it names the restored one
    left_out: tuple[str, ...]  # secrets to put back by hand
    outside: tuple[str, ...]  # files now in `outside`, which the configuration names elsewhere


def restore_backup(file: Path, to: Path, told: Told) -> Restored:
    """Check and restore: all of it, or nothing. BackupError where the file or the place will not do."""
    if to.exists() and (not to.is_dir() or any(to.iterdir())):
        raise BackupError(f"{to}: expected a directory that is empty or not there; nothing was written")
    manifest = verified(file)
    needed, free = sum(member["bytes"] for member in manifest["files"]), _free(to)
    if free < needed:
        raise BackupError(f"{to}: {free >> 20:,} MiB free, expected {needed >> 20:,} MiB; nothing was written")
    draft = to.with_name(f"{to.name}.part")
    if draft.exists():
        raise BackupError(f"{draft}: left by a restoration that was interrupted; remove it first")
    data = manifest["data"] or DATA_ELSEWHERE
    try:
        draft.mkdir(parents=True, mode=0o700)
        _extract(file, manifest, draft, data, told)
        draft.rename(to)
    except BaseException:
        shutil.rmtree(draft, ignore_errors=True)
        raise
    return Restored(
        config=to / manifest["config"],
        data=to / data,
        files=len(manifest["files"]),
        at_ms=manifest["at_ms"],
        moved_from="" if manifest["data"] else manifest["data_was"],
        left_out=tuple(manifest["left_out"]),
        outside=tuple(manifest["outside"]),
    )


def _extract(file: Path, manifest: dict[str, Any], draft: Path, data: str, told: Told) -> None:
    (draft / data).mkdir(parents=True, exist_ok=True)
    wanted = {member["name"]: member for member in manifest["files"]}
    with members_of(file) as members:
        for info, content in members:
            if info.name == MANIFEST:
                continue
            target = draft / _place(info.name, data)
            target.parent.mkdir(parents=True, exist_ok=True)
            if _write(target, content) != wanted[info.name]["sha256"]:
                raise BackupError(f"{file}: {info.name} changed while it was being read; nothing was kept")
            target.chmod(info.mode & 0o777)
            told(target.name, info.size, info.size)
    if manifest["at_ms"] is not None:
        note = {"at_ms": manifest["at_ms"], "made_ms": manifest["made_ms"]}
        (draft / data / RESTORED).write_bytes(orjson.dumps(note))


def restored_until_ms(data: Path) -> int:
    """Up to which log time a data directory comes from a backup; 0: it does not."""
    try:
        return int(orjson.loads((data / RESTORED).read_bytes())["at_ms"])
    except FileNotFoundError:
        return 0


def _place(name: str, data: str) -> str:
    folder, _, inside = name.partition("/")
    if folder not in (DATA, CONFIG) or not inside:
        raise BackupError(f"{name}: expected a name in {DATA}/ or {CONFIG}/")
    return f"{data}/{inside}" if folder == DATA else inside


def _write(target: Path, content: Content) -> str:
    found = hashlib.sha256()
    with target.open("xb") as out:
        while piece := content.read(PIECE):
            out.write(piece)
            found.update(piece)
    return found.hexdigest()


def _free(to: Path) -> int:
    place = to.absolute()
    while not place.exists():
        place = place.parent
    return shutil.disk_usage(place).free
