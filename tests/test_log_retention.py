"""What a log forgets, and what it never does."""

from pathlib import Path

import pytest

from engine.log.api import Span, Stored
from engine.log.record import Control, ControlKind, RecordKind, Topic
from engine.log.retention import CHUNK, Keep
from engine.log.sqlite import SqliteLog

FRAMES, READINGS = Topic.FRAMES, Topic.READINGS


def filled(tmp_path: Path, records: int = 100) -> SqliteLog:
    """Records of 10 bytes at log times 0 s, 1 s, 2 s, ... in FRAMES."""
    log = SqliteLog(tmp_path)
    for n in range(records):
        future = log.append(FRAMES, 0, RecordKind.TICK, b"%010d" % n, log_ms=n * 1000 + 1)
    future.result()
    return log


CUTS = {
    "by age": (Keep(needed={(FRAMES, 0): 100}, older_than_ms=40_001), 40),
    "by size": (Keep(needed={(FRAMES, 0): 100}, bytes_max=250), 75),
    "by whichever takes more": (Keep(needed={(FRAMES, 0): 100}, older_than_ms=40_001, bytes_max=250), 75),
    "never what the snapshot still needs": (Keep(needed={(FRAMES, 0): 12}, older_than_ms=40_001), 12),
    "nothing of a partition nobody spoke of": (Keep(needed={}, older_than_ms=40_001), 0),
    "nothing where neither age nor size is given": (Keep(needed={(FRAMES, 0): 100}), 0),
    "nothing where all of it is young": (Keep(needed={(FRAMES, 0): 100}, older_than_ms=0), 0),
}


@pytest.mark.parametrize(("keep", "first"), CUTS.values(), ids=CUTS)
def test_cuts(tmp_path: Path, keep: Keep, first: int) -> None:
    with filled(tmp_path) as log:
        assert log.retain(keep) == first
        assert log.span(FRAMES, 0) == Span(first=first, end=100)
        assert log.read(FRAMES, 0, 0, 1)[0].offset == first


def test_nothing_goes_that_a_consumer_group_still_has_to_read(tmp_path: Path) -> None:
    with filled(tmp_path) as log:
        log.commit("slow", {(FRAMES, 0): 5}).result()
        log.commit("fast", {(FRAMES, 0): 50}).result()
        assert log.retain(Keep(needed={(FRAMES, 0): 100}, older_than_ms=1 << 40)) == 5


def test_a_long_history_goes_in_steps(tmp_path: Path) -> None:
    with filled(tmp_path, CHUNK * 2 + 50) as log:
        assert log.retain(Keep(needed={(FRAMES, 0): CHUNK * 2 + 50}, older_than_ms=1 << 40)) == CHUNK * 2 + 50


def test_the_first_kept_offset_and_the_log_time_are_remembered_when_everything_went(tmp_path: Path) -> None:
    with filled(tmp_path) as log:
        log.retain(Keep(needed={(FRAMES, 0): 100}, older_than_ms=1 << 40))
    with SqliteLog(tmp_path, now_ms=lambda: 0) as log:
        assert log.span(FRAMES, 0) == Span(first=100, end=100)
        answer = log.append(FRAMES, 0, RecordKind.TICK, b"").result()
    assert answer == Stored(topic=FRAMES, partition=0, offset=100, log_ms=99_002)


def test_what_is_left_begins_with_the_registry_and_the_rules_in_force(tmp_path: Path) -> None:
    log = SqliteLog(tmp_path)
    for n in range(40):
        kind = {3: ControlKind.REGISTRY, 5: ControlKind.RULES, 9: ControlKind.REGISTRY, 35: ControlKind.RULES}.get(n)
        body = Control(kind=kind, content=n).encode() if kind else b""
        future = log.append(FRAMES, 0, RecordKind.CONTROL if kind else RecordKind.TICK, body, log_ms=n + 1)
    future.result()
    log.retain(Keep(needed={(FRAMES, 0): 30}, older_than_ms=1 << 40))
    records = log.read(FRAMES, 0, 0, 100)
    first = [Control.decode(r.body) for r in records[:2]]
    assert [(c.kind, c.content) for c in first] == [(ControlKind.RULES, 5), (ControlKind.REGISTRY, 9)]
    assert [(r.offset, r.log_ms) for r in records] == [(n, n + 1) for n in range(28, 40)]
    log.retain(Keep(needed={(FRAMES, 0): 38}, older_than_ms=1 << 40))
    first = [Control.decode(r.body) for r in log.read(FRAMES, 0, 0, 2)]
    assert [(c.kind, c.content) for c in first] == [(ControlKind.REGISTRY, 9), (ControlKind.RULES, 35)]
    assert not log.reader.damaged
    log.close()


def test_readings_go_without_leaving_anything(tmp_path: Path) -> None:
    with SqliteLog(tmp_path) as log:
        for n in range(10):
            log.append(READINGS, 0, RecordKind.DATA, b"", log_ms=n + 1).result()
        log.commit("outfall", {(READINGS, 0): 8}).result()
        assert log.retain(Keep(needed={(READINGS, 0): 1 << 60}, older_than_ms=1 << 40)) == 8
