"""What a host does by the clock."""

import asyncio
from collections import Counter
from pathlib import Path

import pytest

from engine.background import retain, tick
from engine.log.api import Span
from engine.log.errors import LogError
from engine.log.record import RecordKind, Topic
from engine.log.sqlite import SqliteLog
from engine.settings import HostSettings

HOUR_MS = 3_600_000


def spans_after(tmp_path: Path, **settings: float) -> dict[Topic, Span]:
    """Ten records a topic, one an hour; the snapshot is at 8, every stage has read 9; it is the tenth hour."""
    with SqliteLog(tmp_path) as log:
        for n in range(10):
            for topic in Topic:
                log.append(topic, 0, RecordKind.DATA, b"x" * 100, log_ms=(n + 1) * HOUR_MS).result()
        log.commit("outfall", {(topic, 0): 9 for topic in Topic}).result()
        asyncio.run(retain(log, HostSettings(data=tmp_path, **settings), {0: 8}, "outfall", 10 * HOUR_MS))  # type: ignore[arg-type]
        return {topic: log.span(topic, 0) for topic in Topic}


KEPT = {
    "frames stay, what follows from them stays a day": ({}, 0, 0),
    "what follows goes as soon as its stage is done": ({"retain_derived_h": 0.0}, 0, 9),
    "what follows goes by its age": ({"retain_derived_h": 4.5}, 0, 5),
    "frames go by their age, as far as the snapshot does not need them": ({"retain_days": 0.0}, 8, 0),
    "frames go by their size": ({"retain_bytes": 450}, 6, 0),
}


@pytest.mark.parametrize(("settings", "frames", "derived"), KEPT.values(), ids=KEPT)
def test_what_the_log_keeps(tmp_path: Path, settings: dict[str, float], frames: int, derived: int) -> None:
    spans = spans_after(tmp_path, **settings)
    assert {topic: span.first for topic, span in spans.items()} == {
        Topic.FRAMES: frames,
        Topic.READINGS: derived,
        Topic.ALERTS: derived,
    }


def test_a_tick_goes_to_every_partition(tmp_path: Path) -> None:
    counts: Counter[str] = Counter()
    with SqliteLog(tmp_path, partitions=3) as log:
        asyncio.run(tick(log, counts))
        assert [log.read(Topic.FRAMES, p, 0, 9)[0].kind for p in range(3)] == [RecordKind.TICK] * 3
    assert counts["ticks"] == 3


def test_a_tick_that_finds_no_room_is_missed_and_counted(tmp_path: Path) -> None:
    counts: Counter[str] = Counter()
    with SqliteLog(tmp_path) as log:
        log.run(lambda db: db.execute("pragma max_page_count = 1").fetchone()).result()
        while not counts["ticks_missed"]:
            asyncio.run(tick(log, counts))


def test_a_tick_on_a_log_that_ended_ends_the_ticker(tmp_path: Path) -> None:
    log = SqliteLog(tmp_path)
    log.close()
    with pytest.raises(LogError, match="the log is closed"):
        asyncio.run(tick(log, Counter()))
