"""What the endpoint refused, kept where somebody can read it: the last ones in memory, and a file of bounded size."""

import base64
import logging
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import orjson

from engine.intake.counts import Refused

log = logging.getLogger("outfall.intake")

SHOWN_MAX = 1024
"""Bytes of a refused payload that are kept."""

FILE_MAX = 4 << 20
"""Bytes of the file; then it becomes `<name>.1`, and the one before that goes."""

PER_SECOND_MAX = 50
"""A hostile client must not be able to wear out the disk."""

RECENT = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class IntakeRefusal:
    """One thing the endpoint refused."""

    at_ms: int  # host clock
    reason: Refused
    detail: str  # place, value and expectation
    peer: str  # address and port
    login: str = ""  # "": not logged in
    client_id: str = ""
    topic: str = ""
    size: int = 0  # bytes of the payload
    payload: bytes = b""  # its first SHOWN_MAX bytes


class RefusalBook:
    """Keeps and counts refusals."""

    def __init__(self, counts: dict[str, int], path: Path | None) -> None:
        self._counts = counts
        self._path = path
        self._second = 0.0
        self._kept = 0  # in that second
        self._writable = True
        self.recent: deque[IntakeRefusal] = deque(maxlen=RECENT)

    def keep(self, refusal: IntakeRefusal) -> None:
        """Count it and write it down."""
        self._counts[f"refused.{refusal.reason}"] += 1
        self.recent.append(refusal)
        if self._path and not (self._in_time() and self._write(self._path, refusal)):
            self._counts["refusals_not_kept"] += 1

    def _in_time(self) -> bool:
        now = time.monotonic()
        if now - self._second >= 1:
            self._second, self._kept = now, 0
        self._kept += 1
        return self._kept <= PER_SECOND_MAX

    def _write(self, path: Path, refusal: IntakeRefusal) -> bool:
        row = {**asdict(refusal), "payload": base64.b64encode(refusal.payload).decode()}
        try:
            if path.exists() and path.stat().st_size > FILE_MAX:
                path.replace(path.with_name(path.name + ".1"))
            with path.open("ab") as file:
                file.write(orjson.dumps(row) + b"\n")
        except OSError as error:
            if self._writable:
                log.error("%s: refusals cannot be kept, only counted: %s", path, error.strerror)
            self._writable = False
            return False
        self._writable = True
        return True


def read_refusals(path: Path) -> Iterator[IntakeRefusal]:
    """All that the file and the one before it hold, oldest first. A line cut short by a crash is left out."""
    for one in (path.with_name(path.name + ".1"), path):
        if not one.exists():
            continue
        for line in one.read_bytes().splitlines():
            try:
                row = orjson.loads(line)
            except orjson.JSONDecodeError:
                continue
            payload = base64.b64decode(row.pop("payload"))
            yield IntakeRefusal(**{**row, "reason": Refused(row["reason"])}, payload=payload)
