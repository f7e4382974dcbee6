"""What a log offers, whatever stands behind it: one SQLite file (`engine.log.sqlite`), or a Kafka cluster later."""

from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, Protocol

from engine.histogram import Histogram
from engine.log.errors import LogError
from engine.log.record import Record, RecordKind, Topic

FrameRow = tuple[str, str, bytes]
"""(login that was authenticated, MN in the topic it was published under, payload as received)."""

DataRow = tuple[Topic, int, bytes]
"""(topic, partition, body) of a DATA record."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """The record is on disk: it survives the death of the process and of the power supply."""

    topic: Topic
    partition: int
    offset: int
    log_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class NotStored:
    """Nothing of it is in the log, and nothing else was lost. The producer keeps it, or refuses it to its sender."""

    reason: str  # place, value and expectation, for people
    retry: bool = True  # the same may succeed later (disk full); False: never (log closed, log time in the past)


Appended = Stored | NotStored
"""What became of an append. A sender may be acknowledged only on `Stored`: check with isinstance."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """The offsets [first, end) that a partition holds."""

    first: int
    end: int


class FrameLog(Protocol):
    """What an intake needs of a log."""

    async def append_frames(self, partition: int, rows: list[FrameRow]) -> Appended:
        """Append payloads to FRAMES; resolves after the commit. On `NotStored` none of them is in the log."""


class Log(Protocol):
    """Ordered, durable streams of records. Offsets of a partition have no gaps; log time strictly increases in it."""

    def partitions(self, topic: Topic) -> int:
        """How many partitions the topic has; the same for the life of the log."""

    def append(
        self,
        topic: Topic,
        partition: int,
        kind: RecordKind,
        body: bytes,
        *,
        log_ms: int | None = None,
        key: bytes = b"",
    ) -> Future[Appended]:
        """Append one record. The future resolves after the commit; it never raises for a failing disk.

        `log_ms` None: the log sets it, max(last of the partition + 1, now). A given one must be higher than the last.
        Appends of one caller to one partition stand in the order of the calls. May be called from any thread.
        """

    async def put(
        self,
        topic: Topic,
        partition: int,
        kind: RecordKind,
        body: bytes,
        *,
        log_ms: int | None = None,
        key: bytes = b"",
    ) -> Appended:
        """`append` for a caller on an event loop."""

    async def put_all(self, rows: Sequence[DataRow]) -> Appended:
        """Append DATA records, at least one, in order; resolves after the commit of the last with what became of it.

        On `NotStored` none of them is in an embedded log. In Kafka some may be, and stand there again, in order, when the
        caller makes the same call again: whatever reads the log knows them for what they are.
        """

    async def append_frames(self, partition: int, rows: list[FrameRow]) -> Appended:
        """Append payloads to FRAMES; resolves after the commit. Calls that wait together share one record.

        All of `rows` stand in one record, in order, at one log time; on `NotStored` none of them is in the log.
        """

    def read(self, topic: Topic, partition: int, from_offset: int, limit: int) -> list[Record]:
        """Up to `limit` records from `from_offset` (or from the first kept one, if that is higher), in order."""

    def span(self, topic: Topic, partition: int) -> Span:
        """The offsets that a partition holds now."""


class HostLog(Log, Protocol):
    """A log as the host sees it that works on it."""

    failure: LogError | None
    """Why nothing can be appended any more; None: it can."""

    committed_at: float
    """When it was last heard of, by the monotonic clock: a commit, or an answer of the brokers."""

    @property
    def trouble(self) -> str:
        """Why it takes nothing at present (a full disk, no brokers); "": it does."""

    @property
    def commits(self) -> Histogram:
        """Seconds that each commit took."""

    @property
    def damaged(self) -> Sequence[str]:
        """Records that could not be read."""

    def end(self, topic: Topic, partition: int) -> int:
        """Offset after the last record, as far as it is known here; asks nobody."""

    def status(self) -> dict[str, Any]:
        """What it holds, as JSON."""

    def close(self) -> None:
        """Append what waits, and let go of it. May block."""
