"""The stages after the judge: decode a record, hand it over until it is safe, refuse what can never be handed over."""

import logging
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Generic, Protocol, TypeVar

from engine.log.reader import is_stand_in
from engine.log.record import Record
from engine.logs import fields
from engine.stage_thread import StageThread
from engine.stages import DeadLetter, Retry, Store
from sensors.frames import RecordDamaged

logger = logging.getLogger(__name__)

T = TypeVar("T")


class Stage(Protocol):
    """What an agent feeds. By partition: `next`, the offset it goes on with, and `done_ms`, the log time of its last record.

    It counts what it is given, and each record once more: `<name>.in` = `.taken` + `.refused`, and for the judge
    + `.contained` + `.holes` (the same record comes again).
    """

    name: str
    next: dict[int, int]
    done_ms: dict[int, int]

    @property
    def blocked(self) -> str:
        """Why it waits for the outside world; "" where it does not."""

    async def take(self, records: Sequence[Record]) -> None:
        """Do everything that the records ask for, in order; return when all of it is safe."""


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
    ) -> None:
        self.name = name
        self.next: dict[int, int] = {}
        self.done_ms: dict[int, int] = {}
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

    async def take(self, records: Sequence[Record]) -> None:
        """Hand the records over; return when each is safe, or kept as a dead letter.

        They go together. Where that cannot be, one by one, to find out which of them it is.
        """
        self._counts[f"{self.name}.in"] += len(records)
        if len(records) > 1 and await self._all(records):
            self._counts[f"{self.name}.taken"] += len(records)
            self._passed(records)
            return
        for record in records:
            refused = "damaged in the log" if is_stand_in(record) else await self._try(record)
            if refused:
                await self._letters.refuse(self.name, record, refused)
            else:
                self._counts[f"{self.name}.taken"] += 1
            self._passed((record,))

    def _passed(self, records: Sequence[Record]) -> None:
        for record in records:
            self.next[record.partition] = record.offset + 1
            self.done_ms[record.partition] = record.log_ms

    async def _all(self, records: Sequence[Record]) -> bool:
        """Whether they could be handed over together."""
        if any(is_stand_in(record) for record in records):
            return False
        try:
            await self._give([record.body for record in records])
        except Exception as error:
            logger.debug("%s: %d records one by one: %s", self.name, len(records), error)
            return False
        return True

    async def _try(self, record: Record) -> str:
        """Why it can never be handed over; "" when it was."""
        try:
            await self._give([record.body])
        except RecordDamaged as error:
            return str(error)
        except Exception as error:
            about = _about(self.name, record)
            logger.exception("%s: %s/%s offset %s", self.name, record.topic, record.partition, record.offset, extra=about)
            return f"{type(error).__name__}: {error}"
        return ""

    async def _give(self, bodies: Sequence[bytes]) -> None:
        contents = await self._thread.call(lambda: [self._decode(body) for body in bodies])
        await self._thread.until_done(lambda: self._hand_over(contents))


def _about(stage: str, record: Record) -> dict[str, dict[str, object]]:
    return fields(stage=stage, topic=record.topic.value, partition=record.partition, offset=record.offset)
