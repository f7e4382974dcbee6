"""What an app on `outfall+kafka://` stands on, and what it asks of its stages when partitions come and go."""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence, Set
from dataclasses import dataclass, field
from typing import Protocol

from engine.log.file import Place
from engine.log.kafka.log import KafkaLog
from engine.log.kafka.membership import Membership
from engine.log.kafka.settings import KafkaSettings
from engine.log.record import Topic


class Custody(Protocol):
    """What the stages of a worker do with the partitions that they are given."""

    async def let_go(self, places: Set[Place]) -> None:
        """Finish what is in hand, but not for ever; keep states for whoever goes on. Others wait until this returns."""

    def given(self, places: Set[Place]) -> None:
        """These are this worker's now; perhaps none."""

    def take_over(self, partitions: Sequence[int]) -> AsyncIterator[tuple[int, int]]:
        """Take partitions of FRAMES over: each with the offset to read from, as soon as its state is there."""

    def start_at(self, place: Place, committed: int | None, first: int, end: int) -> int:
        """Where a partition of READINGS or ALERTS goes on, of which the log holds [first, end)."""


@dataclass(slots=True, kw_only=True)
class Cluster:
    """The part of a host that its transport needs: `app.cluster`."""

    settings: KafkaSettings
    log: KafkaLog
    membership: Membership
    custody: Custody
    fail: Callable[[str, Exception], None]  # a stage ended by itself: its name, and why
    topics: Mapping[str, Topic] = field(init=False)  # by their names on the brokers

    def __post_init__(self) -> None:
        self.topics = {self.settings.topic(topic): topic for topic in Topic}
