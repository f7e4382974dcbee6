"""`status.json`: how the host is, for whoever asks while it runs and after it ended."""

import os
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import orjson

from engine.delivery import Stage
from engine.lag import Lag
from engine.log.api import HostLog
from engine.log.lock import owner_of
from engine.log.record import Topic

FILE = "status.json"


class Health:
    """The numbers of a running host."""

    def __init__(
        self, log: HostLog, stages: Mapping[Topic, Stage], counts: Counter[str], now_ms: Callable[[], int]
    ) -> None:
        self.behind = Lag(stages, log.end, now_ms)
        self._log = log
        self._stages = stages
        self._counts = counts
        self._now_ms = now_ms
        self._started_ms = now_ms()

    def lag(self) -> dict[str, int]:
        """By stage: records of the log that it has not finished."""
        return {stage.name: self.lag_of(topic) for topic, stage in self._stages.items()}

    def lag_of(self, topic: Topic) -> int:
        """Records of a topic that its stage has not finished."""
        return self.behind.of_stage(topic)

    def status(self, state: str, intake: Mapping[str, int]) -> dict[str, Any]:
        """Everything, as JSON. `state`: "running", "stopping" or "stopped"."""
        return {
            "pid": os.getpid(),
            "state": state,
            "started_ms": self._started_ms,
            "at_ms": self._now_ms(),
            "stages": {stage.name: self._stage(topic) for topic, stage in self._stages.items()},
            "log": self._log.status(),
            "counts": dict(self._counts),
            "intake": dict(intake),
        }

    def _stage(self, topic: Topic) -> dict[str, Any]:
        stage = self._stages[topic]
        offsets = {str(partition): offset for partition, offset in sorted(stage.next.items())}
        return {
            "topic": topic.value,
            "next": offsets,
            "lag": self.lag_of(topic),
            "behind_s": self.behind.behind_most_s(topic),
            "waits": stage.blocked,
        }


def write_status(data: Path, status: Mapping[str, Any], redact: Callable[[str], str] = str) -> None:
    """Replace the file as a whole, without secrets. OSError where that fails."""
    draft = data / f"{FILE}.tmp"
    text = orjson.dumps(status, option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS).decode()
    draft.write_text(redact(text), "utf-8")
    draft.rename(data / FILE)


def read_status(data: Path) -> dict[str, Any] | None:
    """What the host last wrote, None if there is nothing; `state` is "killed" where its process ended without a word."""
    try:
        content: dict[str, Any] = orjson.loads((data / FILE).read_bytes())
    except FileNotFoundError:
        return None
    killed = content["state"] != "stopped" and owner_of(data) is None
    return {**content, "state": "killed"} if killed else content
