"""The log of the embedded default: one SQLite file, one writing process, any number of readers."""

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import Any, Self, TypeVar

from pysqlite3 import dbapi2 as sqlite

from engine.histogram import Histogram
from engine.log.api import Appended, DataRow, FrameRow, NotStored, Span
from engine.log.cut_short import refuse_cut_file
from engine.log.errors import Damage, LogError
from engine.log.file import Place, open_writer, slot_of
from engine.log.group import Append, DataAppend, FramesAppend, Tail
from engine.log.lock import DirectoryLock
from engine.log.reader import LogReader, report
from engine.log.record import Record, RecordKind, Topic
from engine.log.retention import Keep, cut
from engine.log.writer import Writer

logger = logging.getLogger(__name__)

FILE = "log.db"

AHEAD_MAX_MS = 60_000

COMMIT = """
insert or replace into group_offset
select ?1, no, ?4 from partition where topic = ?2 and partition = ?3
"""

T = TypeVar("T")


def wall_ms() -> int:
    """Now, UTC ms: the clock of a live log."""
    return time.time_ns() // 1_000_000


class SqliteLog:
    """`engine.log.api.Log` on `<data>/log.db`, for the one process that writes it.

    What was answered with `Stored` is on disk: WAL with synchronous = FULL, one fsync per group commit. Raises LogError
    where the file cannot be opened. `failure` is set when it can no longer be written.
    """

    def __init__(
        self,
        data: Path,
        *,
        partitions: int = 1,
        now_ms: Callable[[], int] = wall_ms,
        on_damage: Callable[[Damage], None] = report,
    ) -> None:
        self.data = data
        self.failure: LogError | None = None
        self._listeners: list[Callable[[], None]] = []
        with contextlib.ExitStack() as opened:
            self._lock = opened.enter_context(contextlib.closing(DirectoryLock(data)))
            refuse_cut_file(data / FILE)
            db = opened.enter_context(contextlib.closing(open_writer(data / FILE, partitions)))
            refuse_cut_file(data / FILE)  # again: what a killed process left beside the file is in it now
            self.reader = opened.enter_context(LogReader(data / FILE, on_damage))
            tails = _tails(db)
            opened.pop_all()  # all went well: `close` ends them
        _warn_of_the_future(data / FILE, tails, now_ms())
        self._ends = {place: tail.next for place, tail in tails.items()}
        self.committed_at = time.monotonic()  # when the last commit was done, or it was opened
        self._writer = Writer(db, tails, now_ms, self._committed, self._failed)
        self._writer.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Write what waits and let go of the directory. Appends from now on are answered with `NotStored`."""
        self._writer.close()
        self.reader.close()
        self._lock.close()

    @property
    def commits(self) -> Histogram:
        """Seconds of each group commit since it was opened."""
        return self._writer.commits

    @property
    def trouble(self) -> str:
        """Why it takes nothing at present (a full disk); "": it does."""
        return self._writer.trouble

    def listen(self, on_news: Callable[[], None]) -> Callable[[], None]:
        """Call `on_news` after every commit, and when the log fails. The answer ends it.

        It runs on the writer's thread, so it must be short.
        """
        self._listeners.append(on_news)
        return lambda: self._listeners.remove(on_news)

    def partitions(self, topic: Topic) -> int:
        """How many partitions the topic has."""
        return self.reader.partitions(topic)

    def append(
        self,
        topic: Topic,
        partition: int,
        kind: RecordKind,
        body: bytes,
        *,
        log_ms: int | None = None,
        key: bytes = b"",
    ) -> Future[Appended]:
        """Append one record; resolves after the commit. KeyError for a partition the log does not have."""
        promise: Future[Appended] = Future()
        self._add(Append(place=(topic, partition), kind=kind, body=body, key=key, log_ms=log_ms, promise=promise))
        return promise

    async def put(
        self,
        topic: Topic,
        partition: int,
        kind: RecordKind,
        body: bytes,
        *,
        log_ms: int | None = None,
        key: bytes = b"",
    ) -> Appended:
        """`append` for a caller on an event loop."""
        promise: asyncio.Future[Appended] = asyncio.get_running_loop().create_future()
        self._add(Append(place=(topic, partition), kind=kind, body=body, key=key, log_ms=log_ms, promise=promise))
        return await promise

    async def put_all(self, rows: Sequence[DataRow]) -> Appended:
        """Append DATA records in order, in one commit: all of them or none. The answer is that of the last."""
        for topic, partition, _ in rows:
            self._ends[topic, partition]  # KeyError here, not on the writer's thread
        promise: asyncio.Future[Appended] = asyncio.get_running_loop().create_future()
        self._writer.add(DataAppend(rows=rows, promise=promise))
        return await promise

    async def append_frames(self, partition: int, rows: list[FrameRow]) -> Appended:
        """Append payloads to FRAMES; resolves after the commit. Calls that wait together share one record."""
        self._ends[Topic.FRAMES, partition]
        promise: asyncio.Future[Appended] = asyncio.get_running_loop().create_future()
        self._writer.add(FramesAppend(partition=partition, rows=rows, promise=promise))
        return await promise

    def read(self, topic: Topic, partition: int, from_offset: int, limit: int) -> list[Record]:
        """Up to `limit` records from `from_offset` (or the first kept one, if that is higher), in order."""
        return self.reader.read(topic, partition, from_offset, limit)

    def span(self, topic: Topic, partition: int) -> Span:
        """The offsets that a partition holds now."""
        return self.reader.span(topic, partition)

    def end(self, topic: Topic, partition: int) -> int:
        """Offset after the last committed record; asks no disk."""
        return self._ends[topic, partition]

    def committed(self, group: str) -> dict[Place, int]:
        """Next offset of each partition that a consumer group committed."""
        return self.reader.committed(group)

    def commit(self, group: str, offsets: Mapping[Place, int]) -> Future[NotStored | None]:
        """Remember the next offsets of a consumer group. None: on disk."""
        answer: Future[NotStored | None] = Future()
        rows = [(group, topic.value, partition, next_) for (topic, partition), next_ in offsets.items()]

        def work(db: sqlite.Connection) -> None:
            db.executemany(COMMIT, rows)

        def done(finished: Future[None]) -> None:
            error = finished.exception()
            answer.set_result(NotStored(reason=f"log: {error}") if error else None)

        self._writer.call(work).add_done_callback(done)
        return answer

    @property
    def damaged(self) -> Sequence[str]:
        """Records that could not be read."""
        return [str(damage) for damage in self.reader.damaged.values()]

    def status(self) -> dict[str, Any]:
        """What it holds, as JSON."""
        spans = {topic: [self.span(topic, p) for p in range(self.partitions(topic))] for topic in Topic}
        return {
            "offsets": {topic.value: [[span.first, span.end] for span in found] for topic, found in spans.items()},
            "bytes": sum(file.stat().st_size for file in self.data.glob("log.db*")),
            "damaged": list(self.damaged),
        }

    def retain(self, keep: Keep) -> int:
        """Forget old records that nobody needs; how many went. Blocks its caller, hardly the senders."""
        gone = 0
        while step := self.run(lambda db: cut(db, keep)).result():
            gone += step
        return gone

    def run(self, work: Callable[[sqlite.Connection], T]) -> "Future[T]":
        """Run `work` on the writer's connection, in a transaction of its own between two commits."""
        return self._writer.call(work)

    def _add(self, append: Append) -> None:
        self._ends[append.place]  # KeyError here, not on the writer's thread
        self._writer.add(append)

    def _committed(self, tails: dict[Place, Tail]) -> None:
        self._ends.update((place, tail.next) for place, tail in tails.items())
        self.committed_at = time.monotonic()
        self._tell()

    def _failed(self, error: LogError) -> None:
        logger.error("%s: %s", self.data / FILE, error)
        self.failure = error
        self._tell()

    def _tell(self) -> None:
        for listener in list(self._listeners):
            listener()


def _warn_of_the_future(file: Path, tails: Mapping[Place, Tail], now_ms: int) -> None:
    """Log time never goes back: after a clock that was wrong it stands nearly still until the true time catches up."""
    ahead_ms = max(tail.last_ms for tail in tails.values()) - now_ms
    if ahead_ms > AHEAD_MAX_MS:
        ahead_s = ahead_ms // 1000
        logger.error("%s: its last record is %s s ahead of the clock: nothing is due until then", file, ahead_s)


def _tails(db: sqlite.Connection) -> dict[Place, Tail]:
    tails = {}
    for topic, partition, no, next_, last_ms in db.execute("select topic, partition, no, next, last_ms from partition"):
        row = db.execute("select upto from record where slot = ?", (slot_of(no, next_ - 1),)).fetchone()
        tails[Topic(topic), partition] = Tail(no=no, next=next_, last_ms=last_ms, upto=row[0] if row else 0)
    return tails
