"""The judge as a stage: what follows from a record is durable before the snapshot moves past it."""

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence, Set

import numpy as np

from engine.delivery import DeadLetters
from engine.detect.facts import Facts, Outcome
from engine.detect.host import Contained, DetectorHost, Hole, Judged, Step
from engine.detect.snapshot_store import Snapshot
from engine.log.api import DataRow, Log
from engine.log.errors import FencedError
from engine.log.events_codec import encode_events
from engine.log.facts_codec import encode_facts, says_something
from engine.log.patient import until_stored
from engine.log.positions import IN_HAND_MAX
from engine.log.reader import is_stand_in
from engine.log.record import Record, Topic
from engine.logs import fields
from engine.stage_thread import StageThread
from engine.tenure import Alone, Tenure

logger = logging.getLogger(__name__)

SEEKS_MAX = 3
"""So often the same record is asked for again before the stage gives up."""

SHARE = 0.05
"""Making snapshots takes at most this share of the judge's time."""

Seek = Callable[[int, int], Awaitable[None]]
"""Read a partition of FRAMES again from an offset."""


class HoleError(RuntimeError):
    """Records are missing in the log, and asking again does not bring them."""


class DetectStage:
    """Feeds the detectors, in a thread of their own, and sends what they say to READINGS and ALERTS."""

    name = "detect"

    def __init__(
        self,
        host: DetectorHost,
        log: Log,
        letters: DeadLetters,
        counts: Counter[str],
        *,
        snapshot_s: float,
        tenure: Tenure | None = None,
    ) -> None:
        self.next: dict[int, int] = {}
        self.done_ms: dict[int, int] = {}
        self.kept_at: dict[int, float] = {}  # by partition: monotonic clock when its state was last written, or loaded
        self.at_work: frozenset[int] = frozenset()
        self.seek: Seek = _nowhere
        self._unsent: set[int] = set()  # partitions whose state is ahead of what is known to have been sent
        self.fenced: FencedError | None = None  # somebody else has written the state of one of its partitions
        self._tenure = tenure or Alone()
        self._host = host
        self._log = log
        self._letters = letters
        self._counts = counts
        self._snapshot_s = snapshot_s
        self.thread = StageThread("detect")
        self._holes: dict[int, _Search] = {}
        self._due: dict[int, float] = {}
        self._writing: asyncio.Task[None] | None = None
        self._one_at_a_time = asyncio.Lock()

    @property
    def blocked(self) -> str:
        """Why it waits for the outside world; "" where it does not."""
        return ""

    @property
    def kept_from(self) -> Mapping[int, int]:
        """By partition: the offset from which the log is needed."""
        return self._host.kept_from

    async def load(self, partitions: Sequence[int]) -> None:
        """Take partitions over. A large state takes longer than Faust waits for a seek, so this comes before it."""
        for n, partition in enumerate(partitions):
            await self.take_over(partition, 1 + n / len(partitions))

    def given(self, partitions: Set[int], generation: int, *, go_on: bool) -> None:
        """These will be taken over. States of others are dropped, and of all, unless nobody else had them: `go_on`.

        So are those that contain records of which nobody knows whether what follows was sent: Faust cancels what an agent
        is at when partitions move. They are judged again from their snapshot, and said again.
        """
        self._host.generation = generation
        for partition in self._host.held - ((partitions if go_on else set()) - self._unsent):
            self._host.drop(partition)
        self._unsent.clear()

    async def take_over(self, partition: int, later: float = 1.0) -> int:
        """Take a partition over; the offset to read from. OSError where its state cannot be reached."""
        offset = await self.thread.call(lambda: self._taken_over(partition))
        self._holes.pop(partition, None)
        self.next[partition] = offset
        self.kept_at[partition] = time.monotonic()
        self._due[partition] = self.kept_at[partition] + self._snapshot_s * later
        return offset

    async def begin_anew(self, partition: int) -> None:
        """The group counts its generations from the beginning. OSError where the states cannot be reached."""
        await self.thread.call(lambda: self._host.begin_anew(partition))

    def _taken_over(self, partition: int) -> int:
        offset = self._host.go_on(partition)
        return self._host.load(partition) if offset is None else offset

    def let_go(self, partitions: Set[int]) -> None:
        """Other processes may go on with these soon: what is queued of them is passed over."""
        for partition in partitions:
            for known in (self.next, self.done_ms, self.kept_at):
                known.pop(partition, None)

    async def keep(self, partitions: Set[int], until: float) -> None:
        """Write the states of partitions that were let go, until a moment of the loop's clock, for whoever goes on.

        Not of one whose last record is not finished. What is not written is judged again from the snapshot before.
        """
        loop = asyncio.get_running_loop()
        for partition in sorted((partitions & self._host.held) - self.at_work - self._unsent):
            if self._tenure.is_sure and loop.time() < until:
                await self._snapshot(partition)
        if self._writing is not None:
            await asyncio.wait([self._writing], timeout=max(0.0, until - loop.time()))

    async def resume_at(self, partitions: Sequence[int]) -> Mapping[int, int]:
        """The offsets to read from."""
        return {partition: self.next[partition] for partition in partitions}

    async def take(self, records: Sequence[Record]) -> None:
        """Judge the records, one by one, those that are the next ones; return when what follows is on disk."""
        self.at_work = frozenset(record.partition for record in records)
        self._counts["detect.in"] += len(records)
        await self._tenure.sure()
        mine = [record for record in records if record.partition in self.next]
        if len(mine) < len(records):
            self._counts["detect.let_go"] += len(records) - len(mine)
        try:
            if mine:
                await self._take(mine)
            partitions = self.at_work
        finally:
            self.at_work = frozenset()
        for partition in sorted(partitions & self.next.keys()):
            await self._snapshot_if_due(partition)

    async def _take(self, records: Sequence[Record]) -> None:
        partitions = {record.partition for record in records}
        if left := partitions & self._unsent:
            raise RuntimeError(f"frames {sorted(left)}: expected that what was judged before had been sent")
        self._unsent |= partitions
        steps = await self.thread.call(lambda: self._judge(records))
        await self._tenure.sure()
        await self._send([row for _, rows in steps for row in rows])
        self._unsent -= partitions
        for record, (step, _) in zip(records, steps, strict=True):
            match step:
                case Contained():
                    self._counts["detect.contained"] += 1
                case Hole(expected=expected):
                    await self._go_back(record, expected)
                case Judged():
                    await self._done(record, step)

    def _judge(self, records: Sequence[Record]) -> list[tuple[Step, list[DataRow]]]:
        """What became of each record, and what is to be sent of it. Runs on the thread of the detectors."""
        steps = [self._host.take(record) for record in records]
        return [(step, rows_of(step.facts) if isinstance(step, Judged) else []) for step in steps]

    async def _done(self, record: Record, step: Judged) -> None:
        """What follows from the record is on disk."""
        self._count(step.facts)
        if step.error or is_stand_in(record):
            await self._letters.refuse(self.name, record, step.error or "damaged in the log")
        else:
            self._counts["detect.taken"] += 1
        self._holes.pop(record.partition, None)
        if record.partition in self.next:
            self.next[record.partition] = record.offset + 1
            self.done_ms[record.partition] = record.log_ms

    async def stop(self) -> None:
        """Write the last snapshots: not of a partition whose last record is not finished."""
        for partition in (self.next.keys() & self._host.held) - self.at_work - self._unsent if self._tenure.is_sure else ():
            await self._snapshot(partition)
        await self._written()
        self.thread.close()

    async def _go_back(self, record: Record, expected: int) -> None:
        """Ask for the missing record, once for each time that it was not among what came."""
        self._counts["detect.holes"] += 1
        search = self._holes.setdefault(record.partition, _Search())
        if search.on_its_way(record.offset):
            return
        search.seeks += 1
        place = f"frames/{record.partition}"
        if search.seeks > SEEKS_MAX:
            raise HoleError(f"{place}: expected offset {expected}, the log goes on with {record.offset}")
        about = fields(stage="detect", topic="frames", partition=record.partition, offset=record.offset, expected=expected)
        logger.error("%s: expected offset %s, got %s: not judged, read again", place, expected, record.offset, extra=about)
        await self.seek(record.partition, expected)

    async def _send(self, rows: Sequence[DataRow]) -> None:
        """Facts and events to their topics: in order, and in one commit where the log can."""
        if rows:
            await until_stored(lambda: self._log.put_all(rows))

    def _count(self, facts: Facts) -> None:
        self._counts["detect.events"] += len(facts.events)
        self._counts["detect.verdicts"] += len(facts.verdicts or ())
        self._counts.update(facts.counts)
        self._counts.update(f"refusal.{refusal.reason.value}" for refusal in facts.refused)
        for code, count in enumerate(np.bincount(facts.outcome)):
            if count:
                self._counts[f"reading.{Outcome(code).name.lower()}"] += int(count)

    async def _snapshot_if_due(self, partition: int) -> None:
        if time.monotonic() >= self._due[partition]:
            took_s = await self._snapshot(partition)
            self._due[partition] = time.monotonic() + max(self._snapshot_s, took_s / SHARE)

    async def _snapshot(self, partition: int) -> float:
        """Take the state and begin to write it; seconds for which nothing was judged."""
        async with self._one_at_a_time:  # partitions that move have theirs taken while the agent is at one
            await self._written()
            began = time.monotonic()
            if partition in self._host.held:
                snapshot = await self.thread.call(lambda: self._host.snapshot(partition))
                self._writing = asyncio.create_task(self._write(partition, snapshot), name="snapshot")
            return time.monotonic() - began

    async def _written(self) -> None:
        """Wait for the snapshot under way. Whoever is cancelled meanwhile does not cancel it."""
        writing = self._writing
        if writing is not None:
            await asyncio.wait([writing])
            writing.result()

    async def _write(self, partition: int, snapshot: Snapshot) -> None:
        try:
            await asyncio.to_thread(self._host.keep, partition, snapshot)
        except FencedError as error:
            self.fenced = error
        except OSError as error:
            self._counts["detect.snapshots_failed"] += 1
            about = fields(stage="detect", topic="frames", partition=partition)
            logger.error("no snapshot of frames/%s: %s; the one before it stays", partition, error, extra=about)
        else:
            self._counts["detect.snapshots"] += 1
            self.kept_at[partition] = time.monotonic()


def rows_of(facts: Facts) -> list[DataRow]:
    """What is sent of facts: to READINGS, and the events to ALERTS."""
    rows: list[DataRow] = []
    if says_something(facts):
        rows.append((Topic.READINGS, facts.partition, encode_facts(facts)))
    if facts.events:
        rows.append((Topic.ALERTS, facts.partition, encode_events(facts.events)))
    return rows


class _Search:
    """For a missing record: how often it was asked for, and what came instead."""

    def __init__(self) -> None:
        self.seeks = 0
        self._seen = -1
        self._passed = 0

    def on_its_way(self, offset: int) -> bool:
        """Whether this record was handed out before the last seek: they come in order, and they are few."""
        self._passed = self._passed + 1 if self.seeks and offset > self._seen else 0
        self._seen = offset
        return 0 < self._passed <= IN_HAND_MAX


async def _nowhere(partition: int, offset: int) -> None:
    raise HoleError(f"frames/{partition}: nobody can read it again from offset {offset}")
