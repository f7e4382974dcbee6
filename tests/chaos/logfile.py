"""The log file as the checker reads it: the table itself, and its own way of taking a record of payloads apart."""

import json
import struct
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

from pysqlite3 import dbapi2 as sqlite

RECORDS = """
select p.partition, r.slot & ((1 << 40) - 1), r.log_ms, r.kind, r.key, r.body
from record r join partition p on p.no = r.slot >> 40 where p.topic = 'frames' order by r.slot
"""


@dataclass(frozen=True, kw_only=True)
class Row:
    """One record of FRAMES."""

    partition: int
    offset: int
    log_ms: int
    kind: bytes
    key: bytes
    body: bytes


@dataclass(frozen=True, kw_only=True)
class Payloads:
    """The payloads of one record."""

    log_ms: tuple[int, ...]
    login: tuple[str, ...]
    claimed: tuple[str, ...]  # MN of the topic
    payload: tuple[bytes, ...]


def rows(folder: Path) -> Iterator[Row]:
    """Every record of FRAMES, partition by partition, in order."""
    database = sqlite.connect(f"file:{folder / 'data' / 'log.db'}?mode=ro", uri=True)
    try:
        for partition, offset, log_ms, kind, key, body in database.execute(RECORDS):
            yield Row(partition=partition, offset=offset, log_ms=log_ms, kind=bytes(kind), key=bytes(key), body=bytes(body))
    finally:
        database.close()


def rewrite(folder: Path, row: Row, payloads: Payloads) -> None:
    """Put other payloads into a record, as a host that loses or doubles one would have done."""
    database = sqlite.connect(str(folder / "data" / "log.db"), isolation_level=None)
    try:
        done = database.execute(
            "update record set body = ? where slot & ((1 << 40) - 1) = ? and slot >> 40 ="
            " (select no from partition where topic = 'frames' and partition = ?)",
            (packed(payloads), row.offset, row.partition),
        )
        assert done.rowcount == 1
    finally:
        database.close()


def taken_apart(body: bytes) -> Payloads:
    """The payloads in the body of a record of kind F.

    >>> one = Payloads(log_ms=(5, 5), login=("A", "A"), claimed=("B", "A"), payload=(b"x", b"yz"))
    >>> taken_apart(packed(one)) == one
    True
    """
    count, names_size = struct.unpack_from("<2q", body)
    names = json.loads(body[16 : 16 + names_size])
    at = 16 + names_size
    log_ms = struct.unpack_from(f"<{count}q", body, at)
    login = struct.unpack_from(f"<{count}i", body, at + 8 * count)
    claimed = struct.unpack_from(f"<{count}i", body, at + 12 * count)
    start = struct.unpack_from(f"<{count + 1}q", body, at + 16 * count)
    blob = body[at + 24 * count + 8 :]
    return Payloads(
        log_ms=log_ms,
        login=tuple(names[n] for n in login),
        claimed=tuple(names[n] for n in claimed),
        payload=tuple(blob[a:b] for a, b in pairwise(start)),
    )


def packed(payloads: Payloads) -> bytes:
    """The inverse of `taken_apart`."""
    names = list(dict.fromkeys([*payloads.login, *payloads.claimed]))
    count, written = len(payloads.payload), json.dumps(names, separators=(",", ":")).encode()
    starts = [sum(map(len, payloads.payload[:n])) for n in range(count + 1)]
    parts = [
        struct.pack("<2q", count, len(written)),
        written,
        struct.pack(f"<{count}q", *payloads.log_ms),
        struct.pack(f"<{count}i", *map(names.index, payloads.login)),
        struct.pack(f"<{count}i", *map(names.index, payloads.claimed)),
        struct.pack(f"<{count + 1}q", *starts),
    ]
    return b"".join([*parts, *payloads.payload])


def chosen(payloads: Payloads, numbers: list[int]) -> Payloads:
    """The payloads of those numbers, in that order."""
    columns = {name: tuple(getattr(payloads, name)[n] for n in numbers) for name in Payloads.__dataclass_fields__}
    return replace(payloads, **columns)
