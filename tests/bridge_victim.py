"""A bridge in a process of its own, to be killed: says when it is up, serves until it dies.

With "too-early" as last argument it acknowledges before the commit, to see that the checker finds it out.
"""

import asyncio
import sys
from pathlib import Path

from engine.duty.settings import Secret
from engine.intake.bridge.bridge import Bridge
from engine.intake.bridge.line import Line
from engine.intake.bridge.settings import BridgeSettings
from engine.intake.commit_queue import CommitQueue
from engine.intake.settings import IntakeSettings
from engine.log.api import Appended, FrameRow
from engine.log.sqlite import SqliteLog
from tests.intake_rig import partition_of


async def serve(data: Path, port: int, name: str, secret: str) -> None:
    settings = BridgeSettings(client_id=name, user=name, password=Secret(secret), port=port, reconnect_s_max=0.5)
    with SqliteLog(data, partitions=2) as log:
        bridge = Bridge(settings, IntakeSettings(), log, partition_of, list, data / "bridges")
        await bridge.start()
        while not bridge.counts["acknowledged"]:
            await asyncio.sleep(0.001)
        print("up", flush=True)
        while bridge.failure is None:
            await asyncio.sleep(0.1)


def acknowledge_too_early() -> None:
    """What paho does by itself."""
    put = CommitQueue.put

    append_frames = SqliteLog.append_frames

    async def slowly(log: SqliteLog, partition: int, rows: list[FrameRow]) -> Appended:
        await asyncio.sleep(0.05)
        return await append_frames(log, partition, rows)

    def lie(queue: CommitQueue, line: Line, partition: int, row: FrameRow, answer: bytes) -> None:
        line.wire.ack(int.from_bytes(answer))
        put(queue, line, partition, row, b"")
        queue._counts["acknowledged"] += 1

    setattr(CommitQueue, "put", lie)  # noqa: B010, mypy knows the type of a plain assignment
    setattr(SqliteLog, "append_frames", slowly)  # noqa: B010


if __name__ == "__main__":
    if "too-early" in sys.argv:
        acknowledge_too_early()
    asyncio.run(serve(Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3], sys.argv[4]))
