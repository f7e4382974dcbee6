"""A host says over HTTP whether it lives, whether it is ready and what it counts, and nobody who asks holds it up."""

import asyncio
import socket
import time
from collections.abc import Sequence
from pathlib import Path

import aiohttp
import pytest

from engine.embedded_ground import EmbeddedGround
from engine.exit_codes import ExitCode
from engine.http.settings import HttpSettings
from engine.log.record import RecordKind, Topic
from engine.log.sqlite import wall_ms
from engine.metrics import METRICS
from engine.stages import Retry
from engine.status import read_status
from rules.alert import AlertEvent
from tests.app_parts import Shelf, until
from tests.http_host import Asked, account, host_on, parts_on, total, with_host

ANY_PORT = HttpSettings(port=0)


def test_a_host_that_works_is_healthy_and_ready(tmp_path: Path) -> None:
    async def act(asked: Asked) -> None:
        status, said = await asked.get("/health")
        assert (status, said["healthy"], said["reasons"]) == (200, True, {})
        assert said["checked"] == ["event_loop", "log", "threads"]
        await until(lambda: not sum(asked.host.health.lag().values()))
        status, said = await asked.get("/ready")
        assert (status, said["ready"], said["reasons"]) == (200, True, {})
        assert said["stages"]["store"] == {"lag": 0, "behind_s": 0.0, "waits": ""}
        await until(lambda: read_status(tmp_path / "data") is not None)
        assert read_status(tmp_path / "data")["http"] == asked.host.http.address

    with_host(host_on(tmp_path, parts_on(Shelf(tmp_path / "shelf.db"), ANY_PORT)), act)


def test_in_is_out_and_refused_and_again_for_every_stage(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path / "shelf.db")

    async def act(asked: Asked) -> None:
        host = asked.host
        for n, text in enumerate(["a", "b", "poison", "unbearable", "c"]):
            await host.intake.publish(text, n % 2)
        await host.log.put(Topic.READINGS, 0, RecordKind.DATA, b"no facts")
        await host.app.consumer.seek(_frames(0), 0)  # all of it comes again
        await until(lambda: host.counts["detect.contained"] > 0)
        await until(lambda: len(shelf.rows("select * from letter")) == 3)
        values = await asked.metrics_at_rest()
        for stage in ("detect", "store", "duty"):
            given, done = account(values, stage)
            assert given == done > 0
        assert total(values, "outfall_stage_refused_total", stage="detect") == 1
        assert total(values, "outfall_stage_refused_total", stage="store") == 1
        assert total(values, "outfall_stage_refused_total", stage="duty") == 1
        assert total(values, "outfall_stage_again_total", stage="detect", why="contained") > 0
        assert total(values, "outfall_refusals_total", reason="bad_crc") == 4

    with_host(host_on(tmp_path, parts_on(shelf, ANY_PORT)), act)


def _frames(partition: int) -> object:
    from faust.types import TP

    return TP("frames", partition)


def test_every_answer_is_made_of_declared_metrics_and_shows_what_is_asked_most(tmp_path: Path) -> None:
    async def act(asked: Asked) -> None:
        await asked.host.intake.publish("a")
        await until(lambda: 0 in asked.host.stages.detect.done_ms)
        values = await asked.metrics()
        ends = ("_bucket", "_sum", "_count")
        names = {name for name, _ in values}
        assert {n for n in names if n not in METRICS and not n.endswith(ends)} == set()
        for name in (
            "outfall_stage_lag_records", "outfall_judged_age_seconds", "outfall_snapshot_age_seconds", "outfall_log_bytes",
            "outfall_disk_free_bytes", "outfall_log_commit_seconds_count", "outfall_build_info",
            "outfall_event_loop_lag_seconds", "process_resident_memory_bytes", "process_start_time_seconds",
        ):  # fmt: skip
            assert name in names
        assert total(values, "outfall_ready") == total(values, "outfall_healthy") == 1
        assert 1e7 < total(values, "process_resident_memory_bytes") < 1e10
        assert abs(total(values, "process_start_time_seconds") - time.time()) < 3600

    with_host(host_on(tmp_path, parts_on(Shelf(tmp_path / "shelf.db"), ANY_PORT)), act)


def test_a_store_that_is_down_is_seen_and_keeps_the_host_ready_but_a_desk_does_not(tmp_path: Path) -> None:
    shelf, desk = Shelf(tmp_path / "shelf.db"), LazyDesk(tmp_path / "desk.db")
    shelf.down = "influx: connection refused"
    parts = parts_on(shelf, HttpSettings(port=0, behind_s_max=0.2), desk=desk)

    async def act(asked: Asked) -> None:
        await asked.host.intake.publish("a")
        await until(lambda: shelf.tries > 2)
        await asyncio.sleep(0.3)
        status, said = await asked.get("/ready")
        assert said["stages"]["store"]["waits"] == "influx: connection refused"
        assert said["stages"]["store"]["behind_s"] > 0.2
        assert status == 200
        values = await asked.metrics()
        assert total(values, "outfall_stage_blocked_seconds", stage="store") > 0
        assert total(values, "outfall_stage_retries_total", stage="store") > 1
        assert total(values, "outfall_stage_lag_records", stage="store") == 1
        shelf.down, desk.down = "", "core.db: disk is full"
        await asked.host.intake.publish("b")
        await until(lambda: desk.tries > 2)
        await asyncio.sleep(0.3)
        status, said = await asked.get("/ready")
        assert status == 503
        assert said["reasons"]["behind"].startswith("duty is 0 s behind the log, expected at most 0.2 s")
        desk.down = ""

    with_host(host_on(tmp_path, parts), act)


class Ears(EmbeddedGround):
    """Receives, and leaves the rest to others."""

    works = False

    def chores(self, stages: object, counts: object) -> tuple[()]:
        return ()

    def unassigned(self) -> str:
        return ""


class Hands(EmbeddedGround):
    """Works on what others receive."""

    hears = False


@pytest.mark.parametrize("part", [Ears, Hands])
def test_a_host_that_does_a_part_of_the_work_is_ready_when_it_does_that(
    tmp_path: Path, part: type[EmbeddedGround]
) -> None:
    async def act(asked: Asked) -> None:
        status, said = await asked.get("/ready")
        assert (status, said["reasons"]) == (200, {})
        assert bool(said["stages"]) is (part is Hands)
        values = await asked.metrics()
        assert any(name == "outfall_log_end_offset" for name, _ in values)
        assert any(name == "outfall_stage_lag_records" for name, _ in values) is (part is Hands)

    host = host_on(tmp_path, parts_on(Shelf(tmp_path / "shelf.db"), ANY_PORT))
    host.ground = part(host.settings, wall_ms)
    with_host(host, act)


class LazyDesk(Shelf):
    """A desk that is down when it says so."""

    def take(self, events: Sequence[AlertEvent]) -> Retry | None:
        return Retry(reason=self.down, after_s=0.02) if self._is_down() else super().take(events)


def test_a_host_that_starts_or_stops_answers_and_says_so(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path / "shelf.db")
    said: list[tuple[int, dict[str, str]]] = []

    class Slow:
        """A service that asks before it lets the start go on, and while it stops."""

        async def start(self) -> None:
            said.append(await self._ask())

        async def stop(self) -> None:
            said.append(await self._ask())

        async def _ask(self) -> tuple[int, dict[str, str]]:
            async with aiohttp.ClientSession() as session, session.get(f"http://{host.http.address}/ready") as answer:
                return answer.status, (await answer.json())["reasons"]

    host = host_on(tmp_path, parts_on(shelf, ANY_PORT, services=(Slow(),)))

    async def nothing(asked: Asked) -> None:
        """Start and stop."""

    with_host(host, nothing)
    (first, starting), (last, stopping) = said
    assert (first, last) == (503, 503)
    assert starting["started"] == "the host is starting"
    assert stopping["stopping"] == "the host is stopping"


def test_a_log_that_takes_nothing_and_a_thread_that_ended_are_unhealthy(tmp_path: Path) -> None:
    async def act(asked: Asked) -> None:
        log = asked.host.log
        await until(lambda: asked.host.counts["ticks"] > 0)
        log.run(lambda db: db.execute("pragma max_page_count = 1").fetchone()).result()  # a disk without room
        await log.put(Topic.READINGS, 0, RecordKind.DATA, b"x" * 100_000)
        thread = asked.host.stages.threads[1]
        thread.close()
        await until(lambda: not thread.alive)
        status, said = await asked.get("/health")
        assert status == 503
        assert said["reasons"] == {
            "log": "the log takes nothing: database or disk is full",
            "threads": "the thread of stage store has ended",
        }

    with_host(host_on(tmp_path, parts_on(Shelf(tmp_path / "shelf.db"), ANY_PORT), tick_s=3600.0), act)


def test_a_port_in_use_ends_the_host_and_is_named(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        host = host_on(tmp_path, parts_on(Shelf(tmp_path / "shelf.db"), HttpSettings(port=port)))
        assert asyncio.run(host.run()) is ExitCode.HOST
    assert f"cannot listen on 127.0.0.1:{port}: another program listens there" in caplog.text
