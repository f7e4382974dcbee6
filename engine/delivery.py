"""The stages after the judge: decode a record, hand it over until it is safe, refuse what can never be handed over."""

import logging
from collections import Counter
from collections.abc import Callable, Mapping, Sequence, Set
from typing import Generic, Protocol, TypeVar

from engine.log.reader import is_stand_in
from engine.log.record import Record
from engine.logs import fields
from engine.stage_thread import StageThread
from engine.stages import DeadLetter, Retry, Store
from engine.tenure import Alone, Tenure
from sensors.frames import RecordDamaged

logger = logging.getLogger(__name__)

T = TypeVar("T")


class Stage(Protocol):
    """What an agent feeds. By partition: `next`, the offset it goes on with, and `done_ms`, the log time of its last record.

    It counts what it is given, and each record once more: `<name>.in` = `.taken` + `.refused` + `.contained` (known
    already) + `.let_go` (its partition went to another worker), and for the judge + `.holes` (it comes again).
    """

    name: str
    next: dict[int, int]
    done_ms: dict[int, int]
    at_work: frozenset[int]  # the partitions whose records are in hand

    @property
    def blocked(self) -> str:
        """Why it waits for the outside world; "" where it does not."""

    async def take(self, records: Sequence[Record]) -> None:
        """Do everything that the records ask for, in order; return when all of it is safe."""

    def let_go(self, partitions: Set[int]) -> None:
        """Other processes go on with these: what is queued of them is passed over, what waits is given up."""


class DeadLetters:
    """Records that a stage could not use, on their way to the store."""

    def __init__(self, store: Store, thread: StageThread, counts: Counter[str]) -> None:
        self._store = store
        self._thread = thread
        self._counts = counts

    async def refuse(self, stage: str, record: Record, detail: str) -> None:
        """Keep the record where somebody can read it, and count it."""
        self._counts[f"{stage}.refused"] += 1
        letter = DeadLetter(
            stage=stage,
            topic=record.topic,
            partition=record.partition,
            offset=record.offset,
            log_ms=record.log_ms,
            detail=detail,
            body=record.body,
        )
        place = f"{record.topic}/{record.partition} offset {record.offset}"
        logger.error("%s: %s: refused: %s", stage, place, detail, extra=_about(stage, record))
        try:
            await self._thread.until_done(lambda: self._store.refuse(letter))
        except Exception:  # it stands in the log, and now in the process's log
            logger.exception("%s: %s: the dead letter could not be kept", stage, place, extra=_about(stage, record))


class Delivery(Generic[T]):
    """One stage after the judge."""

    def __init__(
        self,
        name: str,
        *,
        decode: Callable[[bytes], T],
        hand_over: Callable[[Sequence[T]], Retry | None],
        thread: StageThread,
        letters: DeadLetters,
        counts: Counter[str],
        tenure: Tenure | None = None,
        offset_of: Callable[[T], int] | None = None,
    ) -> None:
        self.name = name
        self.next: dict[int, int] = {}
        self.done_ms: dict[int, int] = {}
        self.at_work: frozenset[int] = frozenset()
        self._tenure = tenure or Alone()
        self._offset_of = offset_of
        self._newest: dict[int, int] = {}  # by partition: the FRAMES record whose facts were handed over last
        self._decode = decode
        self._hand_over = hand_over
        self._thread = thread
        self._letters = letters
        self._counts = counts

    @property
    def blocked(self) -> str:
        """Why it waits for the outside world; "" where it does not."""
        return self._thread.blocked

    def start_at(self, offsets: Mapping[int, int]) -> None:
        """The offsets it goes on with after a start."""
        self.next.update(offsets)

    def let_go(self, partitions: Set[int]) -> None:
        """Other processes go on with these: what is queued of them is passed over, what waits is given up."""
        for partition in partitions:
            for known in (self.next, self.done_ms, self._newest):
                known.pop(partition, None)

    async def take(self, records: Sequence[Record]) -> None:
        """Hand the records over; return when each is safe, or kept as a dead letter.

        They go together. Where that cannot be, one by one, to find out which of them it is. A record of a partition that
        was let go, before or meanwhile, is passed over.
        """
        self.at_work = frozenset(record.partition for record in records)
        self._counts[f"{self.name}.in"] += len(records)
        try:
            await self._tenure.sure()
            mine = [record for record in records if record.partition in self.next]
            self._count("let_go", len(records) - len(mine))
            if len(mine) == 1 or (mine and not await self._all(mine)):
                for record in mine:
                    await self._one(record)
        finally:
            self.at_work = frozenset()

    async def _one(self, record: Record) -> None:
        refused = "damaged in the log" if is_stand_in(record) else await self._try(record)
        if refused:
            await self._letters.refuse(self.name, record, refused)
            self._passed((record,))

    async def _all(self, records: Sequence[Record]) -> bool:
        """Whether they could be handed over together."""
        if any(is_stand_in(record) for record in records):
            return False
        try:
            await self._give(records)
        except Exception as error:
            logger.debug("%s: %d records one by one: %s", self.name, len(records), error)
            return False
        return True

    async def _try(self, record: Record) -> str:
        """Why it can never be handed over; "" when it was."""
        try:
            await self._give((record,))
        except RecordDamaged as error:
            return str(error)
        except Exception as error:
            about = _about(self.name, record)
            logger.exception("%s: %s/%s offset %s", self.name, record.topic, record.partition, record.offset, extra=about)
            return f"{type(error).__name__}: {error}"
        return ""

    async def _give(self, records: Sequence[Record]) -> None:
        bodies = [record.body for record in records]
        decoded = await self._thread.call(lambda: [self._decode(body) for body in bodies])
        news = [(r, c) for r, c in zip(records, decoded, strict=True) if not self._came_before(r.partition, c)]
        contents = [content for _, content in news]
        done = not news or await self._thread.until_done(lambda: self._hand_over(contents), lambda: self._has(news))
        if not done:
            self._count("let_go", len(records))
            return
        self._count("taken", len(news))
        self._count("contained", len(records) - len(news))
        self._note(news)
        self._passed(records)

    def _has(self, news: Sequence[tuple[Record, T]]) -> bool:
        return all(record.partition in self.next for record, _ in news)

    def _came_before(self, partition: int, content: T) -> bool:
        """Whether a worker says again what was handed over: one that was replaced may say it late, after what followed."""
        return self._offset_of is not None and 0 <= self._offset_of(content) <= self._newest.get(partition, -1)

    def _note(self, news: Sequence[tuple[Record, T]]) -> None:
        for record, content in news if self._offset_of is not None else ():
            newest = self._newest.get(record.partition, -1)
            self._newest[record.partition] = max(newest, self._offset_of(content))  # type: ignore[misc]

    def _count(self, name: str, number: int) -> None:
        if number:
            self._counts[f"{self.name}.{name}"] += number

    def _passed(self, records: Sequence[Record]) -> None:
        for record in records:
            if record.partition in self.next:
                self.next[record.partition] = record.offset + 1
                self.done_ms[record.partition] = record.log_ms


def _about(stage: str, record: Record) -> dict[str, dict[str, object]]:
    return fields(stage=stage, topic=record.topic.value, partition=record.partition, offset=record.offset)
