"""Records of the log: batches of frames (sensors.frames), ticks and control records, as objects and as bytes."""

import zlib
from dataclasses import dataclass
from enum import Enum, StrEnum
from typing import Any, Self

import orjson

from sensors.frames import RecordDamaged


class Topic(StrEnum):
    """The topics of the log."""

    FRAMES = "frames"
    READINGS = "readings"
    ALERTS = "alerts"


class RecordKind(Enum):
    """What a record carries; the value is its byte on disk. READINGS and ALERTS hold DATA only."""

    FRAMES = b"F"
    TICK = b"T"
    CONTROL = b"C"
    DATA = b"D"


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One record as it stands in a log. `log_ms` strictly increases within a partition; offsets have no gaps."""

    topic: Topic
    partition: int
    offset: int
    log_ms: int
    kind: RecordKind
    body: bytes
    key: bytes = b""


class ControlKind(StrEnum):
    """Control records: whatever changes a verdict besides frames and time."""

    HOST_STARTED = "host_started"  # since the record before, nobody listened: silence of a monitor does not count
    REGISTRY = "registry"  # a version of the registry takes over
    RULES = "rules"  # a rule set takes over
    END_OF_INPUT = "end_of_input"  # an imported history ends: judge what it touched, ask for no more


@dataclass(frozen=True, slots=True, kw_only=True)
class Control:
    """A control record."""

    kind: ControlKind
    content: Any = None  # JSON

    def encode(self) -> bytes:
        """As the body of a record."""
        return zlib.compress(orjson.dumps({"kind": self.kind.value, "content": self.content}))

    @classmethod
    def decode(cls, body: bytes) -> Self:
        """The inverse of `encode`."""
        try:
            raw = orjson.loads(zlib.decompress(body))
            return cls(kind=ControlKind(raw["kind"]), content=raw["content"])
        except (zlib.error, ValueError, KeyError) as error:
            raise RecordDamaged(f"control record of {len(body)} bytes: {error}") from error
