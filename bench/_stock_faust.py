"""Stock Faust as its documentation has it: one reading a record, JSON, an hourly tumbling window in a table, a limit.

`measure` runs this module as a program of its own, on the broker and the machine that the other figures come from.
"""

import asyncio
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from typing import Any

import faust
import orjson
from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

HOUR_S = 3600.0
LIMIT = 100.0
KEYS = 800
PATIENCE_S, QUIET_S = 180.0, 10.0
START_S = 60.0
READY = b"ready\n"
SETTLE_S = 3.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Stock:
    """What it made of the topic."""

    readings: int  # that its agent saw; it may lose some
    over: int  # readings after which the mean of their hour was over the limit
    seconds: float  # from the first reading to the last


def measure(server: str, topic: str, readings: int) -> Stock:
    """Let stock Faust take a topic of one partition as it is filled; RuntimeError where it ends with an error.

    It starts on an empty topic: with a table and no committed offset it loses what was fetched before its recovery.
    """
    asyncio.run(_make(server, topic))
    command = [sys.executable, "-m", "bench._stock_faust", server, topic, str(readings)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        if process.stdout.readline() == READY:
            asyncio.run(_fill(server, topic, readings))
        try:
            out, err = process.communicate(timeout=PATIENCE_S + 10)
        finally:
            process.kill()
    if process.returncode:
        raise RuntimeError(f"stock Faust ended with {process.returncode}:\n{err.decode()[-2000:]}")
    return Stock(**orjson.loads(out))


async def _make(server: str, topic: str) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=server)
    await admin.start()
    await admin.create_topics([NewTopic(topic, 1, 1)])
    await admin.close()


async def _fill(server: str, topic: str, readings: int) -> None:
    """A reading a minute of each of `KEYS` series, far quicker than they are taken."""
    producer = AIOKafkaProducer(bootstrap_servers=server, linger_ms=20, max_batch_size=1 << 18)
    await producer.start()
    start_ms = round(time.time() * 1000) - readings // KEYS * 60_000  # a broker forgets records of the far past
    try:
        for number in range(readings):
            minute, series = divmod(number, KEYS)
            at_ms, key = start_ms + 60_000 * minute, f"s{series}"
            reading = orjson.dumps({"k": key, "t": at_ms, "v": 150.0 if series % 97 == 0 else 30.0})
            await producer.send(topic, reading, key=key.encode(), partition=0, timestamp_ms=at_ms)
        await producer.flush()
    finally:
        await producer.stop()


@dataclass(slots=True)
class Tally:
    """What the agent has seen so far."""

    seen: int = 0
    over: int = 0
    first_s: float = 0.0
    last_s: float = 0.0


def _app(server: str, topic: str, tally: Tally) -> faust.App:
    app = faust.App(
        f"stock-{topic}", broker=f"kafka://{server}", store="memory://", web_enabled=False, topic_partitions=1,
        topic_disable_leader=True, consumer_auto_offset_reset="earliest", stream_wait_empty=False,
    )  # fmt: skip
    source = app.topic(topic, value_type=bytes, value_serializer="raw", key_type=bytes, key_serializer="raw")
    hours = app.Table("hours", default=lambda: (0.0, 0), partitions=1).tumbling(HOUR_S, expires=2 * HOUR_S)

    @app.agent(source)
    async def judge(stream: Any) -> None:
        async for body in stream:
            tally.first_s = tally.first_s or time.perf_counter()
            reading = orjson.loads(body)
            total, count = hours[reading["k"]].value()
            hours[reading["k"]] = total + reading["v"], count + 1
            tally.over += (total + reading["v"]) / (count + 1) > LIMIT
            tally.seen += 1
            tally.last_s = time.perf_counter()

    return app


async def _main(server: str, topic: str, readings: int) -> None:
    """Measure, say it on standard output, and end the process."""
    tally = Tally()
    app = _app(server, topic, tally)
    await app.start()
    async with asyncio.timeout(START_S):
        while app.rebalancing or app.in_recovery or not app.consumer.assignment():
            await asyncio.sleep(0.1)
    await asyncio.sleep(SETTLE_S)
    sys.stdout.buffer.write(READY)
    sys.stdout.flush()
    asked_s = time.perf_counter()
    while tally.seen < readings and time.perf_counter() - max(tally.last_s, asked_s) < QUIET_S:
        await asyncio.sleep(0.2)
    found = Stock(readings=tally.seen, over=tally.over, seconds=tally.last_s - tally.first_s)
    sys.stdout.buffer.write(orjson.dumps(found))
    sys.stdout.flush()
    os._exit(0)  # the end of the loop would wait for Faust's tasks, some of which never end


if __name__ == "__main__":
    asyncio.run(_main(sys.argv[1], sys.argv[2], int(sys.argv[3])))
