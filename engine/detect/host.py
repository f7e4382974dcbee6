"""Drives a detector per partition of FRAMES. An offset is a proof: nothing is judged twice, or over a hole."""

import logging
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from typing import Protocol, Self

from engine.detect.detector import Detector
from engine.detect.facts import Facts
from engine.detect.snapshot import State
from engine.detect.snapshot_store import BaseLostError, Snapshot, Snapshots, SnapshotUnusableError
from engine.log.api import Span
from engine.log.record import Record
from engine.logs import fields

logger = logging.getLogger(__name__)


class Judge(Protocol):
    """What the host drives: `engine.detect.detector.Detector`."""

    next_offset: int

    def process(self, record: Record) -> Facts:
        """Facts that follow from the record at `next_offset`."""

    def changes(self, again: Collection[str] | None = ()) -> State:
        """The state as far as it changed since the last call or `restore`, and the pieces named in `again` (None: all)."""

    @classmethod
    def restore(cls, state: State) -> Self:
        """A detector as it was."""


class NewJudge(Protocol):
    """The class of the judge."""

    def __call__(self, partition: int = 0, partitions: int = 1) -> Judge:
        """A judge that has seen nothing."""

    def restore(self, state: State) -> Judge:
        """A judge as it was when the snapshot was taken."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """The record was next. `error`: the judge could not use it, went on behind it, and these facts are empty."""

    facts: Facts
    error: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Contained:
    """The record came before; what follows from it is known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hole:
    """Records are missing before this one. It is not judged: read again from `expected`."""

    expected: int


Step = Judged | Contained | Hole


def judged(judge: Judge, record: Record) -> Judged:
    """Judge the next record. One that makes the judge fail is passed over: the same in every host and in a replay."""
    try:
        facts, error = judge.process(record), ""
    except Exception as raised:
        about = fields(stage="detect", topic=record.topic.value, partition=record.partition, offset=record.offset)
        logger.exception("%s/%s offset %s: not judged", record.topic, record.partition, record.offset, extra=about)
        judge.next_offset = record.offset + 1
        facts, error = Facts(log_ms=record.log_ms), f"{type(raised).__name__}: {raised}"
    return Judged(facts=replace(facts, partition=record.partition, offset=record.offset), error=error)


@dataclass(frozen=True, slots=True)
class Unkept:
    """Of a snapshot that was not written (yet): what the next one has to say again."""

    names: frozenset[str] | None = frozenset()  # None: all of it
    whole: bool = False


class DetectorHost:
    """The detectors of the partitions that this process was given. `span_of` says what the log holds of a partition."""

    def __init__(
        self,
        snapshots: Snapshots,
        span_of: Callable[[int], Span],
        *,
        partitions: int,
        new: NewJudge = Detector,
    ) -> None:
        self._snapshots = snapshots
        self._span_of = span_of
        self._partitions = partitions
        self._new = new
        self._judges: dict[int, Judge] = {}
        self._unkept: dict[int, Unkept] = {}
        self.generation = 0  # in which the partitions were given to this process
        self.kept_from: dict[int, int] = {}  # next offset of the snapshot on disk: the log is needed from there on

    def load(self, partition: int) -> int:
        """Take a partition over; the offset to read from. A snapshot that cannot be used is set aside and reported."""
        self._snapshots.take_over(partition, self.generation)
        judge = self._restored(partition)
        if judge is None:
            judge = self._new(partition, self._partitions)
            judge.next_offset = self._span_of(partition).first
        self._judges[partition] = judge
        self._unkept.pop(partition, None)  # of the judge before it
        return judge.next_offset

    def go_on(self, partition: int) -> int | None:
        """Take a partition over that nobody else had meanwhile; None if there is no state of it here."""
        judge = self._judges.get(partition)
        if judge is None:
            return None
        self._snapshots.take_over(partition, self.generation)
        return judge.next_offset

    def begin_anew(self, partition: int) -> None:
        """The group of the workers counts its generations from the beginning: this one is newer than what is stored."""
        self._snapshots.begin_anew(partition, self.generation)

    def drop(self, partition: int) -> None:
        """Forget a partition: somebody else has it."""
        self._judges.pop(partition, None)
        self._unkept.pop(partition, None)
        self.kept_from.pop(partition, None)

    @property
    def held(self) -> set[int]:
        """Partitions whose state is here."""
        return set(self._judges)

    def next_offset(self, partition: int) -> int:
        """The record that is judged next."""
        return self._judges[partition].next_offset

    def take(self, record: Record) -> Step:
        """Judge a record if it is the next one of its partition. One of a partition that was dropped is somebody else's."""
        judge = self._judges.get(record.partition)
        if judge is None or record.offset < judge.next_offset:
            return Contained()
        if record.offset > judge.next_offset:
            return Hole(expected=judge.next_offset)
        return judged(judge, record)

    def snapshot(self, partition: int) -> Snapshot:
        """The state of a partition now, as far as it changed since the snapshot that was last kept."""
        judge = self._judges[partition]
        unkept = self._unkept.get(partition, Unkept())
        state = judge.changes(unkept.names)
        state = replace(state, whole=state.whole or unkept.whole)
        self._unkept[partition] = Unkept(frozenset(state.pieces), state.whole)
        base = None if state.whole else self.kept_from.get(partition)
        return Snapshot(next_offset=judge.next_offset, state=state, base=base)

    def keep(self, partition: int, snapshot: Snapshot) -> None:
        """Write a snapshot. OSError where that fails: the one before it stays, and the log is read from there.

        FencedError where somebody else has the partition now.
        """
        try:
            self._snapshots.write(partition, snapshot, self.generation)
        except BaseLostError:
            self._unkept[partition] = Unkept(None)
            raise
        self._unkept.pop(partition, None)
        self.kept_from[partition] = snapshot.next_offset

    def _restored(self, partition: int) -> Judge | None:
        try:
            snapshot = self._snapshots.read(partition)
            if snapshot is None:
                return None
            self._check(partition, snapshot)
            judge = self._restore(snapshot)
        except SnapshotUnusableError as error:
            aside = self._snapshots.set_aside(partition)
            logger.error("%s; kept as %s. The log is judged again from its start", error, aside)
            return None
        self.kept_from[partition] = snapshot.next_offset
        return judge

    def _check(self, partition: int, snapshot: Snapshot) -> None:
        span, next_offset = self._span_of(partition), snapshot.next_offset
        if not span.first <= next_offset <= span.end:
            reason = f"goes up to offset {next_offset}, the log holds [{span.first}, {span.end})"
            raise SnapshotUnusableError(f"{self._snapshots.name(partition)}: {reason}: records are lost")

    def _restore(self, snapshot: Snapshot) -> Judge:
        try:
            judge = self._new.restore(snapshot.state)
        except Exception as error:  # whatever a judge of another version says
            raise SnapshotUnusableError(f"snapshot at offset {snapshot.next_offset}: {error}") from error
        if judge.next_offset != snapshot.next_offset:
            reason = f"expected a state at offset {snapshot.next_offset}, got one at {judge.next_offset}"
            raise SnapshotUnusableError(reason)
        return judge
