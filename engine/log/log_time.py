"""Log time as a pure function of the log: whatever reads it comes to the same, whoever wrote it."""

from dataclasses import replace

from engine.log.record import Record


def timed(record: Record, last_ms: int) -> Record:
    """The record at its log time: as it is stamped, and later than the record before it, which stands at `last_ms`.

    The embedded log stamps its records so that this changes nothing. A Kafka broker stamps with its clock: two records
    of one millisecond, or a clock that went back, are set right here, by the judge and by every other reader alike.

    >>> from engine.log.record import RecordKind, Topic
    >>> tick = Record(topic=Topic.FRAMES, partition=0, offset=7, log_ms=1000, kind=RecordKind.TICK, body=b"")
    >>> timed(tick, 999).log_ms, timed(tick, 1000).log_ms, timed(tick, 5000).log_ms
    (1000, 1001, 5001)
    """
    return record if record.log_ms > last_ms else replace(record, log_ms=last_ms + 1)
