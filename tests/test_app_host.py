"""The host: what goes in comes out once, whatever fails on the way, and it ends as it says it does."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path

import pytest
from faust.types import TP
from pysqlite3 import dbapi2 as sqlite

from engine.app import Parts
from engine.exit_codes import ExitCode
from engine.lifecycle import Host
from engine.log.reader import LogReader
from engine.log.record import Control, RecordKind, Topic
from engine.log.sqlite import SqliteLog
from engine.settings import HostSettings
from engine.status import read_status
from tests.app_parts import Hand, Shelf, Tally, until

Act = Callable[[Host, Hand], Awaitable[None]]


def settings_of(tmp_path: Path, **changes: object) -> HostSettings:
    base = HostSettings(data=tmp_path / "data", partitions=2, tick_s=0.05, status_s=0.05, drain_s=5.0)
    return replace(base, **changes)


def parts_of(shelf: Shelf, **changes: object) -> Parts:
    return replace(
        Parts(store=shelf, desk=shelf, registry={"v": 1}, rules={"v": 1}, intake=Hand, judge=Tally), **changes
    )


def session(settings: HostSettings, parts: Parts, act: Act) -> ExitCode:
    """Run a host, do something with it, stop it in order."""

    async def main() -> ExitCode:
        host = Host(settings, parts)
        running = asyncio.create_task(host.run())
        ready = asyncio.create_task(host.ready.wait())
        await asyncio.wait({running, ready}, return_when=asyncio.FIRST_COMPLETED, timeout=20)
        if not running.done():
            assert isinstance(host.intake, Hand)
            await act(host, host.intake)
            host.stop()
        return await asyncio.wait_for(running, 30)

    return asyncio.run(main())


async def nothing(host: Host, hand: Hand) -> None:
    """Start and stop."""


def publishing(*texts: str) -> Act:
    async def act(host: Host, hand: Hand) -> None:
        for n, text in enumerate(texts):
            await hand.publish(text, n % 2)

    return act


def texts_on(shelf: Shelf) -> list[str]:
    return sorted(str(detail).split()[0] for (detail,) in shelf.rows("select detail from payload"))


def test_every_payload_reaches_store_and_desk_before_a_stop_is_over(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path / "shelf.db")
    texts = [f"p{n:03d}" for n in range(100)]
    assert session(settings_of(tmp_path), parts_of(shelf), publishing(*texts)) is ExitCode.OK
    assert texts_on(shelf) == texts
    assert [id for (id,) in shelf.rows("select id from alert order by id")] == texts
    status = read_status(tmp_path / "data")
    assert status is not None
    assert status["state"] == "stopped"
    assert {name: stage["lag"] for name, stage in status["stages"].items()} == {"detect": 0, "store": 0, "duty": 0}
    assert status["intake"] == {"stored": 100}


def test_a_restart_goes_on_where_the_snapshot_ends_and_counts_nothing_twice(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path / "shelf.db")
    for round_ in range(3):
        session(settings_of(tmp_path), parts_of(shelf), publishing(*(f"r{round_}n{n}" for n in range(10))))
    details = [str(detail) for (detail,) in shelf.rows("select detail from payload order by partition, offset, row")]
    assert [d.split(" ", 1)[1] for d in details] == [f"number {n} of {p}" for p in (0, 1) for n in range(1, 16)]


def test_without_its_snapshots_a_host_judges_the_log_again_and_effects_stay_the_same(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path / "shelf.db")
    session(settings_of(tmp_path), parts_of(shelf), publishing("a", "b", "c"))
    before = sorted(shelf.rows("select * from payload")), shelf.rows("select * from alert")
    for file in (tmp_path / "data" / "snapshots").iterdir():
        file.unlink()
    session(settings_of(tmp_path), parts_of(shelf), nothing)
    assert (sorted(shelf.rows("select * from payload")), shelf.rows("select * from alert")) == before


def test_a_damaged_snapshot_is_set_aside_and_the_log_is_judged_again(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    shelf = Shelf(tmp_path / "shelf.db")
    session(settings_of(tmp_path), parts_of(shelf), publishing("a", "b", "c"))
    file = tmp_path / "data" / "snapshots" / "frames-0.snap"
    content = bytearray(file.read_bytes())
    content[-3] ^= 1
    file.write_bytes(content)
    session(settings_of(tmp_path), parts_of(shelf), publishing("d"))
    assert f"{file}: its checksum is wrong; kept as frames-0.unusable. The log is judged again" in caplog.text
    details = {str(detail) for (detail,) in shelf.rows("select detail from payload where partition = 0")}
    assert details == {"a number 1 of 0", "c number 2 of 0", "d number 3 of 0"}


def test_a_log_that_lost_its_end_is_noticed_by_the_snapshot(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    shelf = Shelf(tmp_path / "shelf.db")
    session(settings_of(tmp_path), parts_of(shelf), publishing("a", "b"))
    for file in (tmp_path / "data").glob("log.db*"):
        file.unlink()
    session(settings_of(tmp_path), parts_of(shelf), publishing("c"))
    assert "the log holds [0, " in caplog.text
    assert "records are lost" in caplog.text
    assert "c" in texts_on(shelf)


def test_the_first_records_of_a_start_say_that_the_host_listens_and_by_what_it_judges(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path / "shelf.db")
    quiet = settings_of(tmp_path, tick_s=3600.0)
    for rules in (1, 1, 2):
        session(quiet, parts_of(shelf, rules={"v": rules}), nothing)
    with LogReader(tmp_path / "data" / "log.db") as reader:
        records = list(reader.records(Topic.FRAMES, 1))
    said = [Control.decode(r.body).kind if r.kind is RecordKind.CONTROL else "tick" for r in records]
    assert said == [
        "host_started", "registry", "rules", "tick",
        "host_started", "tick",
        "host_started", "rules", "tick",
    ]  # fmt: skip


def test_what_the_judge_or_a_stage_cannot_use_becomes_a_dead_letter_and_the_rest_goes_on(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path / "shelf.db")

    async def act(host: Host, hand: Hand) -> None:
        await publishing("a", "b", "poison", "unbearable")(host, hand)
        assert host.log is not None
        await host.log.put(Topic.READINGS, 0, RecordKind.DATA, b"no facts")
        await publishing("c", "d")(host, hand)

    assert session(settings_of(tmp_path), parts_of(shelf), act) is ExitCode.OK
    assert texts_on(shelf) == ["a", "b", "c", "d", "unbearable"]
    letters = shelf.rows("select stage, topic, partition, detail from letter order by stage")
    assert letters == [
        ("detect", "frames", 0, "ArithmeticError: poison"),
        ("duty", "alerts", 1, "KeyError: 'unbearable'"),
        ("store", "readings", 0, "facts of 8 bytes: expected b'OFR1' first, got b'no f'"),
    ]


def test_a_consumer_that_skips_records_is_sent_back_and_nothing_is_judged_over_the_hole(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path / "shelf.db")
    texts = [f"p{n:02d}" for n in range(40)]

    async def act(host: Host, hand: Hand) -> None:
        assert host.app is not None
        for n, text in enumerate(texts):
            await hand.publish(text, 0)
            if n % 10 == 5:
                here = await host.app.consumer.position(("frames", 0))
                await host.app.consumer.seek(TP("frames", 0), here + 3)
        await until(lambda: len(texts_on(shelf)) == 40)
        assert host.counts["detect.holes"] > 0

    assert session(settings_of(tmp_path), parts_of(shelf), act) is ExitCode.OK
    details = [str(detail).split() for (detail,) in shelf.rows("select detail from payload order by offset, row")]
    assert [(text, int(number)) for text, _, number, *_ in details] == [(t, n) for n, t in enumerate(texts, 1)]


def test_a_store_that_is_down_holds_up_neither_the_judge_nor_the_duty(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path / "shelf.db")
    shelf.down = "influx: connection refused"

    async def act(host: Host, hand: Hand) -> None:
        await publishing("a", "b")(host, hand)
        await until(lambda: len(shelf.rows("select * from alert")) == 2 and shelf.tries > 2)
        assert host.health is not None
        assert host.health.status("running", {})["stages"]["store"]["waits"] == "influx: connection refused"
        shelf.down = ""
        await until(lambda: texts_on(shelf) == ["a", "b"])

    assert session(settings_of(tmp_path), parts_of(shelf), act) is ExitCode.OK
    assert shelf.rows("select * from letter") == []


def test_a_stop_does_not_wait_for_a_store_that_is_down_and_says_what_it_left(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    shelf = Shelf(tmp_path / "shelf.db")
    shelf.down = "influx: connection refused"

    async def act(host: Host, hand: Hand) -> None:
        await publishing("a", "b")(host, hand)
        await until(lambda: shelf.tries > 1)

    assert session(settings_of(tmp_path), parts_of(shelf), act) is ExitCode.OK
    assert "records left in the log, done at the next start: 2 for store" in caplog.text
    shelf.down = ""
    session(settings_of(tmp_path), parts_of(shelf), nothing)
    assert texts_on(shelf) == ["a", "b"]


def test_the_second_stop_ends_at_once(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path / "shelf.db")

    async def act(host: Host, hand: Hand) -> None:
        await publishing(*(f"p{n}" for n in range(50)))(host, hand)
        host.stop()  # `session` calls it once more

    assert session(settings_of(tmp_path), parts_of(shelf), act) is ExitCode.INTERRUPTED
    session(settings_of(tmp_path), parts_of(shelf), nothing)
    assert len(texts_on(shelf)) == 50


def failing_log(host: Host) -> None:
    assert host.log is not None
    host.log.run(lambda db: db.execute("drop table record")).result()


def failing_intake(host: Host) -> None:
    assert isinstance(host.intake, Hand)
    host.intake.failure = RuntimeError("it broke")


FAILURES = {
    "the log can no longer be written": (failing_log, ExitCode.LOG),
    "the intake ended by itself": (failing_intake, ExitCode.INTAKE),
}


@pytest.mark.parametrize(("breaks", "code"), FAILURES.values(), ids=FAILURES)
def test_a_part_that_fails_ends_the_host_with_its_own_code(
    tmp_path: Path, breaks: Callable[[Host], None], code: ExitCode
) -> None:
    async def main() -> ExitCode:
        host = Host(settings_of(tmp_path), parts_of(Shelf(tmp_path / "shelf.db")))
        running = asyncio.create_task(host.run())
        await asyncio.wait_for(host.ready.wait(), 20)
        breaks(host)
        return await asyncio.wait_for(running, 20)

    assert asyncio.run(main()) is code


def test_an_intake_that_cannot_listen_is_named_and_everything_else_is_stopped(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    busy = OSError("127.0.0.1:1883: address already in use")
    parts = parts_of(Shelf(tmp_path / "shelf.db"), intake=lambda log: Hand(log, busy))
    assert session(settings_of(tmp_path), parts, nothing) is ExitCode.INTAKE
    assert "intake: 127.0.0.1:1883: address already in use" in caplog.text
    SqliteLog(tmp_path / "data", partitions=2).close()


def test_a_second_host_on_the_same_directory_is_refused(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with SqliteLog(tmp_path / "data", partitions=2):
        assert session(settings_of(tmp_path), parts_of(Shelf(tmp_path / "shelf.db")), nothing) is ExitCode.IN_USE
    assert "in use by process" in caplog.text


def test_a_damaged_record_is_a_dead_letter_and_what_stands_behind_it_is_judged(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path / "shelf.db")
    with SqliteLog(tmp_path / "data", partitions=2) as log:
        asyncio.run(_append(log, ["a", "hurt", "b"]))
    db = sqlite.connect(str(tmp_path / "data" / "log.db"))
    db.execute("update record set body = replace(body, 'hurt', 'HURT') where instr(body, 'hurt')")
    db.commit()
    db.close()
    assert session(settings_of(tmp_path), parts_of(shelf), nothing) is ExitCode.OK
    assert texts_on(shelf) == ["a", "b"]
    assert shelf.rows("select stage, topic, partition, offset, detail from letter") == [
        ("detect", "frames", 0, 1, "damaged in the log")
    ]


async def _append(log: SqliteLog, texts: list[str]) -> None:
    for text in texts:
        await log.append_frames(0, [("login", "mn", text.encode())])
