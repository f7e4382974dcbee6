"""The HTTP endpoint by itself, and what it asks: how far behind a stage is, how late the event loop, what a thread is at."""

import asyncio
import time

import aiohttp

from engine.duty.settings import Secret
from engine.http.probes import Probes, reasons
from engine.http.pulse import Pulse
from engine.http.server import HttpServer
from engine.http.settings import HttpSettings
from engine.lag import Lag
from engine.log.record import Topic
from engine.stage_thread import StageThread

ANY_PORT = HttpSettings(port=0)
TOKEN = "correct-horse-battery"


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
