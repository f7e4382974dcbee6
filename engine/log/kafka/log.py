"""The log of a cluster: `engine.log.api.Log` on three topics of Kafka, written by many processes at once."""

import asyncio
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from typing import Any, Self

from engine.histogram import Histogram
from engine.log.api import Appended, DataRow, FrameRow, NotStored, Span
from engine.log.errors import LogError
from engine.log.file import Place
from engine.log.group import Append, FramesAppend
from engine.log.kafka.loop import LoopThread
from engine.log.kafka.outage import SILENT_S
from engine.log.kafka.reader import KafkaReader
from engine.log.kafka.settings import KafkaSettings
from engine.log.kafka.topics import Retention, make_topics
from engine.log.kafka.writer import KafkaWriter
from engine.log.messages import Headers
from engine.log.record import Record, RecordKind, Topic

OPEN_S = 60.0
LOOK_S = 1.0
ANSWER_S = 5.0


class KafkaLog:
    """What was answered with `Stored` has been acknowledged by all replicas in sync.

    `NotStored` says that it is not known to be there: an append whose answer was lost with its producer may stand in the
    log all the same, and once more when its sender brings it again. Whatever reads the log knows a record that says the
    same twice for a duplicate.

    The clients run on an event loop in a thread of their own. Raises LogError where no broker answers, or a topic that is
    there would lose something.
    """

    def __init__(self, settings: KafkaSettings, retention: Retention | None = None) -> None:
        self.settings = settings
        self.failure: LogError | None = None
        self.committed_at = time.monotonic()  # when the brokers last answered
        self._spans: dict[Place, Span] = {}
        self._unreachable = ""
        self._loop = LoopThread("kafka-log")
        self._writer = KafkaWriter(settings)
        self.reader = KafkaReader(settings, self._loop)
        try:
            if retention is not None:
                self._loop.wait(make_topics(settings, retention), OPEN_S)
            self._loop.wait(self._open(), OPEN_S)
        except TimeoutError as error:
            self._loop.close()
            raise LogError(f"{settings.place}: no answer for {OPEN_S:.0f} s") from error
        except BaseException:
            self._loop.close()
            raise

    async def _open(self) -> None:
        self._watching = asyncio.create_task(self._watch(), name="outage")

    async def _watch(self) -> None:
        while True:
            self._writer.outage.look()
            await asyncio.sleep(LOOK_S)

    async def look(self) -> None:
        """Ask the brokers how far the partitions go: what `end` and `status` say. Called now and then."""
        try:
            spans = await asyncio.to_thread(self.reader.spans, list(self.places()), ANSWER_S)
        except LogError as error:
            self._unreachable = str(error)
        else:
            self._spans, self._unreachable = dict(spans), ""
            self.committed_at = time.monotonic()

    @property
    def trouble(self) -> str:
        """Why it takes nothing at present; "": it does."""
        away_s = self._writer.outage.away_s
        return self._unreachable or (f"{self.settings.place}: no answer for {away_s:.0f} s" if away_s > SILENT_S else "")

    @property
    def commits(self) -> Histogram:
        """Seconds from sending a group of records to the brokers' acknowledgement."""
        return self._writer.commits

    @property
    def damaged(self) -> Sequence[str]:
        """The brokers and their clients check what they read."""
        return ()

    def end(self, topic: Topic, partition: int) -> int:
        """Offset after the last record, as the brokers last said."""
        span = self._spans.get((topic, partition))
        return 0 if span is None else span.end

    def status(self) -> dict[str, Any]:
        """What it holds, as the brokers last said."""
        places = {topic: [self._spans.get((topic, p)) for p in range(self.settings.partitions)] for topic in Topic}
        offsets = {topic.value: [[s.first, s.end] for s in spans if s is not None] for topic, spans in places.items()}
        return {"kafka": list(self.settings.servers), "offsets": offsets, "trouble": self.trouble}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Wait a while for what is on its way. Appends from now on are answered with `NotStored`."""
        self._loop.wait(self._writer.close())
        self.reader.close()
        self._loop.close()

    def partitions(self, topic: Topic) -> int:
        """How many partitions the topic has."""
        return self.settings.partitions

    def places(self) -> Iterator[Place]:
        """Every partition of every topic."""
        return ((topic, partition) for topic in Topic for partition in range(self.settings.partitions))

    def append(
        self,
        topic: Topic,
        partition: int,
        kind: RecordKind,
        body: bytes,
        *,
        log_ms: int | None = None,
        key: bytes = b"",
        headers: Headers = (),
    ) -> "Future[Appended]":
        """Append one record; resolves when the brokers have it. They set its log time: a given one is refused."""
        promise: Future[Appended] = Future()
        self._add(self._job((topic, partition), kind, body, promise, log_ms, key, headers))
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
        headers: Headers = (),
    ) -> Appended:
        """`append` for a caller on an event loop."""
        promise: asyncio.Future[Appended] = asyncio.get_running_loop().create_future()
        self._add(self._job((topic, partition), kind, body, promise, log_ms, key, headers))
        return await promise

    async def put_all(self, rows: Sequence[DataRow]) -> Appended:
        """Append DATA records, in order within each partition. On `NotStored` some of them may be in the log.

        Those that are stand in order, and nothing that was to follow a missing one: the same call again sets it right.
        """
        loop = asyncio.get_running_loop()
        promises: list[asyncio.Future[Appended]] = [loop.create_future() for _ in rows]
        waiting = zip(rows, promises, strict=True)
        jobs = [self._job((t, p), RecordKind.DATA, body, promise, None, b"", ()) for (t, p, body), promise in waiting]
        self._loop.call(lambda: self._writer.add(jobs))
        outcomes = await asyncio.gather(*promises)
        return next((outcome for outcome in outcomes if isinstance(outcome, NotStored)), outcomes[-1])

    async def append_frames(self, partition: int, rows: list[FrameRow]) -> Appended:
        """Append payloads to FRAMES; resolves when the brokers have them. Calls that wait together share one record."""
        promise: asyncio.Future[Appended] = asyncio.get_running_loop().create_future()
        self._add(FramesAppend(partition=partition, rows=rows, promise=promise))
        return await promise

    def append_payloads(self, partition: int, rows: list[FrameRow]) -> "Future[Appended]":
        """`append_frames` for a caller on any thread."""
        promise: Future[Appended] = Future()
        self._add(FramesAppend(partition=partition, rows=rows, promise=promise))
        return promise

    def read(self, topic: Topic, partition: int, from_offset: int, limit: int) -> list[Record]:
        """Up to `limit` records from `from_offset` (or the first kept one), as they are stamped. Blocks its thread."""
        return self.reader.read(topic, partition, from_offset, limit)

    def span(self, topic: Topic, partition: int) -> Span:
        """The offsets that a partition holds now. Blocks its thread."""
        return self.reader.span(topic, partition)

    def _job(
        self, place: Place, kind: RecordKind, body: bytes, promise: Any, log_ms: int | None, key: bytes, headers: Headers
    ) -> Append:
        if not 0 <= place[1] < self.settings.partitions:
            raise KeyError(place)
        return Append(place=place, kind=kind, body=body, key=key, log_ms=log_ms, promise=promise, headers=headers)

    def _add(self, job: Append | FramesAppend) -> None:
        self._loop.call(lambda: self._writer.add((job,)))
