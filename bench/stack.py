"""The whole stack: Mosquitto, bridge, Kafka, 1 and 2 workers, InfluxDB, PostgreSQL, webhook; beside stock Faust.

    python -m bench.stack --json                                    # about two minutes
    python -m bench.stack --outlets 100 --minutes 30 --seconds 5 --stock 5000

Every server is a real, private process, and each process of Outfall is `outfall run` with a configuration. For each number
of workers, on topics, database and bucket of their own: a worker learns the register and ends; a **backlog** is published
to Mosquitto and carried into Kafka by the bridge; then all workers start at once and work it off. `judged`: from the
first record of readings in Kafka to the last, by the broker's stamps. `stored`: from the same instant until InfluxDB has
them all, which is checked by a count in Flux. Then a **steady** load, and the time from the write of a frame to its page.

Stock Faust (bench/_stock_faust.py) takes one reading a record from the same broker into a windowed table, before
and after; the ratios are to the quicker of the two.
"""

import os
import resource
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bench import _stack_topic, _stock_faust
from bench._district import FACTORS, MINUTE_MS
from bench._even_load import EvenLoad, run_load
from bench._measure import Report, in_child, parser
from bench._stack_rig import CONNECTIONS, PARTITIONS, SECRET, Case, Servers, start, stop

WORKERS = (1, 2)
BACKLOG_FRAMES_S = 20_000.0
"""The generator's plan for the backlog: more than a bridge carries away."""

ALERT_CYCLE = 25
"""Of the steady load: an outlet is over its limit in one minute of so many."""

PATIENCE_S = 180.0
LOOK_S = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizes:
    """Of one run."""

    outlets: int
    minutes: int  # of backlog
    rate: float  # readings a second of the steady load
    seconds: float  # for which it lasts
    stock: int  # readings for stock Faust, each time


def stock(server: str, topic: str, readings: int) -> tuple[float, int, float]:
    """In a process of its own: readings a second of stock Faust, how many it saw, its peak memory in MiB."""
    found = _stock_faust.measure(server, topic, readings)
    return found.readings / found.seconds, found.readings, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024


def play(case: Case, sizes: Sizes) -> dict[str, Any]:
    """One number of workers: a row."""
    servers, prefix = case.servers.kafka.servers, case.prefix
    start(case.workers[:1])  # the log holds the register before the first frame
    _wait(lambda: _stack_topic.is_announced(servers, prefix, PARTITIONS), "register and rules in each partition")
    stop(case.workers[:1])
    start([case.bridge])
    now_ms = time.time_ns() // 1_000_000 // MINUTE_MS * MINUTE_MS
    row = {"workers": len(case.workers), **_publish_backlog(case, sizes, now_ms - sizes.minutes * MINUTE_MS)}
    row |= _work_off(case, sizes.outlets * sizes.minutes * len(FACTORS))
    row |= _steady(case, sizes, now_ms)
    return row | {f"peak_mib_{name}": mib for name, mib in case.peaks().items()}


def _publish_backlog(case: Case, sizes: Sizes, first_ms: int) -> dict[str, Any]:
    load = EvenLoad(
        port=case.servers.broker.port, connections=CONNECTIONS, outlets=sizes.outlets, first_minute_ms=first_ms,
        minutes=sizes.minutes, minute_s=sizes.outlets / BACKLOG_FRAMES_S, secret=SECRET,
    )  # fmt: skip
    loaded = run_load(load)
    _wait(lambda: case.total("outfall_intake_acknowledged_total", [case.bridge]) >= loaded.published, "all frames in Kafka")
    grown = _stack_topic.frames(case.servers.kafka.servers, case.prefix, PARTITIONS)
    if grown.count < loaded.acknowledged:
        raise RuntimeError(f"{loaded.acknowledged} frames were acknowledged, {grown.count} are in Kafka")
    return {
        "published_frames_s": round(loaded.published / loaded.seconds),
        "bridged_frames_s": round(grown.per_s),
        "frames_a_record": round(grown.count / grown.records),
    }


def _work_off(case: Case, readings: int) -> dict[str, Any]:
    started_s = time.time()
    start(case.workers)
    _wait(lambda: case.total("outfall_influx_lines_total") >= readings and _lag(case, "store") == 0, "all readings stored")
    stored_s = time.time()
    _wait(lambda: _lag(case, "duty") == 0 and not case.pages_wait(), "all pages out")
    paged_s = time.time()
    grown = _stack_topic.readings(case.servers.kafka.servers, case.prefix, PARTITIONS)
    if (stored := case.stored()) != readings or grown.count < readings:
        raise RuntimeError(f"{readings} readings were published, {grown.count} judged, {stored} are in InfluxDB")
    first_s = grown.first_ms / 1000
    return {
        "readings": readings,
        "judged_readings_s": round(grown.per_s),
        "stored_readings_s": round(readings / (stored_s - first_s)),
        "start_s": round(first_s - started_s, 1),
        "all_pages_s": round(paged_s - first_s, 1),
    }


def _steady(case: Case, sizes: Sizes, first_ms: int) -> dict[str, Any]:
    frames_s = sizes.rate / len(FACTORS)
    minute_s = sizes.outlets / frames_s
    load = EvenLoad(
        port=case.servers.broker.port, connections=CONNECTIONS, outlets=sizes.outlets, first_minute_ms=first_ms,
        minutes=sizes.seconds / minute_s, minute_s=minute_s, alert_cycle=ALERT_CYCLE, secret=SECRET,
    )  # fmt: skip
    opened = case.servers.pages.opened
    opened.clear()
    loaded = run_load(load)
    _wait(lambda: all((outlet, minute_ms) in opened for outlet, minute_ms, _ in loaded.over), "a page for each alert")
    waits = [1000 * (opened[outlet, minute_ms] - at) for outlet, minute_ms, at in loaded.over]
    p50, p99, most = np.percentile(waits, [50, 99, 100]).tolist()
    return {
        "steady_readings_s": round(loaded.published * len(FACTORS) / loaded.seconds),
        "pages": len(waits),
        "page_p50_ms": round(p50),
        "page_p99_ms": round(p99),
        "page_max_ms": round(most),
        "load_late_ms": round(loaded.late_s_max * 1000),
    }


def _lag(case: Case, stage: str) -> float:
    return case.total(f'outfall_stage_lag_records{{stage="{stage}"')


def _wait(done: Callable[[], bool], expected: str) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not done():
        if time.monotonic() > deadline:
            raise RuntimeError(f"expected {expected} within {PATIENCE_S:g} s")
        time.sleep(LOOK_S)


def measure(sizes: Sizes, report: Report) -> None:
    """Fill a report."""
    with tempfile.TemporaryDirectory(prefix="outfall-bench-stack-") as folder, Servers.running(Path(folder)) as servers:
        server = servers.kafka.servers[0]
        stocks = [in_child(stock, server, "stock-before", sizes.stock)[0]]
        loads = [os.getloadavg()[0]]
        rows = []
        for workers in WORKERS:
            with Case.made(servers, sizes.outlets, workers) as case:
                rows.append(play(case, sizes) | {f"peak_mib_{name}": mib for name, mib in servers.peaks().items()})
            loads.append(os.getloadavg()[0])
        stocks.append(in_child(stock, server, "stock-after", sizes.stock)[0])
    best = max(per_s for per_s, _, _ in stocks)
    for row in rows:
        report.add(
            **row,
            stock_faust_readings_s=round(best),
            judged_times_stock=round(row["judged_readings_s"] / best, 1),
            stored_times_stock=round(row["stored_readings_s"] / best, 1),
            peak_mib_stock_faust=round(max(mib for _, _, mib in stocks)),
        )
    told = ", ".join(f"{per_s:,.0f} readings/s ({seen:,} of {sizes.stock:,} seen)" for per_s, seen, _ in stocks)
    report.notes += [
        f"stock Faust before and after: {told}; goal: at least 20 times",
        f"load average before, after 1 and after 2 workers: {', '.join(f'{load:.1f}' for load in loads)}",
        f"backlog: {sizes.minutes} minutes of {sizes.outlets} outlets of {len(FACTORS)} factors in {PARTITIONS} partitions",
        "peaks of servers are those since their start",
        "a million series in InfluxDB: 2.7 GiB, first written at 5,200 to 7,800 a second (docs/influx.md, bench.influx)",
    ]


def main() -> None:
    """The command."""
    options = parser(__doc__)
    options.add_argument("--outlets", type=int, default=500)
    options.add_argument("--minutes", type=int, default=60, help="of backlog: a frame of each outlet in each")
    options.add_argument("--rate", type=float, default=2000.0, help="readings a second of the steady load")
    options.add_argument("--seconds", type=float, default=20.0, help="how long the steady load lasts")
    options.add_argument("--stock", type=int, default=20_000, help="readings for stock Faust, before and after")
    given = options.parse_args()
    sizes = Sizes(
        outlets=given.outlets, minutes=given.minutes, rate=given.rate, seconds=given.seconds, stock=given.stock,
    )  # fmt: skip
    report = Report(bench="bench.stack", title="Readings through the whole stack, beside stock Faust on the same broker")
    measure(sizes, report)
    report.show(as_json=given.json)


if __name__ == "__main__":
    main()
