"""A host says over HTTP whether it lives, whether it is ready and what it counts, and nobody who asks holds it up."""

import asyncio
import socket
import time
from collections.abc import Sequence
from pathlib import Path

import aiohttp
import pytest

from engine.duty.settings import Secret
from engine.embedded_ground import EmbeddedGround
from engine.exit_codes import ExitCode
from engine.http.probes import Probes, reasons
from engine.http.pulse import Pulse
from engine.http.server import HttpServer
from engine.http.settings import HttpSettings
from engine.lag import Lag
from engine.log.record import RecordKind, Topic
from engine.log.sqlite import wall_ms
from engine.metrics import METRICS
from engine.stage_thread import StageThread
from engine.stages import Retry
from engine.status import read_status
from rules.alert import AlertEvent
from tests.app_parts import Shelf, until
from tests.http_host import Asked, account, host_on, parts_on, total, with_host

ANY_PORT = HttpSettings(port=0)
TOKEN = "correct-horse-battery"


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


class At:
    """A stage at some offset, and a clock."""

    name = "duty"
    blocked = ""

    def __init__(self) -> None:
        self.next = {0: 0}
        self.done_ms: dict[int, int] = {}
        self.now_ms = 1_000_000
        self.end = 0


def test_behind_is_the_time_since_the_end_was_seen_or_the_age_of_the_last_record() -> None:
    at = At()
    lag = Lag({Topic.ALERTS: at}, lambda topic, partition: at.end, lambda: at.now_ms)
    assert lag.behind_s(Topic.ALERTS, 0) == 0
    at.now_ms += 3_600_000  # nothing happens for an hour, then records come
    assert lag.behind_s(Topic.ALERTS, 0) == 0
    at.end = 3
    at.now_ms += 5_000
    assert lag.behind_s(Topic.ALERTS, 0) == 5
    at.next[0], at.done_ms[0] = 1, at.now_ms - 1_000  # it goes on, and is a second behind
    assert lag.behind_s(Topic.ALERTS, 0) == 1
    assert lag.records(Topic.ALERTS, 0) == 2


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


def test_a_loop_that_stood_still_is_late_for_a_minute() -> None:
    async def main() -> tuple[float, float]:
        pulse = Pulse()
        beating = asyncio.create_task(pulse.run())
        await asyncio.sleep(0)
        before = pulse.worst_s()
        time.sleep(0.6)  # that is what is tested
        late = pulse.worst_s()
        beating.cancel()
        return before, late

    before, late = asyncio.run(main())
    assert before == 0
    assert late > 0.3


def test_a_call_that_does_not_end_is_seen() -> None:
    async def main() -> None:
        thread = StageThread("store")
        assert (thread.alive, thread.busy_s) == (True, 0)
        busy = await thread.call(lambda: thread.busy_s)
        assert busy > 0
        thread.close()

    asyncio.run(main())


Ask = tuple[str, str, dict[str, str]]
"""Method, path, headers."""


async def _with_server(settings: HttpSettings, probes: Probes, *asks: Ask) -> list[tuple[int, str]]:
    server = HttpServer(settings, probes)
    await server.start()
    try:
        async with aiohttp.ClientSession() as session:
            answers = []
            for method, path, headers in asks:
                async with session.request(method, f"http://{server.address}{path}", headers=headers) as answer:
                    answers.append((answer.status, await answer.text()))
            return answers
    finally:
        await server.stop()


def test_unknown_routes_and_methods_get_a_hint() -> None:
    asks = (("GET", "/", {}), ("GET", "/metric", {}), ("POST", "/metrics", {}), ("DELETE", "/ready", {}))
    answers = asyncio.run(_with_server(ANY_PORT, Probes(), *asks))
    assert [status for status, _ in answers] == [404] * 4
    assert answers[1][1] == "/metric: there is nothing; here are /health, /ready and /metrics (GET)\n"


def test_without_the_token_nothing_is_said_but_yes_or_no() -> None:
    settings = HttpSettings(port=0, token=Secret(TOKEN))
    probes = Probes(healthy={"log": lambda: "the log takes nothing"})
    right, wrong = {"Authorization": f"Bearer {TOKEN}"}, {"Authorization": "Bearer guess"}
    asks = (("GET", "/health", {}), ("GET", "/metrics", {}), ("GET", "/metrics", wrong), ("GET", "/metrics", right))
    asks += (("GET", "/health", right),)
    health, none, guessed, metrics, told = asyncio.run(_with_server(settings, probes, *asks))
    assert health[0] == 503
    assert "takes nothing" not in health[1]
    assert (none[0], guessed[0]) == (401, 401)
    assert metrics[0] == 200
    assert "outfall_healthy 0" in metrics[1]
    assert "takes nothing" in told[1]
    assert TOKEN not in "".join(text for _, text in (health, none, guessed, metrics, told))


def test_a_check_that_fails_is_a_reason_and_a_source_that_fails_is_left_out() -> None:
    async def broken() -> list[object]:
        raise OSError("gone")

    probes = Probes(healthy={"odd": lambda: str(1 / 0)}, sources=(broken,))
    assert reasons(probes.healthy) == {"odd": "ZeroDivisionError: cannot be told"}
    ((status, text),) = asyncio.run(_with_server(ANY_PORT, probes, ("GET", "/metrics", {})))
    assert (status, "outfall_healthy 0" in text) == (200, True)


def test_a_port_in_use_ends_the_host_and_is_named(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        host = host_on(tmp_path, parts_on(Shelf(tmp_path / "shelf.db"), HttpSettings(port=port)))
        assert asyncio.run(host.run()) is ExitCode.HOST
    assert f"cannot listen on 127.0.0.1:{port}: another program listens there" in caplog.text
