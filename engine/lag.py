"""How far each stage is behind the log: in records, and in seconds."""

from collections.abc import Callable, Mapping

from engine.delivery import Stage
from engine.log.record import Topic

Place = tuple[Topic, int]


class Lag:
    """What is left to do. `end` gives the offset after the last record of a partition without asking a disk.

    `behind_s` is exact where it is asked (or `look` is called) every now and then: it is the time since a stage was last
    seen at the end of its partition, or the age of the last record that it did, whichever is less.
    """

    def __init__(
        self, stages: Mapping[Topic, Stage], end: Callable[[Topic, int], int], now_ms: Callable[[], int]
    ) -> None:
        self.stages = stages
        self._end = end
        self._now_ms = now_ms
        self._began_ms = now_ms()
        self._seen_at_end: dict[Place, int] = {}

    def records(self, topic: Topic, partition: int) -> int:
        """Records that the stage has not finished."""
        return max(0, self._end(topic, partition) - self.stages[topic].next[partition])

    def of_stage(self, topic: Topic) -> int:
        """The same of all its partitions."""
        return sum(self.records(topic, partition) for partition in self.stages[topic].next)

    def behind_s(self, topic: Topic, partition: int) -> float:
        """For how long it has been behind; 0: it is at the end."""
        now = self._now_ms()
        if not self.records(topic, partition):
            self._seen_at_end[topic, partition] = now
            return 0.0
        since = max(self._seen_at_end.get((topic, partition), self._began_ms), self.done_ms(topic, partition) or 0)
        return max(0, now - since) / 1000

    def behind_most_s(self, topic: Topic) -> float:
        """The same of the partition that is most behind."""
        return max((self.behind_s(topic, partition) for partition in list(self.stages[topic].next)), default=0.0)

    def done_ms(self, topic: Topic, partition: int) -> int | None:
        """Log time of the last record that it did; None: none yet."""
        return self.stages[topic].done_ms.get(partition)

    def age_s(self, topic: Topic, partition: int) -> float | None:
        """Age of that record."""
        done_ms = self.done_ms(topic, partition)
        return None if done_ms is None else max(0, self._now_ms() - done_ms) / 1000

    async def look(self) -> None:
        """Note which partitions are at their end."""
        for topic, stage in self.stages.items():
            for partition in list(stage.next):
                self.behind_s(topic, partition)
