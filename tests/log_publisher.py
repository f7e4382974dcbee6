"""A process that publishes to a log as fast as it can and says what was answered, until somebody kills it.

`python -m tests.log_publisher DATA ROUND`: eight publishers, two partitions. A line on standard output for each answer:
publisher, number, partition, offset. Payloads are `<round> <publisher> <number>`.
"""

import asyncio
import os
import sys
from pathlib import Path

from engine.log.api import Stored
from engine.log.record import RecordKind, Topic
from engine.log.sqlite import SqliteLog


async def publish(log: SqliteLog, round_: str, publisher: int) -> None:
    """Payloads to FRAMES, one after the other; every seventh turn a tick goes between them."""
    partition = publisher % 2
    for number in range(1_000_000):
        if number % 7 == publisher % 7:
            await log.put(Topic.FRAMES, partition, RecordKind.TICK, b"")
        rows = [("login", "mn", f"{round_} {publisher} {number}".encode())]
        answer = await log.append_frames(partition, rows)
        if isinstance(answer, Stored):
            os.write(1, f"{publisher} {number} {partition} {answer.offset}\n".encode())


async def main(data: str, round_: str) -> None:
    """Until killed."""
    log = SqliteLog(Path(data), partitions=2)
    await asyncio.gather(*(publish(log, round_, publisher) for publisher in range(8)))


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
