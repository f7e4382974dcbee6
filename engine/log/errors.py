"""What is wrong with a log, said so that somebody can act on it."""

from dataclasses import dataclass
from pathlib import Path

from engine.log.record import Topic


class LogError(RuntimeError):
    """The log cannot be opened, or cannot go on. The message names the file, what was found and what to do."""


class DirectoryInUseError(LogError):
    """Another process works on the same data directory."""


class FencedError(RuntimeError):
    """Another worker has taken over what this one worked on. It writes nothing more, and its process ends."""


class StalledError(RuntimeError):
    """A worker finishes nothing while its log grows, and knows of no reason."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Damage:
    """One record that can no longer be read. What stands around it can."""

    file: Path
    topic: Topic
    partition: int
    offset: int
    detail: str

    def __str__(self) -> str:
        return f"{self.file}: {self.topic.value}/{self.partition} offset {self.offset}: {self.detail}"
