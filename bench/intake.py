"""Durable QoS 1 messages a second through the MQTT endpoint: HJ 212 frames of about 300 bytes, PUBACK after the commit.

Endpoint, load generator and bare log run in processes of their own. `of bare log` is the rate beside that of the log
alone, appending groups of the same size without MQTT, in the same run.
"""

import asyncio
import multiprocessing
import tempfile
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path
from time import perf_counter
from typing import Any

from bench import _mqtt_load
from bench._measure import Report, in_child, parser, peak_mib
from engine.intake.credentials import Credentials
from engine.intake.endpoint import MqttEndpoint
from engine.intake.settings import IntakeSettings
from engine.log.api import FrameRow, Stored
from engine.log.record import Topic
from engine.log.sqlite import SqliteLog

CASES = ((1, 1), (1, 20), (1, 500), (20, 20), (500, 20))
"""(connections, window). 20 is what most clients keep under way (paho, mosquitto)."""

GOAL = 20_000
SPAWN = multiprocessing.get_context("spawn")


def mn_of(no: int) -> str:
    """The MN of one simulated monitor."""
    return f"010000A8900016F0{no:08X}"


async def serve(data: Path, pipe: Connection) -> dict[str, float]:
    """Run an endpoint until the other side of the pipe says stop; it is told the port first."""
    with SqliteLog(data) as log:
        endpoint = MqttEndpoint(IntakeSettings(port=0), log, Credentials(data / "devices.json"), lambda mn: 0)
        await endpoint.start()
        pipe.send(endpoint.port)
        await asyncio.get_running_loop().run_in_executor(None, pipe.recv)
        await endpoint.stop()
        records = log.span(Topic.FRAMES, 0).end
        return {**endpoint.counts, "records": records, "peak_mib": peak_mib()}


def serve_process(data: Path, pipe: Connection) -> None:
    """`serve` as a process."""
    pipe.send(asyncio.run(serve(data, pipe)))


def bare(group: int, seconds: float) -> float:
    """Frames a second that the log commits by itself, in groups of that size, one after the other."""
    rows: list[FrameRow] = [(mn_of(n), mn_of(n), _mqtt_load.frame(mn_of(n), n)) for n in range(group)]

    async def append() -> float:
        with tempfile.TemporaryDirectory() as data, SqliteLog(Path(data)) as log:
            start = perf_counter()
            count = 0
            while perf_counter() - start < seconds:
                assert isinstance(await log.append_frames(0, rows), Stored)
                count += group
            return count / (perf_counter() - start)

    return asyncio.run(append())


def case(connections: int, window: int, seconds: float) -> dict[str, Any]:
    """One row."""
    with tempfile.TemporaryDirectory() as data:
        secrets = Credentials(Path(data) / "devices.json").add_many({mn_of(n): () for n in range(connections)})
        ours, theirs = SPAWN.Pipe()
        server = SPAWN.Process(target=serve_process, args=(Path(data), theirs))
        server.start()
        load = _mqtt_load.Load(port=ours.recv(), logins=tuple(secrets.items()), window=window, seconds=seconds)
        loaded, _ = in_child(_mqtt_load.run, load)
        ours.send("stop")
        served = ours.recv()
        server.join()
    if not served["stored"] == served["acknowledged"] == loaded.all_acknowledged:
        raise SystemExit(f"the account does not add up: {loaded.all_acknowledged} PUBACKs received, {served}")
    rate = loaded.acknowledged / loaded.seconds
    group = max(1, round(served["stored"] / served["records"]))
    alone, _ = in_child(bare, group, min(seconds, 2.0))
    return {
        "connections": connections,
        "window": window,
        "messages_per_s": round(rate),
        "p50_ms": round(loaded.p50_ms, 2),
        "p99_ms": round(loaded.p99_ms, 2),
        "messages_per_commit": group,
        "bare_log_per_s": round(alone),
        "of_bare_log": round(rate / alone, 2),
        "peak_MiB": round(served["peak_mib"]),
        "frame_bytes": round(loaded.frame_bytes),
    }


def main(cases: Callable[[], tuple[tuple[int, int], ...]] = lambda: CASES) -> None:
    """Run the cases and print them."""
    options = parser(__doc__)
    options.add_argument("--seconds", type=float, default=3.0, help="measured time of each case")
    options.add_argument("--connections", type=int, nargs="*", help="only the cases with so many connections")
    args = options.parse_args()
    report = Report(bench="bench.intake", title="Durable QoS 1 messages through the MQTT endpoint")
    for connections, window in cases():
        if not args.connections or connections in args.connections:
            report.add(**case(connections, window, args.seconds))
    best = max(row["messages_per_s"] for row in report.rows)
    report.notes.append(f"goal {GOAL:,} messages/s: {'reached' if best >= GOAL else 'NOT reached'} ({best:,})")
    report.notes.append("window 1: a commit each, at most 1,000 a second, because log time grows by 1 ms a record")
    report.show(as_json=args.json)


if __name__ == "__main__":
    main()
