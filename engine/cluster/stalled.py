"""Watches whether a worker gets on: consumers have been seen to die without a word while the log grew."""

import time
from collections.abc import Callable

from engine.app import Stages
from engine.log.errors import StalledError
from engine.log.record import Topic

CALL_S_MAX = 900.0
"""A call of a stage may take as long, and then counts as getting on."""

Place = tuple[Topic, int]


class Stalled:
    """Finds partitions of which nothing is finished for `stalled_s` although the log holds more, for no known reason.

    `end` says how far a partition goes, and is asked of the brokers beside the consumer. While `trouble` is known, and
    while a stage waits for the outside world or is in the middle of a call, there is a reason.
    """

    def __init__(
        self,
        stages: Stages,
        end: Callable[[Topic, int], int],
        trouble: Callable[[], str],
        unready: Callable[[], str],
        stalled_s: float,
    ) -> None:
        self._stages = stages
        self._end = end
        self._trouble = trouble
        self._unready = unready
        self._stalled_s = stalled_s
        self._seen: dict[Place, tuple[int, float]] = {}  # offset of the next record, and since when
        self._unready_since: float | None = None
        self.failure: StalledError | None = None

    async def look(self) -> None:
        """Called every second or so."""
        now = time.monotonic()
        self._look_at_partitions(now)
        if not self._unready() or self._trouble() or self._is_busy(Topic.FRAMES):
            self._unready_since = None
            return
        self._unready_since = now if self._unready_since is None else self._unready_since
        if now - self._unready_since > 2 * self._stalled_s:
            self.failure = StalledError(f"for {now - self._unready_since:.0f} s: {self._unready()}")

    def _look_at_partitions(self, now: float) -> None:
        for topic, stage in self._stages.by_topic.items():
            for partition, next_ in list(stage.next.items()):
                at, since = self._seen.get((topic, partition), (-1, now))
                has_reason = bool(self._trouble() or stage.blocked) or self._is_busy(topic)
                if at != next_ or has_reason or next_ >= self._end(topic, partition):
                    self._seen[topic, partition] = next_, now
                elif now - since > self._stalled_s:
                    reason = f"{topic}/{partition}: at offset {next_} for {now - since:.0f} s"
                    self.failure = StalledError(f"{reason}, the log goes up to {self._end(topic, partition)}")

    def _is_busy(self, topic: Topic) -> bool:
        thread = self._stages.thread_of[topic]
        return 0 < thread.busy_s < CALL_S_MAX
