"""The consumer of `embedded://`. It takes over from Faust what loses records, stalls or never ends there.

Faust's own consumer sleeps a second when all partitions have full buffers, makes two tasks per record, commits first
after two intervals, can commit past a record that is still worked on, and waits without end for acknowledgements.
"""

import asyncio
from collections.abc import Iterable, Mapping
from typing import Any

from faust.transport import base
from faust.types import TP, ConsumerMessage
from mode import Service, get_logger

from engine.log.embedded_topics import partition_for, place_of, topic_named
from engine.log.positions import Positions
from engine.log.record import Record, Topic
from engine.log.sqlite import SqliteLog

logger = get_logger(__name__)

WAIT_EMPTY_S = 10.0
"""A stop waits at most so long for agents to acknowledge what they hold."""


class Consumer(base.Consumer):  # type: ignore[misc]
    """Hands records to agents in offset order, a bounded number at a time. Reads every partition of its topics."""

    logger = logger

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._assigned: set[TP] | None = None
        self._positions = Positions()
        self._news = asyncio.Event()

    @property
    def _store(self) -> SqliteLog:
        log: SqliteLog = self.transport.log
        return log

    async def on_start(self) -> None:
        """Hear of every commit."""
        await super().on_start()
        loop = asyncio.get_running_loop()

        def tell() -> None:
            loop.call_soon_threadsafe(self._news.set)

        self._unlisten = self._store.listen(tell)

    def stop_flow(self) -> None:
        """Hand out nothing more. The end of the app begins with it: what is acknowledged from now on was cut off."""
        super().stop_flow()
        if self.app.should_stop:
            self._positions.freeze()

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

    async def seek_wait(self, partitions: Mapping[TP, int]) -> None:
        """Go to offsets."""
        for tp, offset in partitions.items():
            await self.seek(tp, offset)

    async def position(self, tp: TP) -> int | None:
        """Offset of the next record to hand over."""
        return self._positions.next(place_of(tp))

    def highwater(self, tp: TP) -> int:
        """Offset after the last record."""
        return self._store.end(*place_of(tp))

    async def highwaters(self, *partitions: TP) -> Mapping[TP, int]:
        """`highwater` of several."""
        return {tp: self.highwater(tp) for tp in partitions}

    async def earliest_offsets(self, *partitions: TP) -> Mapping[TP, int]:
        """Offset of the first kept record."""
        return {tp: self._store.span(*place_of(tp)).first for tp in partitions}

    async def _drain_messages(self, fetcher: Service) -> None:
        """Until the fetcher stops: hand over what there is room for, then wait for a commit, an ack or a seek."""
        while not (self.should_stop or fetcher.should_stop):
            self._news.clear()
            handed = 0
            for tp in sorted(self._get_active_partitions()) if self.flow_active else ():
                handed += await self._hand_over(tp)
            if handed:
                await asyncio.sleep(0)
            else:
                await self._wait_for_news(fetcher)

    async def _hand_over(self, tp: TP) -> int:
        """Give the agents what there is room for; how many records that were."""
        place = place_of(tp)
        records = (await self._getmany({tp}, 0)).get(tp, [])
        moves = self._positions.moves(place)
        for handed, record in enumerate(records):
            if not self.flow_active or self._positions.moves(place) != moves:  # somebody went elsewhere meanwhile
                return handed
            message = self._to_message(tp, record)
            self._positions.hand_out(place, message)
            await self.callback(message)
        return len(records)

    async def _getmany(self, active_partitions: set[TP] | None, timeout: float) -> Mapping[TP, list[Record]]:
        found = {}
        for tp in active_partitions or ():
            place = place_of(tp)
            start = self._positions.next(place)
            if start is not None and start < self.highwater(tp) and (room := self._positions.room(place)) > 0:
                found[tp] = self._store.read(*place, start, room)
        return found

    async def _wait_for_news(self, fetcher: Service) -> None:
        if not self.flow_active:
            await fetcher.wait(self.can_resume_flow)
            return
        acknowledged = self._waiting_for_ack = asyncio.get_running_loop().create_future()
        acknowledged.add_done_callback(lambda _: self._news.set())
        await fetcher.wait(self._news)

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

    def _new_offset(self, tp: TP) -> int | None:
        return self._positions.committable(place_of(tp))

    def _filter_tps_with_pending_acks(self, topics: Any = None) -> list[TP]:
        tps = [TP(*place) for place in self._positions]
        return [tp for tp in tps if topics is None or tp in topics or tp.topic in topics]

    async def _commit_tps(self, tps: Iterable[TP], start_new_transaction: bool) -> bool:
        offsets = self._filter_committable_offsets(tps)
        if not offsets:
            return False
        await self._handle_attached(offsets)
        await self.app.producer.flush()
        done = await self._commit(offsets)
        if done:
            self._committed_offset.update(offsets)
            self.app.monitor.on_tp_commit(offsets)
        for tp in offsets:  # Faust's own book of acknowledgements would grow for ever
            self._acked[tp].clear()
            self._acked_index[tp].clear()
        return done

    async def _commit(self, offsets: Mapping[TP, int]) -> bool:
        places = {place_of(tp): offset for tp, offset in offsets.items()}
        refused = await asyncio.wrap_future(self._store.commit(self.app.conf.id, places))
        if refused:
            self.log.warning("offsets not committed, tried again later: %s", refused.reason)
        return refused is None

    @Service.task  # type: ignore[untyped-decorator]
    async def _commit_handler(self) -> None:
        async for _ in self.itertimer(self.commit_interval, name="commit"):
            await self.commit()

    async def wait_empty(self) -> None:
        """Wait for agents to acknowledge what they hold, but not for ever; commit."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + WAIT_EMPTY_S
        while self._in_hand() and (left := deadline - loop.time()) > 0:
            acknowledged = self._waiting_for_ack = loop.create_future()
            await asyncio.wait([acknowledged], timeout=left)
        for (topic, partition), records in self._in_hand().items():
            self.log.warning("%s/%s: %s records left to the next start", topic, partition, records)
        self._positions.freeze()
        await self.commit_and_end_transactions()

    def _in_hand(self) -> dict[tuple[Topic, int], int]:
        return {place: count for place in self._positions if (count := self._positions.in_hand(place))}

    async def create_topic(self, topic: str, partitions: int, replication: int, **options: Any) -> None:
        """The topics are there; LogError for another one."""
        topic_named(topic)

    def topic_partitions(self, topic: str) -> int | None:
        """How many partitions a topic has."""
        return self._store.partitions(topic_named(topic))

    def key_partition(self, topic: str, key: bytes | None, partition: int | None = None) -> int | None:
        """Where records of a key go."""
        return partition if partition is not None else partition_for(self._store, topic_named(topic), key)

    def _new_topicpartition(self, topic: str, partition: int) -> TP:
        return TP(topic, partition)
