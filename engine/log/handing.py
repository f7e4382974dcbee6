"""What the consumers of every transport share: how records are handed to the agents, acknowledged and committed.

Faust's own consumer sleeps a second when all partitions have full buffers, makes two tasks per record, commits first
after two intervals, can commit past a record that is still worked on, and waits without end for acknowledgements.
"""

import asyncio
from abc import abstractmethod
from collections.abc import Iterable, Mapping
from typing import Any

from faust.transport import base
from faust.types import TP
from mode import Service, get_logger

from engine.log.positions import Positions
from engine.log.record import Topic

logger = get_logger(__name__)

WAIT_EMPTY_S = 10.0
"""A stop waits at most so long for agents to acknowledge what they hold."""

Place = tuple[Topic, int]


class HandingConsumer(base.Consumer):  # type: ignore[misc]
    """Hands records to agents in offset order, a bounded number of each partition at a time."""

    logger = logger
    abstract = True

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._positions = Positions()
        self._news = asyncio.Event()  # somebody acknowledged, committed, or went elsewhere

    @abstractmethod
    def place_of(self, tp: TP) -> Place:
        """Topic and partition as the log has them."""

    @abstractmethod
    async def next_records(self, room: Mapping[TP, int]) -> Mapping[TP, list[Any]]:
        """What there is at the positions of partitions, up to so many of each; at once."""

    @abstractmethod
    async def wait_for_records(self, fetcher: Service) -> None:
        """Return when `next_records` may have something: at the latest when `_news` is set or the fetcher stops."""

    def stop_flow(self) -> None:
        """Hand out nothing more. The end of the app begins with it: what is acknowledged from now on was cut off."""
        super().stop_flow()
        if self.app.should_stop:
            self._positions.freeze()

    async def position(self, tp: TP) -> int | None:
        """Offset of the next record to hand over."""
        return self._positions.next(self.place_of(tp))

    async def seek_wait(self, partitions: Mapping[TP, int]) -> None:
        """Go to offsets."""
        for tp, offset in partitions.items():
            await self.seek(tp, offset)

    async def _drain_messages(self, fetcher: Service) -> None:
        """Until the fetcher stops: hand over what there is room for, then wait for a commit, an ack or a seek."""
        while not (self.should_stop or fetcher.should_stop):
            self._news.clear()
            if self.flow_active and await self._hand_over():
                await asyncio.sleep(0)
            elif self.flow_active:
                self._tell_of_acknowledgements()
                await self.wait_for_records(fetcher)
            else:
                await fetcher.wait(self.can_resume_flow)

    async def _hand_over(self) -> int:
        """Give the agents what there is room for; how many records that were."""
        room = {tp: n for tp in sorted(self._get_active_partitions()) if (n := self._room(tp)) > 0}
        moves = {tp: self._positions.moves(self.place_of(tp)) for tp in room}
        handed = 0
        for tp, records in (await self.next_records(room)).items():
            place = self.place_of(tp)
            for record in records:
                if not self.flow_active or self._positions.moves(place) != moves.get(tp):
                    break  # somebody went elsewhere meanwhile
                message = self._to_message(tp, record)
                self._positions.hand_out(place, message)
                await self.callback(message)
                handed += 1
        return handed

    def _room(self, tp: TP) -> int:
        place = self.place_of(tp)
        return 0 if self._positions.next(place) is None else self._positions.room(place)

    def _tell_of_acknowledgements(self) -> None:
        acknowledged = self._waiting_for_ack = asyncio.get_running_loop().create_future()
        acknowledged.add_done_callback(lambda _: self._news.set())

    def _new_offset(self, tp: TP) -> int | None:
        return self._positions.committable(self.place_of(tp))

    def _filter_tps_with_pending_acks(self, topics: Any = None) -> list[TP]:
        tps = [tp for tp in self.assignment() if self._positions.next(self.place_of(tp)) is not None]
        return [tp for tp in tps if topics is None or tp in topics or tp.topic in topics]

    async def _commit_tps(self, tps: Iterable[TP], start_new_transaction: bool) -> bool:
        offsets = self._filter_committable_offsets(tps)
        if not offsets:
            return False
        await self._handle_attached(offsets)
        await self.app.producer.flush()
        done: bool = await self._commit(offsets)
        if done:
            self._committed_offset.update(offsets)
            self.app.monitor.on_tp_commit(offsets)
        for tp in offsets:  # Faust's own book of acknowledgements would grow for ever
            self._acked[tp].clear()
            self._acked_index[tp].clear()
        return done

    @Service.task  # type: ignore[untyped-decorator]
    async def _commit_handler(self) -> None:
        async for _ in self.itertimer(self.commit_interval, name="commit"):
            await self.commit()

    @Service.task  # type: ignore[untyped-decorator]
    async def _commit_livelock_detector(self) -> None:
        """Faust's compares two clocks that have nothing to do with each other; hosts watch their stages themselves."""

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

    def _in_hand(self) -> dict[Place, int]:
        return {place: count for place in self._positions if (count := self._positions.in_hand(place))}

    def _new_topicpartition(self, topic: str, partition: int) -> TP:
        return TP(topic, partition)
