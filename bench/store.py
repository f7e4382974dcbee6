"""The local store and the duty desk: rows written a second, sealed, asked for; alerts taken and pages handed over.

One process, one thread each. Every write of the store is one record of 5,000 readings, synced to disk; every take of the
desk is one transaction, synced to disk; `bare SQLite` is the same rows into a table without a key.
"""

import asyncio
import statistics
import tempfile
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from time import perf_counter

import numpy as np

from bench._measure import Report, in_child, parser
from engine.database.open import open_database
from engine.detect.facts import Facts, Outcome
from engine.duty.channels.terminal import Terminal
from engine.duty.desk import Desk
from engine.duty.roster import Person, Roster, Shift
from engine.duty.sender import Sender
from engine.duty.settings import ChannelKind, ChannelSettings, DutySettings
from engine.store.lines import lines_of
from engine.store.local import LocalStore
from engine.store.names import Names
from engine.store.sqlite import connect
from engine.store.table import READINGS
from rules.alert import AlertEvent, Step, alert_id
from rules.rule import AlertClass, Judging, RuleKind, RuleSet
from sensors.reading import KINDS, ReadingBatch
from sensors.registry import Binding, Registry

NOON = 1_772_337_600_000
RECORD = 5000
HOUR_MS, DAY_MS = 3_600_000, 86_400_000
Rates = dict[str, float]


def names(series: int) -> Names:
    """A registry with that many series."""
    bindings = tuple(Binding(outlet=f"out-{n}", factor="w01018") for n in range(-(-series // KINDS)))
    return Names(registry=Registry(bindings=bindings), rules=RuleSet(version="b", judging=Judging(), rules=()))


def records(series: int, minutes: int) -> Iterator[Facts]:
    """A reading of each series a minute, in random order, each at its own second."""
    rng = np.random.default_rng(1)
    for minute in range(minutes):
        order = rng.permutation(series).astype(np.int32)
        for n, part in enumerate(np.array_split(order, max(1, series // RECORD))):
            log_ms = NOON + minute * 60_000 + n
            batch = ReadingBatch(
                series=part,
                device_ms=NOON + minute * 60_000 + rng.integers(0, 30, len(part)) * 1000,
                value=rng.random(len(part)).round(3),
                flag=np.ones(len(part), np.uint8),
                log_ms=np.full(len(part), log_ms),
            )
            yield Facts(log_ms=log_ms, readings=batch, outcome=np.full(len(part), Outcome.NEW, np.uint8))


def store(series: int, minutes: int) -> Rates:
    """Rates of the local store."""
    facts = list(records(series, minutes))
    rows = series * minutes
    with tempfile.TemporaryDirectory() as folder:
        with LocalStore(Path(folder), names(series)) as local:
            writing = _seconds(lambda: [local.write(one) for one in facts])
            asking = _seconds(lambda: local.read.readings(5, NOON, NOON + HOUR_MS))
            sealing = _seconds(lambda: local.seal(NOON + 30 * DAY_MS))
            asking_sealed = _seconds(lambda: local.read.readings(5, NOON, NOON + HOUR_MS))
            size = sum(path.stat().st_size for path in Path(folder).rglob("*.parquet"))
        bare = _bare(Path(folder) / "bare.db", facts)
    return {
        "written_per_s": rows / writing, "bare_sqlite_per_s": rows / bare, "sealed_per_s": rows / sealing,
        "bytes_sealed_per_row": size / rows, "hour_of_a_series_ms": 1e3 * asking, "the_same_sealed_ms": 1e3 * asking_sealed,
    }  # fmt: skip


def influx_lines(series: int) -> Rates:
    """Lines made a second."""
    facts = list(records(series, 5))
    lines = _seconds(lambda: [sum(1 for _ in lines_of(one, names(series))) for one in facts])
    return {"lines_per_s": 5 * series / lines}


def duty(alerts: int) -> Rates:
    """Alerts of one record, and single alerts until their page is printed."""
    person = Person(id="li", name="Li", channels=("terminal",))
    shift = Shift(id="s", squads=(("li",),), anchor=datetime(2026, 1, 1))
    settings = DutySettings(
        roster=Roster(people=(person,), shifts=(shift,)),
        channels=(ChannelSettings(name="terminal", kind=ChannelKind.TERMINAL),),
    )
    with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as other:
        desk = Desk(open_database(Path(one)), settings, Registry())
        many = [_alert(n) for n in range(alerts)]
        taking = _seconds(lambda: desk.take(many))
        waits = asyncio.run(_pages(Desk(open_database(Path(other)), settings, Registry()), 100))
    waits.sort()
    return {
        "alerts": alerts, "taken_s": taking,
        "take_to_page_ms_p50": 1e3 * statistics.median(waits), "take_to_page_ms_max": 1e3 * waits[-1],
    }  # fmt: skip


async def _pages(desk: Desk, count: int) -> list[float]:
    printed = asyncio.Event()
    sender = Sender(desk.db, desk.settings, {"terminal": Terminal(lambda _: printed.set())})
    desk.wake = sender.wake
    await sender.start()
    waits = []
    for n in range(count):
        printed.clear()
        start = perf_counter()
        await asyncio.to_thread(desk.take, [_alert(n)])
        await printed.wait()
        waits.append(perf_counter() - start)
    await sender.stop()
    return waits


def _alert(n: int) -> AlertEvent:
    return AlertEvent(
        alert_id=alert_id("bench", f"out-{n}", "w01018", NOON), seq=0, step=Step.OPENED, at_ms=NOON + HOUR_MS, rule="bench",
        kind=RuleKind.EXCEEDANCE, rule_version="b", alert_class=AlertClass.LEGAL, severity=2, outlet=f"out-{n}",
        factor="w01018", start_ms=NOON, end_ms=NOON + HOUR_MS, value=68.0, ceiling=50.0, unit="mg/L",
    )  # fmt: skip


def _bare(path: Path, facts: list[Facts]) -> float:
    columns = ", ".join(READINGS.columns)
    db = connect(path, schema=f"CREATE TABLE reading ({columns})", version=1)
    insert = f"INSERT INTO reading VALUES ({', '.join('?' * len(READINGS.columns))})"

    def write() -> None:
        for one in facts:
            batch = one.readings
            rows = READINGS.rows(
                series=batch.series,
                device_ms=batch.device_ms,
                value=batch.value,
                flag=batch.flag,
                log_ms=batch.log_ms,
                rev=0,
            )
            db.execute("BEGIN IMMEDIATE")
            db.executemany(insert, rows.tolist())
            db.execute("COMMIT")

    seconds = _seconds(write)
    db.close()
    return seconds


def _seconds(work: Callable[[], object]) -> float:
    start = perf_counter()
    work()
    return perf_counter() - start


def main() -> None:
    """Measure and print."""
    options = parser(__doc__)
    options.add_argument("--series", type=int, default=20_000)
    options.add_argument("--minutes", type=int, default=60)
    options.add_argument("--alerts", type=int, default=1000)
    chosen = options.parse_args()
    report = Report(bench="bench.store", title="Store and duty, one process each")
    for what, (rates, peak) in {
        f"local store, {chosen.series:,} series x {chosen.minutes} min": in_child(store, chosen.series, chosen.minutes),
        "lines for InfluxDB": in_child(influx_lines, chosen.series),
        "duty desk and sender": in_child(duty, chosen.alerts),
    }.items():
        for name, figure in rates.items():
            report.add(what=what, figure=name.replace("_", " "), value=figure, peak_mib=peak)
    report.show(as_json=chosen.json)


if __name__ == "__main__":
    main()
