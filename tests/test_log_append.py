"""What a producer may rely on: order, offsets without gaps, rising log time, and answers only after the commit."""

import asyncio
import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.log.api import Appended, NotStored, Span, Stored
from engine.log.group import Append, FramesAppend, Group, Tail
from engine.log.reader import LogReader
from engine.log.record import RecordKind, Topic
from engine.log.sqlite import SqliteLog
from engine.log.together import FRAMES_MAX
from sensors.frames import FrameBatch


@pytest.fixture
def log(tmp_path: Path) -> Iterator[SqliteLog]:
    with SqliteLog(tmp_path, partitions=2, now_ms=lambda: 1000) as log:
        yield log


def stored(outcome: Appended) -> Stored:
    assert isinstance(outcome, Stored)
    return outcome


def test_offsets_count_up_and_log_time_rises_even_if_the_clock_stands_still(log: SqliteLog) -> None:
    answers = [stored(log.append(Topic.ALERTS, 1, RecordKind.DATA, b"%d" % n).result()) for n in range(3)]
    assert [(a.offset, a.log_ms) for a in answers] == [(0, 1000), (1, 1001), (2, 1002)]
    assert [r.body for r in log.read(Topic.ALERTS, 1, 0, 10)] == [b"0", b"1", b"2"]
    assert log.span(Topic.ALERTS, 1) == Span(first=0, end=3)
    assert log.span(Topic.ALERTS, 0) == Span(first=0, end=0)


def test_records_given_together_stand_in_order_and_the_answer_is_that_of_the_last(log: SqliteLog) -> None:
    rows = [(Topic.READINGS, 0, b"0"), (Topic.ALERTS, 0, b"a"), (Topic.READINGS, 0, b"1"), (Topic.READINGS, 1, b"2")]
    answer = stored(asyncio.run(log.put_all(rows)))
    assert (answer.topic, answer.partition, answer.offset) == (Topic.READINGS, 1, 0)
    assert [r.body for r in log.read(Topic.READINGS, 0, 0, 10)] == [b"0", b"1"]
    assert [r.body for r in log.read(Topic.ALERTS, 0, 0, 10)] == [b"a"]


def test_a_given_log_time_is_kept_and_one_in_the_past_is_refused_for_good(log: SqliteLog) -> None:
    first = log.append(Topic.FRAMES, 0, RecordKind.TICK, b"", log_ms=5000)
    past = log.append(Topic.FRAMES, 0, RecordKind.TICK, b"", log_ms=5000)
    after = log.append(Topic.FRAMES, 0, RecordKind.TICK, b"")
    assert stored(first.result()).log_ms == 5000
    assert past.result() == NotStored(reason="frames/0: log time 5000: expected more than 5000", retry=False)
    assert stored(after.result()).log_ms == 5001
    assert stored(after.result()).offset == 1


def test_what_was_answered_is_there_for_another_process_at_once(log: SqliteLog, tmp_path: Path) -> None:
    log.append(Topic.READINGS, 0, RecordKind.DATA, b"body", key=b"key").result()
    with LogReader(tmp_path / "log.db") as reader:
        (record,) = reader.read(Topic.READINGS, 0, 0, 10)
    assert (record.body, record.key, record.kind) == (b"body", b"key", RecordKind.DATA)


def test_payloads_that_wait_together_share_a_record_and_its_log_time(log: SqliteLog) -> None:
    async def publish() -> list[Appended]:
        calls = [log.append_frames(0, [("login", f"mn{n}", b"%d" % n)]) for n in range(50)]
        return await asyncio.gather(*calls)

    answers = [stored(a) for a in asyncio.run(publish())]
    records = log.read(Topic.FRAMES, 0, 0, 100)
    assert len(records) < 50
    batches = [FrameBatch.decode(r.body) for r in records]
    assert [b.payload(row) for b in batches for row in range(len(b))] == [b"%d" % n for n in range(50)]
    assert all(set(b.log_ms) == {r.log_ms} for b, r in zip(batches, records, strict=True))
    assert {a.offset for a in answers} == {r.offset for r in records}


def test_after_close_nothing_is_taken_and_the_answer_says_so(tmp_path: Path) -> None:
    log = SqliteLog(tmp_path)
    log.close()
    closed = NotStored(reason="the log is closed", retry=False)
    assert log.append(Topic.FRAMES, 0, RecordKind.TICK, b"").result() == closed
    assert log.commit("group", {(Topic.FRAMES, 0): 1}).result() is not None


def test_offsets_and_log_time_go_on_after_a_restart(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with SqliteLog(tmp_path, now_ms=lambda: 900_000) as log:
        log.append(Topic.FRAMES, 0, RecordKind.TICK, b"").result()
    with SqliteLog(tmp_path, now_ms=lambda: 10_000) as log:  # the clock went back meanwhile
        again = stored(log.append(Topic.FRAMES, 0, RecordKind.TICK, b"").result())
    assert (again.offset, again.log_ms) == (1, 900_001)
    assert "log.db: its last record is 890 s ahead of the clock" in caplog.text


def test_consumer_groups_keep_their_own_offsets(log: SqliteLog) -> None:
    assert log.commit("store", {(Topic.READINGS, 0): 7, (Topic.READINGS, 1): 8}).result() is None
    assert log.commit("store", {(Topic.READINGS, 1): 9}).result() is None
    assert log.committed("store") == {(Topic.READINGS, 0): 7, (Topic.READINGS, 1): 9}
    assert log.committed("duty") == {}


def test_a_partition_that_the_log_does_not_have_is_a_mistake_of_the_caller(log: SqliteLog) -> None:
    with pytest.raises(KeyError):
        log.append(Topic.FRAMES, 2, RecordKind.TICK, b"")


payloads = st.integers(0, 1).flatmap(
    lambda p: st.lists(st.binary(max_size=3), min_size=1, max_size=3).map(lambda rows: (p, rows))
)
ticks = st.integers(0, 1).map(lambda p: (p, None))


@settings(max_examples=100, deadline=None)
@given(st.lists(payloads | ticks, max_size=30), st.lists(st.integers(0, 50), min_size=1, max_size=5))
def test_a_group_keeps_the_order_of_each_partition_whatever_is_mixed(
    jobs: list[tuple[int, list[bytes] | None]], clock: list[int]
) -> None:
    times = iter(clock * 100)
    tails = {(Topic.FRAMES, p): Tail(no=p, next=5, last_ms=20, upto=0) for p in (0, 1)}
    group = Group(tails, lambda: next(times))
    for partition, rows in jobs:
        future: asyncio.Future[Appended] = asyncio.Future(loop=LOOP)
        if rows is None:
            place = (Topic.FRAMES, partition)
            group.add(Append(place=place, kind=RecordKind.TICK, body=b"", key=b"", log_ms=None, promise=future))
        else:
            group.add(FramesAppend(partition=partition, rows=[("a", "b", row) for row in rows], promise=future))
    group.end()
    for p in (0, 1):
        mine = [row for row in group.rows if row[0] >> 40 == p]
        assert [row[0] & 0xFFFF for row in mine] == list(range(5, 5 + len(mine)))
        assert all(a[1] < b[1] for a, b in itertools.pairwise(mine))
        assert _flat(mine) == [body for q, rows in jobs if q == p for body in (rows or [None])]
    assert len(group.outcomes) == len(jobs)


LOOP = asyncio.new_event_loop()


def _flat(rows: list[tuple[int, int, bytes, int, int, bytes, bytes]]) -> list[bytes | None]:
    """Payloads in log order, None for a tick."""
    flat: list[bytes | None] = []
    for row in rows:
        batch = FrameBatch.decode(row[6]) if row[2] == RecordKind.FRAMES.value else None
        flat.extend([batch.payload(n) for n in range(len(batch))] if batch else [None])
    return flat


def test_a_record_holds_a_bounded_number_of_payloads() -> None:
    tails = {(Topic.FRAMES, 0): Tail(no=0, next=0, last_ms=0, upto=0)}
    group = Group(tails, lambda: 1)
    for _ in range(3):
        future: asyncio.Future[Appended] = asyncio.Future(loop=LOOP)
        group.add(FramesAppend(partition=0, rows=[("a", "b", b"c")] * (FRAMES_MAX // 2), promise=future))
    group.end()
    assert [len(FrameBatch.decode(row[6])) for row in group.rows] == [FRAMES_MAX, FRAMES_MAX // 2]
