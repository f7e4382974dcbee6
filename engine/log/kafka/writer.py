"""Appends to the topics: what waits for one partition together is sent together, and answered when the brokers have it.

The producer is idempotent and asks for all acknowledgements: a batch is in the log once and in its place, however often
it had to be sent, and it is sent until there is an answer.
"""

import asyncio
import logging
import time
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError, MessageSizeTooLargeError, RecordTooLargeError

from engine.histogram import Histogram
from engine.log.api import Appended, NotStored, Stored
from engine.log.file import Place
from engine.log.group import Append, FramesAppend, Promise
from engine.log.kafka.outage import Outage
from engine.log.kafka.settings import RECORD_BYTES_MAX, KafkaSettings, client_options
from engine.log.messages import Headers, headers_of
from engine.log.record import RecordKind, Topic
from engine.log.together import Batch, Together
from engine.log.writer import settle
from sensors.frames import UNTIMED, FrameBatch

logger = logging.getLogger(__name__)

BATCH_BYTES = 1 << 20
HEAD_BYTES = 64 << 10
"""Room for a record's head within the size that the topics allow."""

CLOSE_S = 5.0

Answer = Any
"""The future of a record on its way, or why it could not even be sent."""


@dataclass(slots=True, kw_only=True)
class Sending:
    """One record on its way, and those who wait for it."""

    kind: RecordKind
    body: bytes
    key: bytes = b""
    headers: Headers = ()
    promises: list[Promise] = field(default_factory=list)


class KafkaWriter:
    """All of it runs on one event loop; `add` is called there."""

    def __init__(self, settings: KafkaSettings) -> None:
        self._settings = settings
        self._lanes: dict[Place, _Lane] = {}
        self._producer: AIOKafkaProducer | None = None
        self._making = asyncio.Lock()
        self._waiting = 0  # bytes
        self._closed = False
        self.outage = Outage(settings.place)
        self.commits = Histogram()

    async def start(self) -> None:
        """Connect; KafkaError where no broker answers."""
        await self._ready()

    def add(self, jobs: Sequence[Append | FramesAppend]) -> None:
        """Queue jobs, or refuse all of them at once: closed, or too much waits, or the brokers are away.

        All, because those of one caller must not overtake each other when he brings the refused ones again.
        """
        refusal = self._refusal(jobs)
        if refusal is not None:
            settle([(job.promise, refusal) for job in jobs])
            return
        for job in jobs:
            place = job.place if isinstance(job, Append) else (Topic.FRAMES, job.partition)
            lane = self._lanes.get(place)
            if lane is None:
                lane = self._lanes[place] = _Lane(self, place)
            self._waiting += _size(job)
            lane.add(job)

    async def close(self) -> None:
        """Wait a while for what is on its way, then refuse what is left."""
        self._closed = True
        busy = [lane.task for lane in self._lanes.values() if lane.task is not None and not lane.task.done()]
        if busy:
            _, late = await asyncio.wait(busy, timeout=CLOSE_S)
            for task in late:
                task.cancel()
        for lane in self._lanes.values():
            lane.refuse(NotStored(reason="the log is closed", retry=False))
        await self._stop(self._producer)

    async def send(self, place: Place, sendings: list[Sending]) -> list[Appended]:
        """Append records to a partition, in order."""
        self.outage.asked()
        began = time.perf_counter()
        try:
            producer = await self._ready()
            on_way = [await self._send_one(producer, place, sending) for sending in sendings]
            outcomes = [await self._answer(answer, place) for answer in on_way]
        except (KafkaError, OSError) as error:
            self.outage.failed()
            return [await self._failed(error, place)] * len(sendings)
        except BaseException:
            self.outage.failed()
            raise
        self.outage.answered()
        self.commits.add(time.perf_counter() - began)
        return outcomes

    def sent(self, job: Append | FramesAppend) -> None:
        """It has its answer."""
        self._waiting -= _size(job)

    async def _send_one(self, producer: AIOKafkaProducer, place: Place, sending: Sending) -> Answer:
        topic, partition = self._settings.topic(place[0]), place[1]
        headers = headers_of(sending.kind, sending.headers)
        try:
            answer: Answer = await producer.send(
                topic, sending.body, key=sending.key or None, partition=partition, headers=headers
            )
        except MessageSizeTooLargeError as error:
            return error
        return answer

    async def _answer(self, answer: Answer, place: Place) -> Appended:
        try:
            if isinstance(answer, KafkaError):
                raise answer
            metadata = await answer
        except (MessageSizeTooLargeError, RecordTooLargeError) as error:
            return await self._failed(error, place)
        offset, stamp_ms = getattr(metadata, "offset", -1), getattr(metadata, "timestamp", -1)
        return Stored(topic=place[0], partition=place[1], offset=offset, log_ms=stamp_ms)

    async def _failed(self, error: Exception, place: Place) -> NotStored:
        """What to say of it. After an error that is not of the moment, the next append gets a new producer."""
        reason = f"{self._settings.place}: {self._settings.topic(place[0])}/{place[1]}: {str(error) or type(error).__name__}"
        if isinstance(error, MessageSizeTooLargeError | RecordTooLargeError):
            return NotStored(reason=f"{reason}: expected at most {RECORD_BYTES_MAX} bytes", retry=False)
        if not getattr(error, "retriable", False):
            logger.error("%s", reason)
            producer, self._producer = self._producer, None
            await self._stop(producer)
        return NotStored(reason=reason)

    async def _ready(self) -> AIOKafkaProducer:
        async with self._making:
            if self._producer is None:
                producer = AIOKafkaProducer(
                    **client_options(self._settings),
                    acks="all",
                    enable_idempotence=True,
                    max_batch_size=BATCH_BYTES,
                    max_request_size=RECORD_BYTES_MAX - HEAD_BYTES,
                )
                try:
                    await producer.start()
                except BaseException:
                    await self._stop(producer)
                    raise
                self._producer = producer
            return self._producer

    async def _stop(self, producer: AIOKafkaProducer | None) -> None:
        if producer is not None:
            try:
                await asyncio.wait_for(producer.stop(), CLOSE_S)
            except (TimeoutError, KafkaError, OSError) as error:
                logger.debug("a producer did not stop in order: %s", error)

    def _refusal(self, jobs: Sequence[Append | FramesAppend]) -> NotStored | None:
        if self._closed:
            return NotStored(reason="the log is closed", retry=False)
        for job in jobs:
            if isinstance(job, Append) and job.log_ms is not None:
                return NotStored(reason=f"log time {job.log_ms}: expected none, the brokers set it", retry=False)
        if self.outage.blocks:
            return NotStored(reason=f"{self._settings.place}: no answer for {self.outage.away_s:.0f} s")
        if self._waiting and self._waiting + sum(map(_size, jobs)) > self._settings.waiting_mib_max << 20:
            return NotStored(reason=f"{self._settings.place}: {self._waiting >> 20} MiB are on their way already")
        return None


class _Lane:
    """What waits for one partition. One group is on its way at a time; meanwhile the next one collects."""

    def __init__(self, writer: KafkaWriter, place: Place) -> None:
        self._writer = writer
        self._place = place
        self._jobs: deque[Append | FramesAppend] = deque()
        self.task: asyncio.Task[None] | None = None

    def add(self, job: Append | FramesAppend) -> None:
        self._jobs.append(job)
        if self.task is None or self.task.done():
            self.task = asyncio.create_task(self._run(), name=f"{self._place[0]}/{self._place[1]}")

    def refuse(self, reason: NotStored) -> None:
        settle([(job.promise, reason) for job in self._jobs])
        self._jobs.clear()

    async def _run(self) -> None:
        await asyncio.sleep(0)  # whoever calls in the same instant comes along
        while self._jobs:
            jobs, self._jobs = list(self._jobs), deque()
            sendings = list(grouped(jobs))
            outcomes: list[Appended] = [NotStored(reason="the log is closed")] * len(sendings)
            try:
                outcomes = await self._writer.send(self._place, sendings)
            finally:
                answers = zip(sendings, outcomes, strict=True)
                settle([(promise, outcome) for sending, outcome in answers for promise in sending.promises])
                for job in jobs:
                    self._writer.sent(job)


def grouped(jobs: list[Append | FramesAppend]) -> Iterator[Sending]:
    """Appends to one partition as records, in order: payloads that waited together share one, as in the embedded log."""
    together: Together[Promise] = Together()
    for job in jobs:
        if isinstance(job, FramesAppend):
            yield from _frames(together.add(job.partition, job.rows, job.promise))
        else:
            yield from _frames(together.take(job.place[1]))
            yield Sending(kind=job.kind, body=job.body, key=job.key, headers=job.headers, promises=[job.promise])
    for _, batch in together.take_all():
        yield from _frames(batch)


def _frames(batch: Batch[Promise] | None) -> Iterator[Sending]:
    """When a record comes into the log, only the broker knows: its payloads stand at its time."""
    if batch is not None:
        body = FrameBatch.of([(UNTIMED, *row) for row in batch.rows]).encode()
        yield Sending(kind=RecordKind.FRAMES, body=body, promises=batch.promises)


def _size(job: Append | FramesAppend) -> int:
    return len(job.body) if isinstance(job, Append) else sum(len(row[2]) for row in job.rows)
