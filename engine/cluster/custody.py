"""What the stages of a worker do when partitions come and go."""

import asyncio
import logging
from collections import Counter
from collections.abc import AsyncIterator, Sequence, Set

from engine.app import Stages
from engine.log.errors import FencedError, LogError
from engine.log.file import Place
from engine.log.kafka.membership import Membership
from engine.log.record import Topic

logger = logging.getLogger(__name__)

POLL_S = 0.02
RETRY_S = 1.0


class StageCustody:
    """`engine.log.kafka.cluster.Custody` over the stages. `patience_s`: the others of the group wait at most twice that."""

    def __init__(self, stages: Stages, membership: Membership, counts: Counter[str], patience_s: float) -> None:
        self._stages = stages
        self._membership = membership
        self._counts = counts
        self._patience_s = patience_s
        self._let_go_in: int | None = None  # the generation in which the states that are here were let go
        self.places: Set[Place] | None = None  # None: between two assignments

    async def let_go(self, places: Set[Place]) -> None:
        """Pass over what is queued, finish what is in hand, write the states. Others wait until this returns."""
        loop = asyncio.get_running_loop()
        self.places, self._let_go_in = None, self._membership.generation
        mine = {topic: {p for t, p in places if t is topic} for topic in Topic}
        for topic, stage in self._stages.by_topic.items():
            stage.let_go(mine[topic])
        await self._finish(mine, loop.time() + self._patience_s)
        await self._stages.detect.keep(mine[Topic.FRAMES], loop.time() + self._patience_s)

    def given(self, places: Set[Place]) -> None:
        """These are this worker's now; perhaps none.

        Its states are those of the partitions if it was in every generation since it let go of them: nobody else had them.
        """
        generation = self._membership.generation
        go_on = self._let_go_in is not None and generation == self._let_go_in + 1
        self.places = places
        self._stages.detect.given(self._frames, generation, go_on=go_on)
        by_topic = {topic: sorted(p for t, p in places if t is topic) for topic in Topic}
        told = ", ".join(f"{topic} {partitions}" for topic, partitions in by_topic.items() if partitions)
        logger.info("generation %s: %s", generation, told or "no partitions: there are more workers than partitions")

    async def take_over(self, partitions: Sequence[int]) -> AsyncIterator[tuple[int, int]]:
        """Take partitions of FRAMES over, one after the other. Where their states cannot be reached it waits."""
        for n, partition in enumerate(partitions):
            await self._membership.sure()
            yield partition, await self._patiently(partition, 1 + n / len(partitions))
        logger.info("ready: works on frames %s", list(partitions))

    def start_at(self, place: Place, committed: int | None, first: int, end: int) -> int:
        """Where a partition of READINGS or ALERTS goes on, of which the log holds [first, end)."""
        topic, partition = place
        stage = self._stages.deliveries[topic]
        start = first if committed is None or committed > end else max(committed, first)
        if committed is not None and start != committed:
            name = f"{topic}/{partition}"
            logger.error("%s: %s had come to offset %s, the log holds [%s, %s)", name, stage.name, committed, first, end)
            self._counts[f"{stage.name}.lost"] += max(0, first - committed)
        stage.start_at({partition: start})
        return start

    @property
    def unready(self) -> str:
        """Why this worker does not work on its partitions yet; "" where it does."""
        if self.places is None:
            return "the group has given it no partitions yet"
        missing = sorted(self._frames - self._stages.detect.next.keys())
        return f"states of frames {missing} are being loaded" if missing else ""

    @property
    def _frames(self) -> set[int]:
        return {partition for topic, partition in self.places or () if topic is Topic.FRAMES}

    async def _finish(self, mine: dict[Topic, set[int]], until: float) -> None:
        loop = asyncio.get_running_loop()
        while late := [s.name for t, s in self._stages.by_topic.items() if s.at_work & mine[t]]:
            if loop.time() > until:
                logger.warning("%s: still at work on what will be somebody else's; it does no harm twice", ", ".join(late))
                return
            await asyncio.sleep(POLL_S)

    async def _patiently(self, partition: int, later: float) -> int:
        told = False
        while True:
            try:
                return await self._stages.detect.take_over(partition, later)
            except FencedError as error:
                await self._begin_anew(partition, error)
            except (OSError, LogError) as error:
                if not told:
                    logger.error("frames/%s: its state cannot be reached: %s", partition, error)
                told = True
                await asyncio.sleep(RETRY_S)

    async def _begin_anew(self, partition: int, error: FencedError) -> None:
        """A newer generation is stored than the group has, and the group says that this worker is in it.

        So it is another group under the same name: Kafka forgets one that nobody was in for a week, and then counts anew.
        """
        await self._membership.confirmed()
        logger.warning("%s; but the group says otherwise: it has begun anew", error)
        await self._stages.detect.begin_anew(partition)
