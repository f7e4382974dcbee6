"""A row of the log's file as a record."""

import struct
from typing import Any

from engine.log.file import Place, checksum, offset_of
from engine.log.record import Record, RecordKind

COLUMNS = "slot, log_ms, kind, crc, key, body"


def record_of(place: Place, row: Any) -> Record | None:
    """The record of a row of `COLUMNS`; None if it is not what was written."""
    slot, log_ms, kind, crc, key, body = row
    try:
        if checksum(slot, log_ms, kind, key, body) != crc:
            return None
    except (TypeError, struct.error):  # a value of another type, or outside of its range
        return None
    return Record(
        topic=place[0],
        partition=place[1],
        offset=offset_of(slot),
        log_ms=log_ms,
        kind=RecordKind(kind),
        body=body,
        key=key,
    )
