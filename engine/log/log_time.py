"""What a log says of time, as a pure function of it: whatever reads the log comes to the same, whoever wrote it."""

from dataclasses import dataclass, replace

from engine.log.record import Record, RecordKind


@dataclass(slots=True)
class LogClock:
    """Reads one partition in order. `last_ms`: log time of the record before; `gap_ms`: see `tick_body`, 0: not known.

    >>> from engine.log.record import Topic
    >>> def record(log_ms, kind=RecordKind.TICK, body=b""):
    ...     return Record(topic=Topic.FRAMES, partition=0, offset=7, log_ms=log_ms, kind=kind, body=body)
    >>> clock = LogClock()
    >>> [clock.read(record(ms))[0].log_ms for ms in (1000, 1000, 990, 5000)]
    [1000, 1001, 1002, 5000]
    >>> clock.read(record(6000, body=tick_body(10_000)))[1], clock.read(record(16_000))[1], clock.read(record(26_001))[1]
    (False, False, True)
    """

    last_ms: int = 0
    gap_ms: int = 0

    def read(self, record: Record) -> tuple[Record, bool]:
        """The record at its log time, and whether nobody listened between the one before and it.

        Its log time is as it is stamped, but later than that of the record before. The embedded log stamps its records
        so that this changes nothing. A Kafka broker stamps with its clock: two records of one millisecond, or a clock that
        went back, are set right here.
        """
        at = record if record.log_ms > self.last_ms else replace(record, log_ms=self.last_ms + 1)
        nobody = 0 < self.gap_ms < at.log_ms - self.last_ms
        self.last_ms = at.log_ms
        if record.kind is RecordKind.TICK:
            self.gap_ms = _gap_ms(record.body) or self.gap_ms
        return at, nobody


def tick_body(gap_ms: int) -> bytes:
    """The body of a tick whose writer promises more of them, so that a longer gap says that nobody listened in it.

    In a cluster the intakes write ticks, each of them to every partition, as long as it listens: where not one comes,
    nobody could have heard a monitor. The embedded log says so itself (HOST_STARTED): its ticks have no body.
    """
    return b"%d" % gap_ms


def _gap_ms(body: bytes) -> int | None:
    return int(body) if body.isdigit() else None
