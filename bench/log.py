"""What the log does by itself: durable payloads a second, records written and read, records through a Faust agent.

    python -m bench.log               # seconds
    python -m bench.log --json

"payloads, N callers": each caller appends one payload of 280 bytes, waits for the commit, and appends the next; calls
that wait together share a commit. The Faust row counts records from the log into an agent that does nothing.
"""

import asyncio
import logging
import tempfile
import time
from pathlib import Path

import faust

from bench._measure import Report, in_child, parser
from engine.log.api import Stored
from engine.log.record import RecordKind, Topic
from engine.log.sqlite import SqliteLog

PAYLOAD = b"x" * 280
BODY = b"x" * 20_000
RECORDS = 10_000
CALLS = {1: 2_000, 20: 1_500, 500: 150}


def payloads(callers: int) -> tuple[float, list[float]]:
    """Payloads a second, and the sorted seconds of each append."""
    waited: list[float] = []

    async def call(log: SqliteLog) -> None:
        for _ in range(CALLS[callers]):
            began = time.perf_counter()
            answer = await log.append_frames(0, [("login", "mn", PAYLOAD)])
            waited.append(time.perf_counter() - began)
            assert isinstance(answer, Stored)

    async def main(log: SqliteLog) -> None:
        await asyncio.gather(*(call(log) for _ in range(callers)))

    with tempfile.TemporaryDirectory() as folder, SqliteLog(Path(folder)) as log:
        began = time.perf_counter()
        asyncio.run(main(log))
        return len(waited) / (time.perf_counter() - began), sorted(waited)


def records() -> tuple[float, float]:
    """Records of 20 kB a second: written, read."""
    with tempfile.TemporaryDirectory() as folder, SqliteLog(Path(folder)) as log:
        began = time.perf_counter()
        for future in [log.append(Topic.READINGS, 0, RecordKind.DATA, BODY) for _ in range(RECORDS)]:
            future.result()
        written = RECORDS / (time.perf_counter() - began)
        began = time.perf_counter()
        assert sum(1 for _ in log.reader.records(Topic.READINGS, 0)) == RECORDS
        return written, RECORDS / (time.perf_counter() - began)


def through_faust() -> float:
    """Records a second from the log into an agent."""
    with tempfile.TemporaryDirectory() as folder:
        with SqliteLog(Path(folder)) as log:
            for future in [log.append(Topic.READINGS, 0, RecordKind.DATA, b"x") for _ in range(RECORDS)]:
                future.result()
        return asyncio.run(_consume(folder))


async def _consume(folder: str) -> float:
    logging.disable(logging.WARNING)
    app = faust.App(
        "bench", broker=f"embedded://{folder}", topic_partitions=1, topic_disable_leader=True, web_enabled=False
    )
    began, seen, done = 0.0, 0, asyncio.Event()

    @app.agent(app.topic("readings", value_serializer="raw"))
    async def count(stream: faust.Stream) -> None:
        nonlocal began, seen
        async for _ in stream:
            began = began or time.perf_counter()
            seen += 1
            if seen == RECORDS:
                done.set()

    await app.start()
    await done.wait()
    seconds = time.perf_counter() - began
    await app.stop()
    return RECORDS / seconds


def main() -> None:
    """The command."""
    given = parser(__doc__).parse_args()
    report = Report(bench="bench.log", title="The log: one SQLite file, WAL, synchronous = FULL")
    for callers in CALLS:
        (rate, waited), peak = in_child(payloads, callers)
        p50, p99 = (waited[int(len(waited) * share)] * 1000 for share in (0.5, 0.99))
        name = f"payloads, {callers} caller{'s' * (callers > 1)}"
        report.add(what=name, a_second=round(rate), p50_ms=round(p50, 2), p99_ms=round(p99, 2), peak_mib=round(peak))
    (written, read), peak = in_child(records)
    for name, rate in (("records of 20 kB, written", written), ("records of 20 kB, read", read)):
        report.add(what=name, a_second=round(rate), p50_ms=None, p99_ms=None, peak_mib=round(peak))
    rate, peak = in_child(through_faust)
    report.add(what="records into a Faust agent", a_second=round(rate), p50_ms=None, p99_ms=None, peak_mib=round(peak))
    report.show(as_json=given.json)


if __name__ == "__main__":
    main()
