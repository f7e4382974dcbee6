"""A process on Kafka inside the test: it hears and works, and keeps what comes out on a shelf."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

from engine.app import Parts
from engine.cluster.ground import ClusterGround
from engine.detect.snapshot_store import SnapshotStore
from engine.exit_codes import ExitCode
from engine.lifecycle import Host
from engine.log.kafka.settings import KafkaSettings
from engine.settings import HostSettings, LogKind
from tests.app_parts import Hand, Shelf, Tally, until

Act = Callable[[Host, Hand], Awaitable[None]]


def session(folder: Path, kafka: KafkaSettings, shelf: Shelf, act: Act) -> ExitCode:
    """Run a process that hears and works, do something with it, stop it in order."""
    settings = HostSettings(data=folder / "data", log=LogKind.KAFKA, tick_s=0.1, status_s=0.2)
    settings.data.mkdir(exist_ok=True)
    parts = Parts(store=shelf, desk=shelf, registry=None, rules=None, intake=Hand, judge=Tally)

    async def main() -> ExitCode:
        host = Host(settings, parts, ground=ClusterGround(settings, kafka, SnapshotStore(settings.data / "snapshots")))
        running = asyncio.create_task(host.run())
        await until(lambda: host.ready.is_set() and not host.ground.unassigned(), 60)
        assert isinstance(host.intake, Hand)
        await act(host, host.intake)
        host.stop()
        return await asyncio.wait_for(running, 60)

    return asyncio.run(main())


def kept(shelf: Shelf) -> list[tuple[str, int]]:
    """What came out, in the order of the log: text, and which one it was for the judge."""
    details = shelf.rows("select detail from payload order by offset, row")
    return [(words[0], int(words[2])) for words in (str(detail).split() for (detail,) in details)]
