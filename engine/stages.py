"""What the stages after the judge offer to the app: a store for facts, a duty desk for alerts, an intake before it.

Every call may come twice for the same record: after a crash the log is read again from the last committed place. Ids
come from meaning, so a second call changes nothing (`Facts.partition` and `Facts.offset` name the record of FRAMES).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from engine.detect.facts import Facts
from engine.log.record import Topic
from rules.alert import AlertEvent


@dataclass(frozen=True, slots=True, kw_only=True)
class Retry:
    """The outside world failed; nothing is lost. The stage waits and makes the same call again, for ever."""

    reason: str  # place, value and expectation; said once when it starts and once when it is over
    after_s: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetter:
    """A log record that a stage could not use. (topic, partition, offset, stage) is its identity."""

    stage: str  # "detect", "store" or "duty"
    topic: Topic
    partition: int
    offset: int
    log_ms: int
    detail: str  # place, value and expectation
    body: bytes  # the record as it stands in the log


class Store(Protocol):
    """Keeps readings, verdicts and refusals. Called from one thread of its own, one call at a time.

    That thread is not the one that made the store, nor the one of the event loop: a call may block.
    """

    def write_all(self, run: Sequence[Facts]) -> Retry | None:
        """Keep what follows from records of FRAMES, in order; None when all of it is safe on disk. Idempotent.

        An exception means that some of these facts can never be written: they are offered again one record at a time,
        and become a dead letter where it is raised again.
        """

    def refuse(self, letter: DeadLetter) -> Retry | None:
        """Keep a record that a stage could not use, where somebody can read it. Idempotent."""


class Desk(Protocol):
    """Takes the steps of alerts over into duty. Called from one thread of its own, one call at a time."""

    def take(self, events: Sequence[AlertEvent]) -> Retry | None:
        """Take over the events of records of FRAMES, in order; None when they are safe.

        Idempotent by (alert_id, seq).
        """


class Service(Protocol):
    """Something that runs beside the stages, on the app's event loop: the sender of pages, for example."""

    async def start(self) -> None:
        """Begin. What it raises ends the host."""

    async def stop(self) -> None:
        """End in order."""


class Intake(Service, Protocol):
    """Receives payloads and appends them to FRAMES.

    `start` listens and raises OSError where it cannot. `stop` takes nothing more, and returns when every payload that
    was acknowledged is in the log.
    """

    @property
    def failure(self) -> Exception | None:
        """Why it ended by itself; None: it did not."""

    @property
    def counts(self) -> Mapping[str, int]:
        """What it received, refused and stored since it started."""
