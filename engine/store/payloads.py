"""The bytes of one payload, fetched from the log for a dead letter."""

from engine.log.api import Log
from engine.log.record import Record, RecordKind, Topic
from sensors.frames import FrameBatch


class LogPayloads:
    """Finds payloads in FRAMES. Refusals come record by record, so the last record is kept."""

    def __init__(self, log: Log) -> None:
        self._log = log
        self._last: tuple[int, int, FrameBatch] | None = None

    def __call__(self, partition: int, offset: int, row: int) -> bytes | None:
        """The payload, None where the log no longer holds it or the record is not one of frames."""
        if self._last is None or self._last[:2] != (partition, offset):
            record = self._record(partition, offset)
            if record is None:
                return None
            self._last = (partition, offset, FrameBatch.decode(record.body))
        batch = self._last[2]
        return batch.payload(row) if row < len(batch) else None

    def _record(self, partition: int, offset: int) -> Record | None:
        found = self._log.read(Topic.FRAMES, partition, offset, 1)
        usable = found and found[0].offset == offset and found[0].kind is RecordKind.FRAMES
        return found[0] if usable else None
