"""What one commit of the log carries: appends that waited together, as rows in offset order."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, replace

from engine.log.api import Appended, DataRow, FrameRow, NotStored, Stored
from engine.log.file import Place, checksum, slot_of
from engine.log.record import RecordKind, Topic
from engine.log.together import Batch, Together
from sensors.frames import FrameBatch

Row = tuple[int, int, bytes, int, int, bytes, bytes]
"""slot, log_ms, kind, crc, upto, key, body: the columns of table `record`."""

Promise = Future[Appended] | asyncio.Future[Appended]


@dataclass(slots=True, kw_only=True)
class Append:
    """A record that waits to be written. `log_ms` None: set when it is."""

    place: Place
    kind: RecordKind
    body: bytes
    key: bytes
    log_ms: int | None
    promise: Promise
    headers: Sequence[tuple[str, bytes]] = ()  # what a reader can know of it without its body; only Kafka keeps them


@dataclass(slots=True, kw_only=True)
class DataAppend:
    """Records of READINGS and ALERTS that are written in one commit, in order, or not at all."""

    rows: Sequence[DataRow]
    promise: Promise


@dataclass(slots=True, kw_only=True)
class FramesAppend:
    """Payloads that wait to be written, alone or together with others of their partition."""

    partition: int
    rows: list[FrameRow]
    promise: Promise


@dataclass(slots=True, kw_only=True)
class Tail:
    """Where a partition goes on."""

    no: int
    next: int
    last_ms: int
    upto: int


class Group:
    """Collects appends; `rows` and `tails` are what the commit must make true, `outcomes` what to say after it."""

    def __init__(self, tails: Mapping[Place, Tail], now_ms: Callable[[], int]) -> None:
        self._before = tails
        self._now_ms = now_ms
        self._frames: Together[Promise] = Together()
        self.tails: dict[Place, Tail] = {}  # of the partitions that grow
        self.rows: list[Row] = []
        self.outcomes: list[tuple[Promise, Appended]] = []

    def add(self, append: Append | DataAppend | FramesAppend) -> None:
        """One append; those of one partition keep their order."""
        if isinstance(append, FramesAppend):
            full = self._frames.add(append.partition, append.rows, append.promise)
            self._write_batch(append.partition, full)
            return
        if isinstance(append, DataAppend):
            stored = [self._write((t, p), RecordKind.DATA, body, b"", None) for t, p, body in append.rows]
            self.outcomes.append((append.promise, stored[-1]))
            return
        if append.place[0] is Topic.FRAMES:
            self._write_batch(append.place[1], self._frames.take(append.place[1]))
        outcome = self._write(append.place, append.kind, append.body, append.key, append.log_ms)
        self.outcomes.append((append.promise, outcome))

    def end(self) -> None:
        """Nothing more comes: write the payloads that still wait for company."""
        for partition, batch in self._frames.take_all():
            self._write_batch(partition, batch)

    def refused(self, reason: NotStored) -> list[tuple[Promise, Appended]]:
        """What to say when the commit failed."""
        return [(promise, reason) for promise, _ in self.outcomes]

    def _write_batch(self, partition: int, batch: Batch[Promise] | None) -> None:
        if batch is None:
            return
        place = (Topic.FRAMES, partition)
        log_ms = self._next_ms(place)
        body = FrameBatch.of([(log_ms, *row) for row in batch.rows]).encode()
        outcome = self._write(place, RecordKind.FRAMES, body, b"", log_ms)
        self.outcomes.extend((promise, outcome) for promise in batch.promises)

    def _write(self, place: Place, kind: RecordKind, body: bytes, key: bytes, log_ms: int | None) -> Appended:
        tail = self._tail(place)
        at_ms = self._next_ms(place) if log_ms is None else log_ms
        if at_ms <= tail.last_ms:
            name = f"{place[0].value}/{place[1]}"
            return NotStored(reason=f"{name}: log time {at_ms}: expected more than {tail.last_ms}", retry=False)
        slot = slot_of(tail.no, tail.next)
        upto = tail.upto + len(body)
        self.rows.append((slot, at_ms, kind.value, checksum(slot, at_ms, kind.value, key, body), upto, key, body))
        stored = Stored(topic=place[0], partition=place[1], offset=tail.next, log_ms=at_ms)
        self.tails[place] = replace(tail, next=tail.next + 1, last_ms=at_ms, upto=upto)
        return stored

    def _next_ms(self, place: Place) -> int:
        return max(self._tail(place).last_ms + 1, self._now_ms())

    def _tail(self, place: Place) -> Tail:
        return self.tails.get(place) or self._before[place]
