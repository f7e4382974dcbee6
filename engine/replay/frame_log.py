"""Replays a log of frames: every partition as it was judged live, by one detector or by several that share it."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from math import lcm
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from engine.detect.detector import Detector
from engine.log.api import Span
from engine.log.log_time import LogClock
from engine.log.reader import LogReader
from engine.log.record import Control, ControlKind, Record, RecordKind, Topic
from engine.replay.account import Account, Progress, silent
from engine.replay.detectors import record
from sensors.frames import FrameBatch
from sensors.registry import Registry
from sensors.registry_json import registry_from_json

LOG_NAME = "log.db"
NOBODY_LISTENED = Control(kind=ControlKind.HOST_STARTED).encode()


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """What a partition of a log says at one place."""

    log_ms: int
    kind: RecordKind
    body: bytes = b""
    frames: FrameBatch | None = None  # in place of `body`, for frames


def log_file(path: Path) -> Path:
    """The log of a data directory, or the file itself."""
    return path / LOG_NAME if path.is_dir() else path


class FrameReader(Protocol):
    """Where the records of FRAMES are read from: the file of a log, or the topics of a Kafka."""

    def partitions(self, topic: Topic) -> int:
        """How many partitions the topic has."""

    def span(self, topic: Topic, partition: int) -> Span:
        """The offsets that a partition holds now."""

    def records(self, topic: Topic, partition: int) -> Iterator[Record]:
        """Every record up to the present end, at its log time."""


def replay_log(
    file: Path,
    account: Account,
    *,
    to_ms: int | None = None,
    batch: int | None = None,
    partitions: int = 1,
    progress: Progress = silent,
) -> Account:
    """Judge the file of a log from its first record on, up to `to_ms` of log time."""
    with LogReader(file, on_damage=lambda damage: account.note("damaged", detail=str(damage))) as reader:
        return replay_reader(reader, account, to_ms=to_ms, batch=batch, partitions=partitions, progress=progress)


def replay_reader(
    reader: FrameReader,
    account: Account,
    *,
    to_ms: int | None = None,
    batch: int | None = None,
    partitions: int = 1,
    progress: Progress = silent,
) -> Account:
    """Judge whatever can be read as a log from its first record on, up to `to_ms` of log time."""
    count = reader.partitions(Topic.FRAMES)
    total = sum(span.end - span.first for span in (reader.span(Topic.FRAMES, n) for n in range(count)))
    done = 0
    for partition in range(count):
        share = Share(partition, count, partitions)
        for entry in regrouped(entries(reader.records(Topic.FRAMES, partition), to_ms), batch):
            done += 1
            share.take(entry, account)
            progress(done, total)
    progress(total, total)
    return account


def replay_entries(log: Iterable[Entry], account: Account, *, batch: int | None = None, partitions: int = 1) -> Account:
    """Judge entries that stand in no log file, as one partition; the last of them ends the input."""
    share = Share(0, 1, partitions)
    log_ms = 0
    for entry in regrouped(log, batch):
        share.take(entry, account)
        log_ms = entry.log_ms
    end = Control(kind=ControlKind.END_OF_INPUT).encode()
    share.take(Entry(log_ms=log_ms + 1, kind=RecordKind.CONTROL, body=end), account)
    return account


class Share:
    """The detectors of one partition of a log. Each has the homes that have its own remainder."""

    def __init__(self, partition: int, of: int, wanted: int) -> None:
        self.modulus = lcm(of, wanted)
        self.detectors = {n: Detector(n, self.modulus) for n in range(partition, self.modulus, of)}
        self.rest = partition  # takes frames whose home is elsewhere: nobody judges them, they are refused
        self.registry = Registry()

    def take(self, entry: Entry, account: Account) -> None:
        """Give an entry to whom it concerns."""
        if entry.kind is RecordKind.CONTROL:
            self._look_at(Control.decode(entry.body), account)
        if entry.frames is None:
            for detector in self.detectors.values():
                account.take(record(detector, entry.log_ms, entry.kind, entry.body))
            return
        for remainder, frames in self._split(entry.frames).items():
            detector = self.detectors[remainder]
            account.take(record(detector, entry.log_ms, entry.kind, frames.encode()))

    def _look_at(self, control: Control, account: Account) -> None:
        if control.kind is ControlKind.REGISTRY:
            self.registry = registry_from_json(control.content)
            account.bindings = self.registry.bindings
        elif control.kind is ControlKind.RULES:
            account.zone = control.content["judging"]["zone"]
            if control.content["version"] not in account.rule_versions:
                account.rule_versions.append(control.content["version"])

    def _split(self, frames: FrameBatch) -> dict[int, FrameBatch]:
        if len(self.detectors) == 1:
            return {self.rest: frames}
        homes = np.array([self.registry.home_of_mn(name) % self.modulus for name in frames.names], np.int64)
        found = homes[frames.claimed]
        found[~np.isin(found, list(self.detectors))] = self.rest
        return {int(n): _taken(frames, np.flatnonzero(found == n)) for n in np.unique(found)}


def entries(records: Iterable[Record], to_ms: int | None = None) -> Iterator[Entry]:
    """Records as entries at their log time, up to a log time. That nobody listened for a while becomes an entry."""
    clock = LogClock()
    for found in records:
        at, nobody_listened = clock.read(found)
        if to_ms is not None and at.log_ms >= to_ms:
            return
        if nobody_listened:
            yield Entry(log_ms=at.log_ms - 1, kind=RecordKind.CONTROL, body=NOBODY_LISTENED)
        if at.kind is RecordKind.FRAMES:
            yield Entry(log_ms=at.log_ms, kind=at.kind, frames=FrameBatch.decode(at.body).timed(at.log_ms))
        else:
            yield Entry(log_ms=at.log_ms, kind=at.kind, body=b"" if at.kind is RecordKind.TICK else at.body)


def regrouped(log: Iterable[Entry], payloads_min: int | None) -> Iterator[Entry]:
    """The same log with `payloads_min` payloads or more in a record of frames.

    Each payload keeps its log time. Ticks between payloads of one record are left out: the payloads say as much.
    """
    if payloads_min is None:
        yield from log
        return
    held: list[FrameBatch] = []
    tick: Entry | None = None
    for entry in log:
        if entry.kind is RecordKind.TICK:
            tick = entry
            continue
        if entry.frames is not None:
            held.append(entry.frames)
            if sum(map(len, held)) < payloads_min:
                continue
        yield from _released(held, tick if entry.frames is None else None)
        held, tick = [], None
        if entry.frames is None:
            yield entry
    yield from _released(held, tick)


def _released(held: list[FrameBatch], tick: Entry | None) -> Iterator[Entry]:
    if held:
        joined = _joined(held)
        yield Entry(log_ms=int(joined.log_ms[-1]), kind=RecordKind.FRAMES, frames=joined)
    if tick is not None and (not held or tick.log_ms > held[-1].log_ms[-1]):
        yield tick


def _joined(parts: list[FrameBatch]) -> FrameBatch:
    return parts[0] if len(parts) == 1 else FrameBatch.of([row for part in parts for row in _rows(part, range(len(part)))])


def _taken(frames: FrameBatch, rows: NDArray[np.intp]) -> FrameBatch:
    return frames if len(rows) == len(frames) else FrameBatch.of(_rows(frames, rows.tolist()))


def _rows(frames: FrameBatch, rows: Iterable[int]) -> list[tuple[int, str, str, bytes]]:
    names = frames.names
    return [(int(frames.log_ms[n]), names[frames.login[n]], names[frames.claimed[n]], frames.payload(n)) for n in rows]
