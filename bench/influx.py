"""The InfluxDB sink on a real server: readings stored a second, catching up after the server was gone, the price of series.

The server is a private process (tests/servers), killed and started again for the backlog. A record holds 500 readings; the
stage hands 32 records over at a time, as a host does. `sink us` and `server us` are processor time a
reading: what is left of the figures on a machine with other work. `server MiB` is what the server holds, not the sink.
"""

import os
import tempfile
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from pathlib import Path
from time import perf_counter, process_time

import numpy as np

from bench._measure import Report, parser, peak_mib
from bench.store import DAY_MS, NOON, names
from engine.agents import RUN_MAX
from engine.detect.facts import Facts, Outcome
from engine.log.facts_codec import decode_facts, encode_facts
from engine.store.influx import InfluxStore
from engine.store.influx_settings import InfluxSettings
from sensors.reading import ReadingBatch
from tests.servers import Influx

RECORD = 500
MINUTE_MS = 60_000
LATER = NOON + DAY_MS


def records(series: int, minutes: int, start_ms: int = NOON) -> Iterator[Facts]:
    """A reading of each series a minute."""
    rng = np.random.default_rng(1)
    number = 0
    for minute in range(minutes):
        for first in range(0, series, RECORD):
            part = np.arange(first, min(first + RECORD, series), dtype=np.int32)
            number += 1
            batch = ReadingBatch(
                series=part,
                device_ms=np.full(len(part), start_ms + minute * MINUTE_MS),
                value=rng.random(len(part)).round(3),
                flag=np.ones(len(part), np.uint8),
                log_ms=np.full(len(part), start_ms + number),
            )
            outcome = np.full(len(part), Outcome.NEW, np.uint8)
            yield Facts(log_ms=start_ms + number, offset=number, readings=batch, outcome=outcome)


def resident_mib(pid: int) -> float:
    """What a process holds in memory now."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS")) / 1024


def cpu_s(pid: int) -> float:
    """Processor time that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def deliver(store: InfluxStore, bodies: Iterable[bytes]) -> None:
    """Store encoded records, a run at a time; RuntimeError where the server does not take them."""
    left = iter(bodies)
    while run := [decode_facts(body) for body in islice(left, RUN_MAX)]:
        failed = store.write_all(run)
        if failed is not None:
            raise RuntimeError(failed.reason)


def main() -> None:
    """Measure and print."""
    options = parser(__doc__)
    options.add_argument("--series", type=int, default=20_000)
    options.add_argument("--minutes", type=int, default=10, help="of live readings, and as many of backlog")
    options.add_argument("--cardinality", type=int, default=1_000_000, help="series of one point each")
    chosen = options.parse_args()
    report = Report(bench="bench.influx", title="The InfluxDB sink on a real server")
    with tempfile.TemporaryDirectory() as folder, Influx.running() as server:

        def sink(series: int) -> InfluxStore:
            place = InfluxSettings(
                url=server.url, token=server.token, org=server.org, bucket="bench", series_max=2 * series, timeout_s=60
            )
            return InfluxStore(place, names(series), Path(folder))

        def measure(what: str, readings: int, work: Callable[[], object]) -> None:
            mine, its, began = process_time(), cpu_s(server.pid), perf_counter()
            work()
            seconds, mine, its = perf_counter() - began, process_time() - mine, cpu_s(server.pid) - its
            per_reading = {"sink_us": 1e6 * mine / readings, "server_us": 1e6 * its / readings} if readings else {}
            memory = {"server_mib": resident_mib(server.pid), "server_peak_mib": peak_mib(server.pid)}
            rate = readings / seconds if readings else None
            report.add(what=what, readings=readings, seconds=seconds, per_s=rate, **memory, **per_reading)

        count = chosen.series * chosen.minutes
        store = sink(chosen.series)
        live, backlog = ([encode_facts(f) for f in records(chosen.series, chosen.minutes, at)] for at in (NOON, LATER))
        measure("live", count, lambda: deliver(store, live))
        server.kill()
        assert store.write_all([decode_facts(backlog[0])]) is not None
        server.start()
        measure("backlog, after kill -9", count, lambda: deliver(store, backlog))
        store.close()
        store = sink(chosen.cardinality)
        many = [encode_facts(f) for f in records(chosen.cardinality, 1, LATER + DAY_MS)]
        measure("as many series", chosen.cardinality, lambda: deliver(store, many))
        store.close()
        measure("stopped and started again", 0, server.restart)
    report.show(as_json=chosen.json)


if __name__ == "__main__":
    main()
