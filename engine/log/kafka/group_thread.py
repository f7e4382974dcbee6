"""The thread in which aiokafka's consumer lives: the group hears of this worker, whatever the other threads do."""

import asyncio
import time
from collections.abc import Awaitable, Iterable, Mapping
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.coordinator.assignors.roundrobin import RoundRobinPartitionAssignor
from faust.transport.drivers import aiokafka as driver
from faust.types import TP
from mode.threads import WorkerThread

from engine.log.kafka.membership import NOBODY, Membership
from engine.log.kafka.settings import KafkaSettings, client_options
from engine.log.positions import IN_HAND_MAX

ARRIVAL_S = 1.0
FETCH_BYTES = 4 << 20
IDLE_S_MAX = 10 * 365 * 86_400
"""A stage may wait for a store as long as it takes: that is no reason to leave the group."""


class _Daemon(WorkerThread):  # type: ignore[misc]
    """A consumer that will not end does not keep the process from ending: a supervisor waits to start it again."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.daemon = True


class GroupThread(driver.AIOKafkaConsumerThread):  # type: ignore[misc]
    """Its methods may be awaited on the app's event loop."""

    Worker = _Daemon

    @property
    def settings(self) -> KafkaSettings:
        """Where the brokers are."""
        settings: KafkaSettings = self.app.cluster.settings
        return settings

    @property
    def membership(self) -> Membership:
        """Whether this worker is still known."""
        membership: Membership = self.app.cluster.membership
        return membership

    def _create_worker_consumer(self, transport: Any) -> AIOKafkaConsumer:
        settings = self.settings
        return AIOKafkaConsumer(
            **client_options(settings),
            group_id=settings.group,
            group_instance_id=settings.worker,
            partition_assignment_strategy=[RoundRobinPartitionAssignor],
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            session_timeout_ms=round(settings.session_s * 1000),
            heartbeat_interval_ms=round(min(settings.session_s / 4, 3.0) * 1000),
            rebalance_timeout_ms=round(settings.rebalance_s * 1000),
            max_poll_interval_ms=IDLE_S_MAX * 1000,
            max_partition_fetch_bytes=FETCH_BYTES,
        )

    async def on_start(self) -> None:
        """Hear what the brokers say of this worker."""
        self._assignor = RoundRobinPartitionAssignor
        await super().on_start()
        coordinator = self._ensure_consumer()._coordinator
        beat = coordinator._do_heartbeat

        async def heard() -> bool:
            asked_at = time.monotonic()
            known: bool = await beat()
            if known:
                self.membership.heard(asked_at)
            return known

        coordinator._do_heartbeat = heard

    @property
    def generation(self) -> int:
        """Of the group, as this worker knows it."""
        generation: int = self._ensure_consumer()._coordinator.generation
        return generation

    async def fetched(self, tps: Iterable[TP]) -> Mapping[TP, list[Any]]:
        """What has come of partitions, a bounded number of records; at once."""
        found: Mapping[TP, list[Any]] = await self._there(self._fetched({TopicPartition(*tp) for tp in tps}))
        return found

    async def arrival(self, tps: Iterable[TP]) -> None:
        """Return when something has come, at the latest after a while."""
        await self._there(self._arrival({TopicPartition(*tp) for tp in tps}))

    async def begin(self, tp: TP, offset: int) -> None:
        """Read a partition from an offset on. IllegalStateError where it is no longer this worker's."""
        await self._there(self._begin(TopicPartition(*tp), offset))

    async def starts(self, tps: Iterable[TP]) -> Mapping[TP, tuple[int | None, int, int]]:
        """By partition: the offset that the group committed, if any; the first that is kept; the one after the last."""
        found: Mapping[TP, tuple[int | None, int, int]]
        found = await self._there(self._starts([TopicPartition(*tp) for tp in tps]))
        return found

    async def keep(self, offsets: Mapping[TP, int]) -> None:
        """Commit offsets. KafkaError where that fails."""
        await self._there(self._ensure_consumer().commit({TopicPartition(*tp): n for tp, n in offsets.items()}))

    async def hold(self) -> None:
        """Fetch nothing of what was assigned just now until it is known where to begin."""
        consumer = self._ensure_consumer()
        consumer.pause(*consumer.assignment())

    async def _there(self, work: Any) -> Any:
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(work, self.thread_loop))

    async def _fetched(self, tps: set[TopicPartition]) -> Mapping[TP, list[Any]]:
        fetcher = self._ensure_consumer()._fetcher
        with fetcher._subscriptions.fetch_context():
            found = await fetcher.fetched_records(tps, max_records=IN_HAND_MAX // 2)
        return {TP(*tp): records for tp, records in found.items()}

    async def _arrival(self, tps: set[TopicPartition]) -> None:
        fetcher = self._ensure_consumer()._fetcher
        if not tps.isdisjoint(fetcher._records):
            return
        waiter = fetcher._create_fetch_waiter()
        await asyncio.wait([waiter], timeout=ARRIVAL_S)
        if not waiter.done():
            waiter.cancel()
        elif not waiter.cancelled():
            waiter.exception()  # comes again with the next fetch

    async def _begin(self, tp: TopicPartition, offset: int) -> None:
        consumer = self._ensure_consumer()
        consumer.seek(tp, offset)
        consumer.resume(tp)

    async def _starts(self, tps: list[TopicPartition]) -> Mapping[TP, tuple[int | None, int, int]]:
        consumer = self._ensure_consumer()
        first, end = await consumer.beginning_offsets(tps), await consumer.end_offsets(tps)
        return {TP(*tp): (await consumer.committed(tp), first[tp], end[tp]) for tp in tps}


class Listener(driver.ConsumerRebalanceListener):  # type: ignore[misc]
    """Hears of assignments, in the consumer's thread."""

    def on_partitions_revoked(self, revoked: Iterable[Any]) -> Awaitable[None]:
        """Let go of partitions; or, if the group has gone on without this worker, do nothing more for ever.

        To join again under its name would throw out whoever has that name now.
        """
        thread, membership = self._thread, self._thread.membership
        if membership.generation != NOBODY and thread.generation == NOBODY:
            membership.lose()
            return _until_it_ends(thread._ensure_consumer()._coordinator)
        return super().on_partitions_revoked(revoked)  # type: ignore[no-any-return]

    async def on_partitions_assigned(self, assigned: Iterable[Any]) -> None:
        """Take partitions over, but do not read them yet."""
        await self._thread.hold()
        self._thread.membership.joined(self._thread.generation)
        await super().on_partitions_assigned(assigned)


async def _until_it_ends(coordinator: Any) -> None:
    """Then it does not know whom to ask, so that nothing is sent any more."""
    await asyncio.wait([coordinator._closing])
    coordinator.coordinator_id = None
