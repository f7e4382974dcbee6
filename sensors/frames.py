"""Payloads as they were received, many in one: columns and their bytes in a log record."""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import orjson
from numpy.typing import NDArray

UNTIMED = -1
"""Log time of a payload whose writer could not know it: that of its record counts."""


class RecordDamaged(ValueError):
    """A record's bytes are not what was written."""


@dataclass(frozen=True, kw_only=True)
class FrameBatch:
    """Payloads as received, of one or more publishes. Columns have shape (frames,); strings are columns of indices.

    `log_ms` is the log time of each payload: that of its record in a live log (`UNTIMED` where the log sets it after the
    record was made), kept when a log is partitioned again.
    """

    log_ms: NDArray[np.int64]
    login: NDArray[np.int32]  # index into `names`: who was authenticated
    claimed: NDArray[np.int32]  # index into `names`: the MN in the topic it was published under
    start: NDArray[np.int64]  # payload i is blob[start[i]:start[i + 1]]; shape (frames + 1,)
    names: tuple[str, ...]
    blob: bytes

    def __len__(self) -> int:
        return len(self.log_ms)

    def payload(self, row: int) -> bytes:
        """The bytes of one payload."""
        return self.blob[self.start[row] : self.start[row + 1]]

    @classmethod
    def of(cls, rows: list[tuple[int, str, str, bytes]]) -> Self:
        """From (log_ms, login, claimed MN, payload) rows, in log order."""
        names: dict[str, int] = {}
        login = np.fromiter((names.setdefault(r[1], len(names)) for r in rows), np.int32, len(rows))
        claimed = np.fromiter((names.setdefault(r[2], len(names)) for r in rows), np.int32, len(rows))
        start = np.zeros(len(rows) + 1, np.int64)
        np.cumsum(np.fromiter((len(r[3]) for r in rows), np.int64, len(rows)), out=start[1:])
        return cls(
            log_ms=np.fromiter((r[0] for r in rows), np.int64, len(rows)),
            login=login,
            claimed=claimed,
            start=start,
            names=tuple(names),
            blob=b"".join(r[3] for r in rows),
        )

    def at(self, log_ms: int) -> "FrameBatch":
        """The same payloads at one log time."""
        return FrameBatch(**{**self.__dict__, "log_ms": np.full(len(self), log_ms, np.int64)})

    def timed(self, log_ms: int) -> "FrameBatch":
        """The same payloads; those of a writer that did not know their log time stand at that of their record."""
        return self.at(log_ms) if len(self) and self.log_ms[0] == UNTIMED else self

    def encode(self) -> bytes:
        """As the body of a record."""
        names = orjson.dumps(self.names)
        head = np.array([len(self), len(names)], np.int64).tobytes()
        columns = (self.log_ms, self.login, self.claimed, self.start)
        return b"".join([head, names, *(c.tobytes() for c in columns), self.blob])

    @classmethod
    def decode(cls, body: bytes) -> Self:
        """The inverse of `encode`; RecordDamaged if the lengths do not fit together."""
        try:
            count, names_len = (int(x) for x in np.frombuffer(body, np.int64, 2))
            at = 16 + names_len
            names = tuple(orjson.loads(body[16:at]))
            columns: list[NDArray[Any]] = []
            for dtype, size in ((np.int64, count), (np.int32, count), (np.int32, count), (np.int64, count + 1)):
                columns.append(np.frombuffer(body, dtype, size, at))
                at += columns[-1].nbytes
        except (ValueError, orjson.JSONDecodeError) as error:
            raise RecordDamaged(f"frame batch of {len(body)} bytes: {error}") from error
        if len(body) - at != columns[3][-1]:
            raise RecordDamaged(f"frame batch: expected {columns[3][-1]} bytes of payload, got {len(body) - at}")
        return cls(log_ms=columns[0], login=columns[1], claimed=columns[2], start=columns[3], names=names, blob=body[at:])
