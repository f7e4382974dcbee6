"""Records of the log as messages of a transport, and back: the same in a worker and in every other reader."""

from collections.abc import Sequence

from engine.log.reader import STAND_IN
from engine.log.record import Record, RecordKind, Topic

KIND = "kind"
"""The header that says what a record carries."""

Headers = Sequence[tuple[str, bytes]]


def headers_of(kind: RecordKind, more: Headers = ()) -> list[tuple[str, bytes]]:
    """The headers of a record."""
    return [(KIND, kind.value), *more]


def record_from(
    topic: Topic,
    partition: int,
    offset: int,
    stamp_ms: int,
    headers: Headers,
    key: bytes | None,
    body: bytes | None,
) -> Record:
    """The record of a message. One that Outfall did not write becomes a stand-in: it is refused, never judged.

    `log_ms` is what the log stamped; `engine.log.log_time.timed` makes log time of it.
    """
    try:
        kind = RecordKind(dict(headers)[KIND])
    except (KeyError, ValueError):
        kind, body = RecordKind.TICK, STAND_IN
    return Record(
        topic=topic, partition=partition, offset=offset, log_ms=stamp_ms, kind=kind, body=body or b"", key=key or b""
    )
