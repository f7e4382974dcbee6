"""An offset is a proof: what the host of the detectors does with records that come twice, too early, or not at all."""

import asyncio
import threading
from collections import Counter
from collections.abc import Collection
from pathlib import Path

import pytest

from engine.delivery import DeadLetters
from engine.detect.detector import Detector
from engine.detect.host import Contained, DetectorHost, Hole, Judged, NewJudge
from engine.detect.snapshot import State
from engine.detect.snapshot_store import BaseLostError, Snapshot, SnapshotStore
from engine.detect.stage import SEEKS_MAX, DetectStage, HoleError
from engine.log.api import Span
from engine.log.record import Control, ControlKind, Record, RecordKind, Topic
from engine.log.sqlite import SqliteLog
from engine.stage_thread import StageThread
from sensors.frames import FrameBatch
from tests.app_parts import Shelf, Tally, until


def frames(offset: int, text: str = "x") -> Record:
    body = FrameBatch.of([(1000 + offset, "login", "mn", text.encode())]).encode()
    return record(offset, RecordKind.FRAMES, body)


def record(offset: int, kind: RecordKind, body: bytes = b"") -> Record:
    return Record(topic=Topic.FRAMES, partition=0, offset=offset, log_ms=1000 + offset, kind=kind, body=body)


WHOLE = Span(first=0, end=100)


def new_host(folder: Path, span: Span = WHOLE, new: NewJudge = Tally) -> DetectorHost:
    return DetectorHost(SnapshotStore(folder), lambda partition: span, partitions=1, new=new)


def test_the_next_record_is_judged_an_earlier_one_is_known_a_later_one_is_a_hole(tmp_path: Path) -> None:
    host = new_host(tmp_path)
    assert host.load(0) == 0
    assert isinstance(host.take(frames(0)), Judged)
    assert isinstance(host.take(frames(1)), Judged)
    assert host.take(frames(0)) == Contained()
    assert host.take(frames(1)) == Contained()
    assert host.take(frames(3)) == Hole(expected=2)
    assert isinstance(host.take(frames(2)), Judged)
    assert host.next_offset(0) == 3


def test_facts_name_the_record_they_follow_from(tmp_path: Path) -> None:
    host = new_host(tmp_path)
    host.load(0)
    host.take(frames(0))
    step = host.take(frames(1, "text"))
    assert isinstance(step, Judged)
    assert (step.facts.partition, step.facts.offset, step.facts.events[0].alert_id) == (0, 1, "text")


def test_a_record_that_makes_the_judge_fail_is_passed_over_and_named(tmp_path: Path) -> None:
    host = new_host(tmp_path)
    host.load(0)
    step = host.take(frames(0, "poison"))
    assert isinstance(step, Judged)
    assert step.error == "ArithmeticError: poison"
    assert isinstance(host.take(frames(1)), Judged)


def test_a_new_detector_begins_with_the_first_record_kept(tmp_path: Path) -> None:
    assert new_host(tmp_path, Span(first=40, end=100)).load(0) == 40


def test_a_snapshot_carries_a_detector_over(tmp_path: Path) -> None:
    host = new_host(tmp_path)
    host.load(0)
    for offset in range(7):
        host.take(frames(offset))
    host.keep(0, host.snapshot(0))
    assert host.kept_from == {0: 7}
    again = new_host(tmp_path)
    assert again.load(0) == 7
    step = again.take(frames(7))
    assert isinstance(step, Judged)
    assert step.facts.refused[0].detail == "x number 8 of 0"


def test_the_real_detector_goes_through_the_same_hands(tmp_path: Path) -> None:
    host = new_host(tmp_path, new=Detector)
    host.load(0)
    host.take(record(0, RecordKind.CONTROL, Control(kind=ControlKind.HOST_STARTED).encode()))
    host.take(record(1, RecordKind.TICK))
    host.keep(0, host.snapshot(0))
    assert new_host(tmp_path, new=Detector).load(0) == 2


def test_a_snapshot_that_was_not_written_is_in_the_next_one(tmp_path: Path) -> None:
    host = new_host(tmp_path, new=Growing)
    host.load(0)
    host.take(frames(0))
    host.snapshot(0)  # whole, and lost on its way
    host.take(frames(1))
    host.keep(0, host.snapshot(0))
    host.take(frames(2))
    host.snapshot(0)  # lost too
    host.take(frames(3))
    host.keep(0, host.snapshot(0))
    found = SnapshotStore(tmp_path).read(0)
    assert found is not None
    assert dict(found.state.pieces) == {str(n): b"x" for n in range(4)}


def test_snapshots_that_somebody_took_away_are_written_whole(tmp_path: Path) -> None:
    host = new_host(tmp_path, new=Growing)
    host.load(0)
    host.take(frames(0))
    host.keep(0, host.snapshot(0))
    SnapshotStore(tmp_path).file(0).unlink()
    host.take(frames(1))
    with pytest.raises(BaseLostError):
        host.keep(0, host.snapshot(0))
    host.take(frames(2))
    host.keep(0, host.snapshot(0))
    found = SnapshotStore(tmp_path).read(0)
    assert found is not None
    assert dict(found.state.pieces) == {str(n): b"x" for n in range(3)}


class Growing(Tally):
    """A judge whose state is a piece for each record."""

    given: int | None = None

    def changes(self, again: Collection[str] | None = ()) -> State:
        whole = again is None or self.given is None
        first, self.given = 0 if whole else self.given or 0, self.next_offset
        pieces = {str(n): b"x" for n in range(first, self.next_offset)} | dict.fromkeys(again or (), b"x")
        return State(head=super().changes().head, pieces=pieces, whole=whole)


def test_a_snapshot_that_another_version_wrote_is_set_aside(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    SnapshotStore(tmp_path).write(0, Snapshot(next_offset=5, state=State(head=b"no json")))
    assert new_host(tmp_path).load(0) == 0
    assert "snapshot at offset 5: " in caplog.text
    assert (tmp_path / "frames-0.unusable").exists()


OUTSIDE = {
    "the log ends before it": Span(first=0, end=4),
    "the log begins after it": Span(first=6, end=9),
}


@pytest.mark.parametrize("span", OUTSIDE.values(), ids=OUTSIDE)
def test_a_snapshot_that_does_not_fit_the_log_is_set_aside(
    tmp_path: Path, span: Span, caplog: pytest.LogCaptureFixture
) -> None:
    host = new_host(tmp_path)
    host.load(0)
    for offset in range(5):
        host.take(frames(offset))
    host.keep(0, host.snapshot(0))
    assert new_host(tmp_path, span).load(0) == span.first
    assert f"goes up to offset 5, the log holds [{span.first}, {span.end}): records are lost" in caplog.text


class Source:
    """Hands records out in order, from wherever it is sent to; the first `lose` times it leaves the missing ones out."""

    def __init__(self, stage: DetectStage, records: list[Record], missing: set[int], lose: int) -> None:
        self._stage = stage
        self._records = records
        self._missing = missing
        self._lose = lose
        self._at = 0
        stage.seek = self.seek

    async def seek(self, partition: int, offset: int) -> None:
        self._lose -= 1
        self._at = offset - 1

    async def run(self) -> None:
        while self._at < len(self._records):
            given = self._records[self._at]
            if self._lose <= 0 or given.offset not in self._missing:
                await self._stage.take([given])
            self._at += 1


def stage_on(tmp_path: Path, log: SqliteLog, counts: Counter[str]) -> DetectStage:
    letters = DeadLetters(Shelf(tmp_path / "shelf.db"), StageThread("store"), counts)
    return DetectStage(new_host(tmp_path), log, letters, counts, snapshot_s=3600)


@pytest.mark.parametrize("lose", [1, 2, SEEKS_MAX], ids=["once", "twice", "as often as is borne"])
def test_over_a_hole_nothing_is_judged_it_is_read_again_until_it_comes(tmp_path: Path, lose: int) -> None:
    counts: Counter[str] = Counter()

    async def main(log: SqliteLog) -> None:
        stage = stage_on(tmp_path, log, counts)
        await stage.load([0])
        await Source(stage, [frames(n, f"p{n}") for n in range(10)], {3, 4, 6}, lose).run()
        assert stage.next == {0: 10}

    with SqliteLog(tmp_path) as log:
        asyncio.run(main(log))
        assert [r.body.count(b'"alert_id":"p') for r in log.read(Topic.ALERTS, 0, 0, 100)] == [1] * 10
    assert counts["detect.taken"] == 10
    assert counts["detect.holes"] >= lose


@pytest.mark.parametrize("cut_off", [True, False], ids=["the host ends meanwhile", "the disk takes it at last"])
def test_no_snapshot_moves_past_what_is_not_on_disk(tmp_path: Path, cut_off: bool) -> None:
    room = threading.Event()

    async def main(log: SqliteLog) -> None:
        host = new_host(tmp_path)
        letters = DeadLetters(Shelf(tmp_path / "shelf.db"), StageThread("store"), Counter())
        stage = DetectStage(host, log, letters, Counter(), snapshot_s=0)
        await stage.load([0])
        busy = log.run(lambda db: room.wait())  # the disk takes nothing for now
        taking = asyncio.create_task(stage.take([frames(0)]))
        await until(lambda: host.next_offset(0) == 1)
        if cut_off:
            taking.cancel()
            await stage.stop()
            room.set()
        else:
            assert SnapshotStore(tmp_path).read(0) is None
            room.set()
            await taking
            await stage.stop()
        await asyncio.wrap_future(busy)

    with SqliteLog(tmp_path) as log:
        asyncio.run(main(log))
        assert cut_off or log.end(Topic.ALERTS, 0) == 1
    kept = SnapshotStore(tmp_path).read(0)
    assert (kept.next_offset if kept else None) == (None if cut_off else 1)


def test_what_was_judged_but_not_sent_when_partitions_moved_is_judged_again(tmp_path: Path) -> None:
    room = threading.Event()

    async def main(log: SqliteLog) -> None:
        host = new_host(tmp_path)
        letters = DeadLetters(Shelf(tmp_path / "shelf.db"), StageThread("store"), Counter())
        stage = DetectStage(host, log, letters, Counter(), snapshot_s=3600)
        await stage.load([0])
        busy = log.run(lambda db: room.wait())  # the log takes nothing for now
        taking = asyncio.create_task(stage.take([frames(0, "p0")]))
        await until(lambda: host.next_offset(0) == 1)
        taking.cancel()  # as Faust does with what an agent is at when partitions move
        await asyncio.wait([taking])
        with pytest.raises(RuntimeError, match=r"frames \[0\]: expected that what was judged before had been sent"):
            await stage.take([frames(1, "p1")])
        stage.let_go({0})
        stage.given({0}, 2, go_on=True)
        assert await stage.take_over(0) == 0
        room.set()
        await asyncio.wrap_future(busy)
        await stage.take([frames(0, "p0"), frames(1, "p1")])
        await stage.stop()

    with SqliteLog(tmp_path) as log:
        asyncio.run(main(log))
        said = b"".join(record.body for record in log.read(Topic.ALERTS, 0, 0, 100))
    assert b'"alert_id":"p0"' in said and b'"alert_id":"p1"' in said


def test_records_that_never_come_end_the_stage_instead_of_being_skipped(tmp_path: Path) -> None:
    async def main(log: SqliteLog) -> None:
        stage = stage_on(tmp_path, log, Counter())
        await stage.load([0])
        await Source(stage, [frames(n) for n in range(10)], {3}, 1_000_000).run()

    with SqliteLog(tmp_path) as log, pytest.raises(HoleError, match="frames/0: expected offset 3, the log goes on with 4"):
        asyncio.run(main(log))
