"""One instant of a data directory that is being written: what is taken in which order, so that all of it fits together.

1. The offsets that store and desk have committed are read. From here on their files hold at least what these say.
2. Snapshots and small files are opened; they know records of the log, and none that is not in it.
3. Store and database are pinned, the log last. So nothing of them is ahead of the log.
4. In the copy of the log the committed offsets are those of 1: what store and desk did in between they are given again
   at the first start, and it changes nothing, because its ids are the same.

Files that are replaced as a whole (sealed days, credentials) keep their content once they are open. Of those that are
written on (snapshots) as much is taken as was there.
"""

import contextlib
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from engine.backup.errors import BackupError
from engine.backup.pinned import Pinned
from engine.detect.snapshot_store import next_offset_of, partition_of
from engine.log.sqlite import FILE as LOG

TRIES = 3
LEFT = ("lock", "status.json")
"""Files of a data directory that belong to the process that works on it."""

LEFT_ENDS = (".db", ".db-wal", ".db-shm", ".db-journal", ".tmp", ".draft", ".unusable", ".lock")

OFFSETS = "select name, no, next from group_offset"
PAGES_LEFT = "update outbox set resends = resends + 1 where state in ('waiting', 'sending')"
"""Whoever makes a backup may go on: what waited then may have been sent since, and says so."""

Offsets = dict[tuple[str, int], int]
"""(consumer group, number of the partition) -> next offset."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Instant:
    """What is taken of a data directory. Valid inside `at_one_instant`."""

    data: Path
    databases: tuple[Pinned, ...]  # the log among them
    opened: Mapping[Path, BinaryIO]  # snapshots and small files, at their beginning
    sizes: Mapping[Path, int]  # of these, when they were opened
    sealed: tuple[Path, ...]  # days that have left the store's database
    committed: Offsets
    at_ms: int  # log time of the last record

    def edits(self, database: Pinned) -> list[tuple[str, list[tuple[Any, ...]]]]:
        """What has to be changed in the copy of a database."""
        if database.file.name == LOG:
            rows = [(next_, name, no) for (name, no), next_ in self.committed.items()]
            return [
                ("delete from group_offset", [()]),
                ("insert into group_offset (next, name, no) values (?, ?, ?)", rows),
            ]
        has_outbox = "select count(*) from sqlite_schema where type = 'table' and name = 'outbox'"
        return [(PAGES_LEFT, [()])] if database.db.execute(has_outbox).fetchone()[0] else []


@contextlib.contextmanager
def at_one_instant(data: Path) -> Iterator[Instant]:
    """Pin all of a data directory. BackupError where that cannot be."""
    if not (data / LOG).exists():
        raise BackupError(f"{data / LOG}: no such file; expected a data directory that has run at least once")
    reason = ""
    for _ in range(TRIES):  # the log may forget old records between two steps
        with contextlib.ExitStack() as stack:
            taken = _pin(data, stack)
            reason = _gap(taken)
            if not reason:
                yield taken
                return
    hint = "try again, or keep more in the log (host.retain_bytes, host.retain_derived_h)"
    raise BackupError(f"{data / LOG}: {reason}; {hint}")


def _pin(data: Path, stack: contextlib.ExitStack) -> Instant:
    with Pinned(data / LOG) as log:
        committed = {(name, no): next_ for name, no, next_ in log.db.execute(OFFSETS)}
    opened = {file: stack.enter_context(file.open("rb")) for file in other_files(data) if not _is_sealed(data, file)}
    sizes = {file: os.fstat(stream.fileno()).st_size for file, stream in opened.items()}
    others = [file for file in sorted(data.glob("*.db")) if file.name != LOG]
    databases = [stack.enter_context(Pinned(file)) for file in [*others, data / LOG]]
    (at_ms,) = databases[-1].db.execute("select max(last_ms) from partition").fetchone()
    return Instant(
        data=data,
        databases=tuple(databases),
        opened=opened,
        sizes=sizes,
        sealed=tuple(file for file in other_files(data) if _is_sealed(data, file)),
        committed=committed,
        at_ms=at_ms,
    )


def other_files(data: Path) -> Iterator[Path]:
    """Every file of a data directory that is worth keeping, but for its databases."""
    for file in sorted(data.rglob("*")):
        inside = file.relative_to(data)
        if inside.parts[0] == "faust" or str(inside) in LEFT or inside.name.endswith(LEFT_ENDS):
            continue
        if file.is_file() and not file.is_symlink():
            yield file


def _is_sealed(data: Path, file: Path) -> bool:
    return file.is_relative_to(data / "sealed")


def _gap(taken: Instant) -> str:
    """What the log no longer holds of what would be read from it; "" if it holds all of it."""
    log = taken.databases[-1].db
    held = {no: (topic, p, first, next_) for no, topic, p, first, next_ in log.execute(
        "select no, topic, partition, first, next from partition")}  # fmt: skip
    for (_, no), offset in taken.committed.items():
        topic, partition, first, next_ = held[no]
        if topic != "frames" and not first <= offset <= next_:  # frames go on where the snapshots end
            return f"{topic}/{partition} holds [{first}, {next_}), its stage goes on with {offset}"
    frames = {partition: (first, next_) for topic, partition, first, next_ in held.values() if topic == "frames"}
    for file, stream in taken.opened.items():
        if file.suffix != ".snap":
            continue
        partition, offset = partition_of(file), next_offset_of(stream, taken.sizes[file])
        stream.seek(0)
        first, next_ = frames.get(partition, (0, 0))
        if not first <= offset <= next_:
            return f"frames/{partition} holds [{first}, {next_}), {file.name} goes on with {offset}"
    return ""
