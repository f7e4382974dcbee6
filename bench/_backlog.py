"""What a log holds after an outage: the frames of some minutes, at the log times at which they would have come."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bench._district import MINUTE_MS, Frames, mn_of
from bench._even_load import is_over
from engine.log.record import RecordKind, Topic
from engine.log.sqlite import SqliteLog
from sensors.frames import FrameBatch


@dataclass(frozen=True, slots=True, kw_only=True)
class Live:
    """The sizes of one run."""

    outlets: int
    minutes: float
    backlog: int  # minutes
    batch: int  # frames a record of the backlog


def fill(data: Path, live: Live, start_ms: int) -> None:
    """Write the minutes from `start_ms` on into a log, at the log times at which they would have come."""
    frames = Frames.make()
    with SqliteLog(data) as log:
        for log_ms, rows in _past(frames, live, start_ms):
            body = FrameBatch.of([(log_ms, "", mn, payload) for mn, payload in rows]).encode()
            last = log.append(Topic.FRAMES, 0, RecordKind.FRAMES, body, log_ms=log_ms)
        last.result()


def _past(frames: Frames, live: Live, start_ms: int) -> Iterator[tuple[int, list[tuple[str, bytes]]]]:
    """(log time, [(MN, payload)]) of the backlog."""
    first = start_ms // MINUTE_MS * MINUTE_MS - MINUTE_MS
    rows: list[tuple[str, bytes]] = []
    for minute in range(live.backlog):
        for outlet in range(live.outlets):
            minute_ms = first + minute * MINUTE_MS
            rows.append((mn_of(outlet), frames.payload(outlet, minute_ms, over=is_over(outlet, minute_ms))))
            if len(rows) == live.batch:
                yield start_ms + minute * MINUTE_MS + outlet * MINUTE_MS // live.outlets, rows
                rows = []
    if rows:
        yield start_ms + live.backlog * MINUTE_MS, rows
