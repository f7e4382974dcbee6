"""An endpoint in a process of its own, to be killed: prints its port, serves until it dies.

With "too-early" as second argument it acknowledges before the commit, to see that the checker finds it out.
"""

import asyncio
import sys
from pathlib import Path

from engine.intake.commit_queue import CommitQueue, Sender
from engine.intake.credentials import Credentials
from engine.intake.endpoint import MqttEndpoint
from engine.intake.settings import IntakeSettings
from engine.log.api import FrameRow
from engine.log.sqlite import SqliteLog
from tests.intake_rig import partition_of


async def serve(data: Path) -> None:
    with SqliteLog(data, partitions=2) as log:
        endpoint = MqttEndpoint(IntakeSettings(port=0), log, Credentials(data / "devices.json"), partition_of)
        await endpoint.start()
        print(endpoint.port, flush=True)
        await asyncio.Event().wait()


def acknowledge_too_early() -> None:
    """What most brokers do."""
    put = CommitQueue.put

    def lie(queue: CommitQueue, sender: Sender, partition: int, row: FrameRow, answer: bytes) -> None:
        sender.write(answer)  # type: ignore[attr-defined]
        put(queue, sender, partition, row, b"")

    setattr(CommitQueue, "put", lie)  # noqa: B010, mypy knows the type of a plain assignment


if __name__ == "__main__":
    if "too-early" in sys.argv:
        acknowledge_too_early()
    asyncio.run(serve(Path(sys.argv[1])))
