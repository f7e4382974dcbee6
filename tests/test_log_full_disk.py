"""A full disk is an answer to the producer, not an end."""

import asyncio
from pathlib import Path

from engine.log.api import NotStored, Stored
from engine.log.record import RecordKind, Topic
from engine.log.sqlite import SqliteLog


def pages_max(log: SqliteLog, pages: int) -> None:
    """Leave room for so many pages: SQLite answers beyond it exactly as for a disk without room."""
    log.run(lambda db: db.execute(f"pragma max_page_count = {pages}").fetchone()).result()


def test_on_a_full_disk_nothing_stored_is_lost_and_the_log_goes_on_when_there_is_room(tmp_path: Path) -> None:
    log = SqliteLog(tmp_path)
    pages_max(log, 200)
    answers = [log.append(Topic.FRAMES, 0, RecordKind.TICK, b"%03d" % n * 3000).result() for n in range(150)]
    kept = [n for n, answer in enumerate(answers) if isinstance(answer, Stored)]
    refused = [answer for answer in answers if isinstance(answer, NotStored)]
    assert refused
    assert set(refused) == {NotStored(reason="log: database or disk is full", retry=True)}

    pages_max(log, 100_000)
    again = log.append(Topic.FRAMES, 0, RecordKind.TICK, b"room").result()
    assert isinstance(again, Stored)
    assert again.offset == len(kept)
    log.close()
    with SqliteLog(tmp_path) as log:
        bodies = [r.body for r in log.read(Topic.FRAMES, 0, 0, 1000)]
    assert bodies == [b"%03d" % n * 3000 for n in kept] + [b"room"]


def test_records_given_together_are_all_refused_where_one_is_too_much(tmp_path: Path) -> None:
    with SqliteLog(tmp_path) as log:
        pages_max(log, 100)
        rows = [(Topic.READINGS, 0, b"small"), (Topic.ALERTS, 0, b"x" * 2_000_000)]
        assert isinstance(asyncio.run(log.put_all(rows)), NotStored)
        assert (log.end(Topic.READINGS, 0), log.end(Topic.ALERTS, 0)) == (0, 0)
        assert isinstance(asyncio.run(log.put_all(rows[:1])), Stored)


def test_payloads_that_share_a_group_with_too_much_are_all_refused(tmp_path: Path) -> None:
    async def publish(log: SqliteLog) -> list[object]:
        big = log.append_frames(0, [("a", "b", b"x" * 2_000_000)])
        small = log.append_frames(0, [("a", "b", b"x")])
        return await asyncio.gather(big, small)

    with SqliteLog(tmp_path) as log:
        pages_max(log, 100)
        answers = asyncio.run(publish(log))
        refused = sum(isinstance(answer, NotStored) for answer in answers)
        assert refused >= 1
        assert log.end(Topic.FRAMES, 0) == 2 - refused
        assert isinstance(log.append(Topic.FRAMES, 0, RecordKind.TICK, b"").result(), Stored)
