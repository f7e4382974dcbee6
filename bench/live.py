"""From the publish of a frame to the page handed to the channel, on the whole pipeline, in real time.

    python -m bench.live                                             # 100,000 outlets x 8 factors a minute
    python -m bench.live --outlets 2000 --minutes 1 --backlog 2      # a minute and a half

First a host learns the register and ends with a snapshot; then a **backlog** of minutes is written into its log, and it
is started again: how many times real time does it catch up? Then, on the same host, a **steady** load of the same
outlets, published by a process of its own over a few MQTT connections, QoS 1, evenly over each minute of the wall clock.
Every clock is the real one; nothing is accelerated. A 500th of the outlets is over a limit in each minute; each of them
makes an alert and two pages (over; back within), and the time of the first is measured.

All five kinds of rule are on; three factors of each outlet have an hourly limit on the converted basis. Peak memory is
that of the host's process: endpoint, log, judge, store, duty, and the register of all outlets.
"""

import asyncio
import contextlib
import logging
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np

from bench._backlog import Live, fill
from bench._district import FACTORS, MINUTE_MS, make_registry, make_rules
from bench._even_load import EvenLoad, EvenlyLoaded, run_load
from bench._measure import Report, in_child, parser
from engine.app import Parts
from engine.database.open import open_database
from engine.duty.channels.channel import Outcome, Status
from engine.duty.desk import Desk
from engine.duty.outbox import PageState, page_counts
from engine.duty.page import Page
from engine.duty.roster import Person, Roster, Shift
from engine.duty.sender import Sender
from engine.duty.settings import ChannelKind, ChannelSettings, DutySettings
from engine.intake.credentials import Credentials
from engine.intake.endpoint import MqttEndpoint
from engine.intake.settings import IntakeSettings
from engine.lifecycle import Host
from engine.log.sqlite import wall_ms
from engine.settings import HostSettings
from engine.store.local import LocalStore
from engine.store.names import Names
from rules.rule import RuleSet
from rules.ruleset_json import ruleset_to_json
from sensors.registry import Registry
from sensors.registry_json import registry_to_json

CONNECTIONS = 16
PAGE_PATIENCE_S = 30.0
WAITING = (PageState.WAITING, PageState.SENDING)


@dataclass(slots=True)
class Handed:
    """A channel that notes when it was handed a page."""

    opened: dict[tuple[int, int], float] = field(default_factory=dict)  # (outlet, device minute) -> monotonic s
    pages: int = 0

    async def send(self, page: Page) -> Outcome:
        """Take it."""
        self.pages += 1
        if page.subject.step == "opened" and page.subject.kind == "instant":
            self.opened[int(page.subject.outlet.split()[-1]), page.subject.start_ms] = time.monotonic()
        return Outcome(status=Status.DELIVERED)

    async def close(self) -> None:
        """Nothing to let go of."""


class Bench:
    """A host on a directory, with a channel that looks at the clock."""

    def __init__(self, data: Path, world: "World", now_ms: Callable[[], int] = wall_ms) -> None:
        duty = DutySettings(
            roster=Roster(
                people=(Person(id="li", name="Li", channels=("bench",)),),
                shifts=(Shift(id="all", squads=(("li",),), anchor=datetime(2020, 1, 1)),),
            ),
            channels=(ChannelSettings(name="bench", kind=ChannelKind.TERMINAL),),
        )
        self.channel = Handed()
        self.store = LocalStore(data, Names(registry=world.registry, rules=world.rules))
        self.database = open_database(data)
        sender = Sender(self.database, duty, {"bench": self.channel})
        parts = Parts(
            store=self.store,
            desk=Desk(self.database, duty, world.registry, world.rules, wake=sender.wake),
            registry=world.registry_json,
            rules=world.rules_json,
            intake=lambda log: MqttEndpoint(
                IntakeSettings(port=0, anonymous=True), log, Credentials(data / "devices.json"), lambda _mn: 0
            ),
            services=(sender,),
        )
        self.host = Host(HostSettings(data=data), parts, now_ms=now_ms)

    async def caught_up(self) -> None:
        """Return when nothing of what is in the log is left to do."""
        assert self.host.health is not None
        while sum(self.host.health.lag().values()) > 1:  # a tick may be on its way
            await asyncio.sleep(0.01)

    async def pages_out(self) -> None:
        """Return when no page waits: those of a backlog go to one person, one after the other, before any newer one."""
        while any(count for state, count in page_counts(self.database).items() if state in WAITING):
            await asyncio.sleep(0.2)

    def close(self) -> None:
        """Let go of the files."""
        self.store.close()
        self.database.close()


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """What is registered, as objects and as the log has it."""

    registry: Registry
    rules: RuleSet
    registry_json: Any
    rules_json: Any


async def _run(bench: Bench, live: Live) -> dict[str, Any]:
    began, cpu_began = time.monotonic(), time.process_time()
    life = asyncio.create_task(bench.host.run())
    await bench.host.ready.wait()
    started_s, cpu_start_s = time.monotonic() - began, time.process_time() - cpu_began
    await bench.caught_up()
    caught_up_s, cpu_caught_up_s = time.monotonic() - began, time.process_time() - cpu_began
    await bench.pages_out()
    pages_out_s = time.monotonic() - began
    before, cpu_began = dict(bench.host.counts), time.process_time()
    loaded = await _steady(bench, live)
    cpu_steady_s = time.process_time() - cpu_began
    await bench.caught_up()
    waiting = {(outlet, minute_ms) for outlet, minute_ms, _ in loaded.over} - bench.channel.opened.keys()
    deadline = time.monotonic() + PAGE_PATIENCE_S
    while waiting and time.monotonic() < deadline:
        await asyncio.sleep(0.05)
        waiting -= bench.channel.opened.keys()
    bench.host.stop()
    code = await life
    counts = {name: count - before.get(name, 0) for name, count in bench.host.counts.items()}
    return {
        "code": int(code),
        "started_s": started_s,
        "caught_up_s": caught_up_s,
        "pages_out_s": pages_out_s,
        "cpu_s": (cpu_start_s, cpu_caught_up_s - cpu_start_s, cpu_steady_s),
        "before": before,
        "counts": counts,
        "loaded": loaded,
        "pages_ms": [(bench.channel.opened[o, m] - at) * 1000 for o, m, at in loaded.over if (o, m) in bench.channel.opened],
        "missing": len(waiting),
        "pages": bench.channel.pages,
    }


async def _steady(bench: Bench, live: Live) -> EvenlyLoaded:
    intake = bench.host.intake
    assert isinstance(intake, MqttEndpoint)
    first_minute_ms = wall_ms() // MINUTE_MS * MINUTE_MS - MINUTE_MS
    load = EvenLoad(
        port=intake.port,
        connections=CONNECTIONS,
        outlets=live.outlets,
        first_minute_ms=first_minute_ms,
        minutes=live.minutes,
    )
    return await asyncio.to_thread(run_load, load)


async def _learn(bench: Bench) -> None:
    """Start, take register and rules over, end with a snapshot."""
    life = asyncio.create_task(bench.host.run())
    await bench.host.ready.wait()
    await bench.caught_up()
    bench.host.stop()
    await life


def measure(live: Live) -> dict[str, Any]:
    """One run in a directory of its own."""
    logging.basicConfig(level=logging.ERROR)
    registry = make_registry(live.outlets)
    rules = make_rules(registry)
    world = World(
        registry=registry,
        rules=rules,
        registry_json=registry_to_json(registry),
        rules_json=ruleset_to_json(rules),
    )
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder)
        start_ms = wall_ms() - live.backlog * MINUTE_MS
        with contextlib.closing(Bench(data, world, lambda: start_ms - MINUTE_MS)) as bench:
            asyncio.run(_learn(bench))
        fill(data, live, start_ms)
        with contextlib.closing(Bench(data, world)) as bench:
            return asyncio.run(_run(bench, live))


def _rows(report: Report, live: Live, found: dict[str, Any], peak: float) -> None:
    loaded: EvenlyLoaded = found["loaded"]
    past = live.backlog * live.outlets * len(FACTORS)
    spent = found["caught_up_s"]
    steady = loaded.acknowledged * len(FACTORS) / loaded.seconds
    pages = np.percentile(found["pages_ms"], [50, 99, 100]).tolist() if found["pages_ms"] else []
    lines: tuple[tuple[str, str, list[float], float, float], ...] = (
        (f"catch up {live.backlog} min", "log → all stages", [], past / spent, live.backlog * 60 / spent),
        (f"steady {live.minutes:g} min", "publish → PUBACK", list(loaded.puback_ms), steady, 1.0),
        (f"steady {live.minutes:g} min", "publish → page handed over", pages, steady, 1.0),
    )
    for phase, way, percentiles, readings_s, times in lines:
        p50, p99, most = (round(ms, 1) for ms in percentiles) if percentiles else (None, None, None)
        report.add(
            phase=phase,
            way=way,
            p50_ms=p50,
            p99_ms=p99,
            max_ms=most,
            readings_s=round(readings_s),
            times_real_time=round(times, 2),
            peak_mib=round(peak),
        )
    measured, missing = len(found["pages_ms"]), found["missing"]
    report.notes += [
        f"catch up: {live.batch} frames a record; {spent:.1f} s, of which {found['started_s']:.1f} s are the start; "
        f"the pages of the backlog took {found['pages_out_s'] - spent:.1f} s more",
        _cpu(live, loaded, *found["cpu_s"]),
        f"steady: {measured} first pages measured, {missing} missing; {found['pages']} pages in all",
        f"steady: {loaded.published:,} frames published, {loaded.acknowledged:,} acknowledged, "
        f"in {found['counts'].get('detect.taken', 0):,} records of the log",
        f"the generator was at most {loaded.late_s_max * 1000:.0f} ms behind its plan; exit code {found['code']}",
    ]


def _cpu(live: Live, loaded: EvenlyLoaded, start_s: float, caught_up_s: float, steady_s: float) -> str:
    """What of the machine the host had, whatever else ran on it."""
    frame_us = caught_up_s / max(1, live.backlog * live.outlets) * 1e6
    steady = f"{steady_s / loaded.seconds * 100:.0f} % of a core steady"
    return f"CPU of the host: {start_s:.1f} s for the start, {frame_us:.0f} us a frame of the backlog, {steady}"


def main() -> None:
    """The command."""
    options = parser(__doc__)
    options.add_argument("--outlets", type=int, default=100_000)
    options.add_argument("--minutes", type=float, default=3.0, help="of steady load, real time")
    options.add_argument("--backlog", type=int, default=10, help="minutes in the log before the start")
    options.add_argument("--batch", type=int, default=100, help="frames a record of the backlog")
    given = options.parse_args()
    live = Live(outlets=given.outlets, minutes=given.minutes, backlog=given.backlog, batch=given.batch)
    found, peak = in_child(measure, live)
    report = Report(bench="bench.live", title=f"{live.outlets:,} outlets x {len(FACTORS)} factors a minute")
    _rows(report, live, found, peak)
    report.show(as_json=given.json)


if __name__ == "__main__":
    main()
