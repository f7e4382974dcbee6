"""The Faust transport `outfall+kafka://`: the driver of Faust for Kafka, without what loses records or stalls in it.

What it does differently, and why, is in docs/cluster.md. `app.cluster` (an `engine.log.kafka.cluster.Cluster`) holds the
log, the settings and the stages' custody of partitions.
"""

import asyncio
from collections.abc import Mapping
from typing import Any

from aiokafka.errors import IllegalStateError, KafkaError
from faust.transport.drivers import aiokafka as driver
from faust.types import TP, ConsumerMessage
from mode import Service, get_logger

from engine.log.faust_producer import LogProducer
from engine.log.handing import HandingConsumer, Place
from engine.log.kafka.cluster import Cluster
from engine.log.kafka.group_thread import GroupThread, Listener
from engine.log.record import Topic

logger = get_logger(__name__)

COMMIT_S = 5.0
"""A commit that takes longer is left to the next one."""


class Consumer(HandingConsumer, driver.Consumer):  # type: ignore[misc]
    """Reads the partitions that the group gives to this worker, each from where its stage says."""

    logger = logger
    RebalanceListener = Listener
    _thread: GroupThread

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._taking: asyncio.Task[None] | None = None
        self._arrival: asyncio.Task[None] | None = None
        self._uncommitted = False

    @property
    def cluster(self) -> Cluster:
        """What the app stands on."""
        cluster: Cluster = self.app.cluster
        return cluster

    def _new_consumer_thread(self) -> GroupThread:
        return GroupThread(self, loop=self.loop, beacon=self.beacon)

    def place_of(self, tp: TP) -> Place:
        """Topic and partition as the log has them."""
        return self.cluster.topics[tp.topic], tp.partition

    async def on_partitions_revoked(self, revoked: set[TP]) -> None:
        """Hand out nothing more, let the stages finish what they have in hand, commit that.

        The group waits for it: until this returns, or `rebalance_s` has passed, nobody else gets these partitions.
        """
        self.stop_flow()
        await self._stop_taking()
        await super().on_partitions_revoked(revoked)
        await self.cluster.custody.let_go({self.place_of(tp) for tp in revoked})
        await self.commit()
        for tp in revoked:
            self._positions.forget(self.place_of(tp))

    async def on_partitions_assigned(self, assigned: set[TP], generation_id: int = 0) -> None:
        """The group has given these to this worker."""
        self.cluster.custody.given({self.place_of(tp) for tp in assigned})
        await super().on_partitions_assigned(assigned, generation_id)

    async def perform_seek(self) -> None:
        """Take the assigned partitions over. The flow stands still meanwhile; each is read when its stage is ready for it.

        It returns before that: a large state takes longer to load than Faust waits for a seek.
        """
        self.stop_flow()
        await self._stop_taking()
        self._taking = asyncio.create_task(self._take_over(), name="take-over")
        self._taking.add_done_callback(self._taken)

    async def seek_to_committed(self) -> Mapping[TP, int]:
        """READINGS and ALERTS go on where the group committed, or at their start if it never did."""
        tps = [tp for tp in self.assignment() if self.place_of(tp)[0] is not Topic.FRAMES]
        went = {}
        for tp, (committed, first, end) in (await self._thread.starts(tps) if tps else {}).items():
            went[tp] = self.cluster.custody.start_at(self.place_of(tp), committed, first, end)
            self._committed_offset[tp] = committed
            await self._begin(tp, went[tp])
        return went

    async def _take_over(self) -> None:
        await self.seek_to_committed()
        frames = {self.place_of(tp)[1]: tp for tp in self.assignment() if self.place_of(tp)[0] is Topic.FRAMES}
        async for partition, offset in self.cluster.custody.take_over(sorted(frames)):
            await self._begin(frames[partition], offset)

    async def _begin(self, tp: TP, offset: int) -> None:
        await self._thread.begin(tp, offset)
        self._positions.go_to(self.place_of(tp), offset)
        self._news.set()

    def _taken(self, task: "asyncio.Task[None]") -> None:
        error = None if task.cancelled() else task.exception()
        if isinstance(error, IllegalStateError):
            self.log.info("partitions moved while they were taken over")
        elif isinstance(error, Exception):
            self.cluster.fail("detect", error)

    async def _stop_taking(self) -> None:
        taking, self._taking = self._taking, None
        if taking is not None and not taking.done():
            taking.cancel()
            await asyncio.wait([taking])

    async def _seek(self, partition: TP, offset: int) -> None:
        await self._begin(partition, offset)

    async def next_records(self, room: Mapping[TP, int]) -> Mapping[TP, list[Any]]:
        """What has come of partitions."""
        return await self._thread.fetched(room) if room else {}

    async def wait_for_records(self, fetcher: Service) -> None:
        """Whatever comes is news, but for partitions of a stage whose hands are full: what waits there would be for ever."""
        if self._arrival is None:
            room = [tp for tp in self._get_active_partitions() if self._room(tp) > 0]
            arrival = self._arrival = asyncio.create_task(self._thread.arrival(room))
            arrival.add_done_callback(self._arrived)
        await fetcher.wait(self._news)

    def _arrived(self, task: "asyncio.Task[None]") -> None:
        self._arrival = None
        self._news.set()
        if not task.cancelled() and (error := task.exception()) is not None:
            self.log.warning("while waiting for records: %r", error)

    def _to_message(self, tp: TP, record: Any) -> ConsumerMessage:
        return driver.Consumer._to_message(self, tp, record)

    async def _commit(self, offsets: Mapping[TP, int]) -> bool:
        """Commits are tried again with the next ones: what is not committed is done again, and changes nothing."""
        mine = {tp: offset for tp, offset in offsets.items() if tp in self.assignment()}
        try:
            await asyncio.wait_for(self._thread.keep(mine), COMMIT_S)
        except (KafkaError, TimeoutError) as error:
            if not self._uncommitted:
                self.log.warning("offsets not committed, tried again later: %s", str(error) or "no answer")
            self._uncommitted = True
            return False
        if self._uncommitted:
            self.log.warning("offsets are committed again")
        self._uncommitted = False
        return bool(mine)

    async def on_stop(self) -> None:
        """Commit what was acknowledged before the end."""
        await self._stop_taking()
        await super().on_stop()


class Transport(driver.Transport):  # type: ignore[misc]
    """Consumer of a group, producer on the cluster's log."""

    Consumer = Consumer
    Producer = LogProducer

    @property
    def log(self) -> Any:
        """What the producer appends to."""
        return self.app.cluster.log

    def topic_named(self, name: str) -> Topic:
        """The topic of that name on the brokers."""
        return self.app.cluster.topics[name]  # type: ignore[no-any-return]

