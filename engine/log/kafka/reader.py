"""Reads the topics without a consumer group: for a replay, a dead letter's bytes, and to see how far they go."""

import asyncio
from collections.abc import Coroutine, Iterator, Mapping
from typing import Any, TypeVar

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from engine.log.api import Span
from engine.log.errors import LogError
from engine.log.file import Place
from engine.log.kafka.loop import LoopThread
from engine.log.kafka.settings import KafkaSettings, client_options
from engine.log.log_time import LogClock
from engine.log.messages import record_from
from engine.log.record import Record, Topic

ANSWER_S = 30.0
FETCH_MS = 1000
FETCH_BYTES = 8 << 20
CHUNK = 2000

T = TypeVar("T")


class KafkaReader:
    """Each call blocks its thread, which must not be that of `loop`. LogError where the brokers do not answer."""

    def __init__(self, settings: KafkaSettings, loop: LoopThread) -> None:
        self._settings = settings
        self._loop = loop
        self._consumer: AIOKafkaConsumer | None = None
        self._lock = asyncio.Lock()

    def partitions(self, topic: Topic) -> int:
        """How many partitions the topic has."""
        return self._settings.partitions

    def span(self, topic: Topic, partition: int) -> Span:
        """The offsets that a partition holds now."""
        return self.spans([(topic, partition)])[topic, partition]

    def spans(self, places: list[Place], patience_s: float = ANSWER_S) -> Mapping[Place, Span]:
        """The offsets that partitions hold now."""
        return self._ask(self._spans(places), patience_s)

    def read(self, topic: Topic, partition: int, from_offset: int, limit: int) -> list[Record]:
        """Up to `limit` records from `from_offset` (or from the first kept one, if that is higher), as they are stamped."""
        return self._ask(self._read((topic, partition), from_offset, limit))

    def records(self, topic: Topic, partition: int, from_offset: int = 0) -> Iterator[Record]:
        """Every record up to the present end, at its log time: that of a reader who begins at the same one."""
        span = self.span(topic, partition)
        at, clock = max(from_offset, span.first), LogClock()
        while at < span.end:
            for found in self.read(topic, partition, at, min(CHUNK, span.end - at)):
                at = found.offset + 1
                yield clock.read(found)[0]

    def close(self) -> None:
        """Disconnect."""
        if self._consumer is not None:
            self._loop.wait(self._consumer.stop(), ANSWER_S)

    def _ask(self, question: Coroutine[Any, Any, T], patience_s: float = ANSWER_S) -> T:
        try:
            return self._loop.wait(question, patience_s)
        except (KafkaError, OSError, TimeoutError) as error:
            raise LogError(f"{self._settings.place}: {str(error) or 'no answer'}") from error

    async def _ready(self) -> AIOKafkaConsumer:
        if self._consumer is None:
            consumer = AIOKafkaConsumer(
                **client_options(self._settings),
                enable_auto_commit=False,
                auto_offset_reset="earliest",
                max_partition_fetch_bytes=FETCH_BYTES,
            )
            try:
                await consumer.start()
            except BaseException:
                await consumer.stop()
                raise
            self._consumer = consumer
        return self._consumer

    async def _spans(self, places: list[Place]) -> dict[Place, Span]:
        async with self._lock:
            consumer = await self._ready()
            tps = {place: self._tp(place) for place in places}
            first, end = await consumer.beginning_offsets([*tps.values()]), await consumer.end_offsets([*tps.values()])
        return {place: Span(first=first[tp], end=end[tp]) for place, tp in tps.items()}

    async def _read(self, place: Place, from_offset: int, limit: int) -> list[Record]:
        async with self._lock:
            consumer, tp = await self._ready(), self._tp(place)
            first = (await consumer.beginning_offsets([tp]))[tp]
            end = (await consumer.end_offsets([tp]))[tp]
            start = max(from_offset, first)
            if start >= end or limit <= 0:
                return []
            if consumer.assignment() != {tp}:
                consumer.assign([tp])
                consumer.seek(tp, start)
            elif await consumer.position(tp) != start:
                consumer.seek(tp, start)
            found: list[Any] = []
            while not found:
                found = (await consumer.getmany(tp, timeout_ms=FETCH_MS, max_records=min(limit, end - start))).get(tp, [])
        topic, partition = place
        return [record_from(topic, partition, m.offset, m.timestamp, m.headers, m.key, m.value) for m in found]

    def _tp(self, place: Place) -> TopicPartition:
        return TopicPartition(self._settings.topic(place[0]), place[1])
