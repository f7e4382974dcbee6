"""The consumer of `embedded://`: it reads the log's file, and hears of every commit."""

import asyncio
from collections.abc import Iterable, Mapping
from typing import Any

from faust.types import TP, ConsumerMessage
from mode import Service, get_logger

from engine.log.embedded_topics import partition_for, place_of, topic_named
from engine.log.handing import HandingConsumer, Place
from engine.log.record import Record, Topic
from engine.log.sqlite import SqliteLog

logger = get_logger(__name__)


class Consumer(HandingConsumer):
    """Reads every partition of its topics."""

    logger = logger

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._assigned: set[TP] | None = None

    @property
    def _store(self) -> SqliteLog:
        log: SqliteLog = self.transport.log
        return log

    def place_of(self, tp: TP) -> Place:
        """Topic and partition as the log has them."""
        return place_of(tp)

    async def on_start(self) -> None:
        """Hear of every commit."""
        await super().on_start()
        loop = asyncio.get_running_loop()

        def tell() -> None:
            loop.call_soon_threadsafe(self._news.set)

        self._unlisten = self._store.listen(tell)

    async def on_stop(self) -> None:
        """Commit what was acknowledged before the end."""
        await self.commit_and_end_transactions()
        self._unlisten()

    async def subscribe(self, topics: Iterable[str]) -> None:
        """Take every partition of the topics: nobody shares an embedded log."""
        assigned = {TP(name, p) for name in topics for p in range(self._store.partitions(topic_named(name)))}
        if assigned != self._assigned:
            self.add_future(self._take_over(assigned))

    async def _take_over(self, assigned: set[TP]) -> None:
        """What a group coordinator does for a consumer on Kafka."""
        app = self.app
        app.on_rebalance_start()
        if self._assigned:
            await self.on_partitions_revoked(self._assigned)
        app.consumer_generation_id += 1
        app.assignor._active_tps = assigned
        app.assignor._topic_groups = {tp.topic: 0 for tp in assigned}
        self._assigned = assigned
        await self.on_partitions_assigned(assigned, app.consumer_generation_id)

    def assignment(self) -> set[TP]:
        """Partitions this consumer reads."""
        return self._assigned or set()

    async def perform_seek(self) -> None:
        """Go to where each partition was left. The flow stands still meanwhile: nothing can slip through."""
        self.stop_flow()
        await self.seek_to_committed()

    async def seek_to_committed(self) -> Mapping[TP, int]:
        """FRAMES goes on where the app's snapshots say, everything else where the group committed, or at the start."""
        committed = self._store.committed(self.app.conf.id)
        frames = sorted(tp.partition for tp in self.assignment() if tp.topic == Topic.FRAMES)
        resume = await self.transport.resume_at(frames) if frames else {}
        went = {}
        for tp in self.assignment():
            place = place_of(tp)
            start = committed.get(place, self._store.span(*place).first)
            went[tp] = resume.get(tp.partition, start) if place[0] is Topic.FRAMES else start
            await self._seek(tp, went[tp])
            self._committed_offset[tp] = committed.get(place)
        return went

    async def _seek(self, partition: TP, offset: int) -> None:
        self._positions.go_to(place_of(partition), offset)
        self._news.set()

    def highwater(self, tp: TP) -> int:
        """Offset after the last record."""
        return self._store.end(*place_of(tp))

    async def highwaters(self, *partitions: TP) -> Mapping[TP, int]:
        """`highwater` of several."""
        return {tp: self.highwater(tp) for tp in partitions}

    async def earliest_offsets(self, *partitions: TP) -> Mapping[TP, int]:
        """Offset of the first kept record."""
        return {tp: self._store.span(*place_of(tp)).first for tp in partitions}

    async def next_records(self, room: Mapping[TP, int]) -> Mapping[TP, list[Record]]:
        """What the file has at the positions of partitions."""
        starts = {tp: self._positions.next(place_of(tp)) for tp in room}
        return {
            tp: self._store.read(*place_of(tp), start, room[tp])
            for tp, start in starts.items()
            if start is not None and start < self.highwater(tp)
        }

    async def wait_for_records(self, fetcher: Service) -> None:
        """Whatever is committed to the log is news."""
        await fetcher.wait(self._news)

    async def _getmany(self, active_partitions: set[TP] | None, timeout: float) -> Mapping[TP, list[Record]]:
        return await self.next_records({tp: self._room(tp) for tp in active_partitions or ()})

    def _to_message(self, tp: TP, record: Record) -> ConsumerMessage:
        return ConsumerMessage(
            tp.topic,
            tp.partition,
            record.offset,
            record.log_ms / 1000,
            1,
            [("kind", record.kind.value)],
            record.key or None,
            record.body,
            None,
            tp=tp,
            generation_id=self.app.consumer_generation_id,
        )

    async def _commit(self, offsets: Mapping[TP, int]) -> bool:
        places = {place_of(tp): offset for tp, offset in offsets.items()}
        refused = await asyncio.wrap_future(self._store.commit(self.app.conf.id, places))
        if refused:
            self.log.warning("offsets not committed, tried again later: %s", refused.reason)
        return refused is None

    async def create_topic(self, topic: str, partitions: int, replication: int, **options: Any) -> None:
        """The topics are there; LogError for another one."""
        topic_named(topic)

    def topic_partitions(self, topic: str) -> int | None:
        """How many partitions a topic has."""
        return self._store.partitions(topic_named(topic))

    def key_partition(self, topic: str, key: bytes | None, partition: int | None = None) -> int | None:
        """Where records of a key go."""
        return partition if partition is not None else partition_for(self._store, topic_named(topic), key)
