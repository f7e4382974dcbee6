"""Payloads of one partition that share a record, as long as it stays small enough to be judged in milliseconds."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from engine.log.api import FrameRow

FRAMES_MAX = 4096
"""Payloads of one record."""

FRAMES_BYTES_MAX = 4 << 20

P = TypeVar("P")


@dataclass(slots=True, kw_only=True)
class Batch(Generic[P]):
    """Payloads of one record, and whoever waits for it."""

    rows: list[FrameRow] = field(default_factory=list)
    bytes: int = 0
    promises: list[P] = field(default_factory=list)


class Together(Generic[P]):
    """Collects payloads by partition; those of one partition keep their order."""

    def __init__(self) -> None:
        self._batches: dict[int, Batch[P]] = {}

    def add(self, partition: int, rows: list[FrameRow], promise: P) -> Batch[P] | None:
        """More payloads, all for one record. A batch that they no longer fit into is given back, complete."""
        size = sum(len(row[2]) for row in rows)
        batch, full = self._batches.setdefault(partition, Batch()), None
        if batch.rows and (len(batch.rows) + len(rows) > FRAMES_MAX or batch.bytes + size > FRAMES_BYTES_MAX):
            full, batch = batch, Batch()
            self._batches[partition] = batch
        batch.rows.extend(rows)
        batch.bytes += size
        batch.promises.append(promise)
        return full

    def take(self, partition: int) -> Batch[P] | None:
        """What waits of a partition: it gets no more."""
        return self._batches.pop(partition, None)

    def take_all(self) -> Iterator[tuple[int, Batch[P]]]:
        """What waits of every partition."""
        while self._batches:
            yield self._batches.popitem()
