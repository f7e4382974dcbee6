"""A whole host that is fed as fast as it goes, until somebody kills it.

`python -m tests.app_publisher DIRECTORY ROUND`: two publishers, two partitions. A line on standard output for each payload
that is in the log: its text, `<round>-<publisher>-<number>`. Store and desk stand in `shelf.db`.
"""

import asyncio
import os
import sys
from pathlib import Path

from engine.app import Parts
from engine.lifecycle import Host
from engine.log.api import Stored
from engine.settings import HostSettings
from tests.app_parts import Hand, Shelf, Tally


def settings_in(folder: Path) -> HostSettings:
    """Ticks and snapshots as often as they can be in the way."""
    return HostSettings(data=folder / "data", partitions=2, tick_s=0.01, snapshot_s=0.05, status_s=0.1)


def parts_in(folder: Path) -> Parts:
    """A judge that counts, a store and a desk that are files."""
    shelf = Shelf(folder / "shelf.db")
    return Parts(store=shelf, desk=shelf, registry={"v": 1}, rules={"v": 1}, intake=Hand, judge=Tally)


async def publish(hand: Hand, name: str, partition: int) -> None:
    """One payload after the other."""
    for number in range(1_000_000):
        text = f"{name}-{number}"
        if isinstance(await hand.publish(text, partition), Stored):
            os.write(1, f"{text}\n".encode())


async def main(folder: str, round_: str) -> None:
    """Until killed, or stopped by a signal."""
    host = Host(settings_in(Path(folder)), parts_in(Path(folder)))
    running = asyncio.create_task(host.run())
    await host.ready.wait()
    assert isinstance(host.intake, Hand)
    publishers = [asyncio.create_task(publish(host.intake, f"{round_}-{p}", p)) for p in (0, 1)]
    await running
    for publisher in publishers:
        publisher.cancel()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
