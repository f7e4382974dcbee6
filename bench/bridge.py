"""Messages a second from monitors through a Mosquitto (the shipped file) and a bridge into the log, beside the endpoint.

Broker, bridge and load generator run in processes of their own. `while publishing`: what the bridge acknowledged while
monitors published as fast as the broker let them; `from the broker's queue`: afterwards, what had waited.
"""

import asyncio
import multiprocessing
import tempfile
import time
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from bench import _mqtt_load
from bench._measure import Report, in_child, parser, peak_mib
from bench.intake import case, mn_of
from engine.intake.bridge.bridge import Bridge
from engine.intake.bridge.settings import BridgeSettings
from engine.intake.settings import IntakeSettings
from engine.log.record import Topic
from engine.log.sqlite import SqliteLog
from tests.bridge_rig import Broker

CASES = ((20, 20), (200, 20))
"""(connections, window)."""

DRAIN_S_MAX = 60.0
SPAWN = multiprocessing.get_context("spawn")


async def serve(data: Path, settings: BridgeSettings, pipe: Connection) -> dict[str, float]:
    """Run a bridge until the broker has nothing more for it."""
    with SqliteLog(data) as log:
        bridge = Bridge(settings, IntakeSettings(), log, lambda mn: 0, list, data / "bridges")
        await bridge.start()
        counts, loop = bridge.counts, asyncio.get_running_loop()
        while not counts["broker_logins"]:
            await asyncio.sleep(0.01)
        pipe.send("up")
        await loop.run_in_executor(None, pipe.recv)  # published
        published, start = counts["acknowledged"], time.perf_counter()
        last, idle_s = -1, 0.0
        while idle_s < 0.5 and time.perf_counter() - start < DRAIN_S_MAX:
            await asyncio.sleep(0.1)
            idle_s = 0.0 if counts["received"] != last else idle_s + 0.1
            last = counts["received"]
        drained_s = time.perf_counter() - start - idle_s
        cpu_s = time.process_time()
        await bridge.stop()
        records = log.span(Topic.FRAMES, 0).end
        drained = counts["acknowledged"] - published
        now = {"published": published, "drained": drained, "drained_s": drained_s, "cpu_s": cpu_s, "records": records}
        return {**now, **{name: counts[name] for name in ("received", "stored", "redelivered")}, "peak_mib": peak_mib()}


def serve_process(data: Path, settings: BridgeSettings, pipe: Connection) -> None:
    """`serve` as a process."""
    pipe.send(asyncio.run(serve(data, settings, pipe)))


def bridge_case(connections: int, window: int, seconds: float) -> dict[str, Any]:
    """One row."""
    names = [mn_of(n) for n in range(connections)]
    with Broker.running(secrets=dict.fromkeys(names, "s3cret")) as broker, tempfile.TemporaryDirectory() as data:
        ours, theirs = SPAWN.Pipe()
        server = SPAWN.Process(target=serve_process, args=(Path(data), broker.bridge(), theirs))
        server.start()
        ours.recv()
        load = _mqtt_load.Load(port=broker.port, logins=tuple((n, "s3cret") for n in names), window=window, seconds=seconds)
        loaded, _ = in_child(_mqtt_load.run, load)
        ours.send("published")
        served = ours.recv()
        server.join()
    if served["stored"] < loaded.all_acknowledged:
        raise SystemExit(f"the account does not add up: {loaded.all_acknowledged} PUBACKs received, {served}")
    whole_s = loaded.seconds + load.warm_s
    return {
        "way in": "mosquitto, bridge",
        "connections": connections,
        "window": window,
        "published_per_s": round(loaded.acknowledged / loaded.seconds),
        "while publishing": round(served["published"] / whole_s),
        "from the broker's queue": round(served["drained"] / served["drained_s"]) if served["drained"] > 1000 else None,
        "cpu_us": round(1e6 * served["cpu_s"] / served["stored"]),
        "messages_per_commit": round(served["stored"] / served["records"]),
        "peak_MiB": round(served["peak_mib"]),
    }


def endpoint_case(connections: int, window: int, seconds: float) -> dict[str, Any]:
    """The same load without a broker."""
    row = case(connections, window, seconds)
    names = ("connections", "window", "messages_per_commit", "peak_MiB")
    return {"way in": "endpoint", "published_per_s": row["messages_per_s"], **{name: row[name] for name in names}}


def main() -> None:
    """Run the cases and print them."""
    options = parser(__doc__)
    options.add_argument("--seconds", type=float, default=3.0, help="how long is published in each case")
    args = options.parse_args()
    report = Report(bench="bench.bridge", title="QoS 1 messages through Mosquitto and a bridge into the log")
    for connections, window in CASES:
        report.add(**bridge_case(connections, window, args.seconds))
        report.add(**endpoint_case(connections, window, args.seconds))
    report.notes.append("a PUBACK of the endpoint says that the message is on disk; one of Mosquitto that it is in memory")
    report.show(as_json=args.json)


if __name__ == "__main__":
    main()
