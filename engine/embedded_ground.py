"""The ground of a single host: a log in one SQLite file, which nobody else writes."""

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from functools import partial

import faust

from engine.agents import Fail
from engine.announce import announce
from engine.app import Parts, Stages, build_app, connect
from engine.background import RETAIN_S, retain, tick
from engine.detect.snapshot_store import SnapshotStore
from engine.ground import Chore
from engine.log.record import Topic
from engine.log.sqlite import SqliteLog
from engine.settings import HostSettings
from engine.stages import Intake
from engine.status import Health
from engine.tenure import Alone

GROUP = "outfall"
"""The consumer group of the stages."""

POLL_S = 0.02


class EmbeddedGround:
    """`engine.ground.Ground` on one data directory."""

    works = hears = True

    def __init__(self, settings: HostSettings, now_ms: Callable[[], int]) -> None:
        self._settings = settings
        self._now_ms = now_ms
        self._log: SqliteLog | None = None
        self._app: faust.App | None = None

    @property
    def log(self) -> SqliteLog:
        """The open log."""
        assert self._log is not None
        return self._log

    async def open(self) -> SqliteLog:
        """Open the log in the data directory, which is locked meanwhile."""
        settings = self._settings
        self._log = await asyncio.to_thread(
            lambda: SqliteLog(settings.data, partitions=settings.partitions, now_ms=self._now_ms)
        )
        return self._log

    def stages(self, parts: Parts, counts: Counter[str]) -> Stages:
        """The stages, READINGS and ALERTS at what they committed."""
        snapshots = SnapshotStore(self._settings.data / "snapshots")
        stages = Stages(self._settings, parts, self.log, counts, snapshots=snapshots, tenure=Alone())
        committed = self.log.committed(GROUP)
        for topic, stage in stages.deliveries.items():
            places = ((topic, partition) for partition in range(self._settings.partitions))
            stage.start_at({place[1]: committed.get(place, self.log.span(*place).first) for place in places})
        return stages

    async def app(self, stages: Stages, fail: Fail) -> faust.App:
        """An app that reads all partitions. FRAMES goes on where the snapshots end."""
        settings = self._settings
        broker = f"embedded://{settings.data.resolve()}"
        app = self._app = build_app(GROUP, broker, settings.data / "faust", settings.partitions)
        app.embedded_log = self.log
        app.resume_at = stages.detect.resume_at
        connect(app, stages, {topic.value: topic for topic in Topic}, fail)
        await stages.detect.load(range(settings.partitions))
        return app

    async def announce(self, parts: Parts) -> None:
        """The first records of every start."""
        await announce(self.log, parts.registry, parts.rules)

    async def listening(self) -> None:
        """It was announced when the host started."""

    def chores(self, stages: Stages | None, counts: Counter[str]) -> Sequence[Chore]:
        """Ticks, and forgetting."""
        assert stages is not None
        return (
            Chore(name="ticker", every_s=self._settings.tick_s, work=partial(tick, self.log, counts)),
            Chore(name="retention", every_s=RETAIN_S, work=partial(self._retain, stages)),
        )

    def hearing_chores(self, intake: Intake, counts: Counter[str]) -> Sequence[Chore]:
        """None."""
        return ()

    async def leave(self) -> None:
        """Nobody waits for it."""

    def failures(self, stages: Stages | None) -> Mapping[str, BaseException | None]:
        """The log's thread, and Faust."""
        return {"log": self.log.failure, "faust": self._app.crash_reason if self._app is not None else None}

    def unassigned(self) -> str:
        """Which partitions Faust has not given to the stages."""
        if self._app is None:
            return "not assigned yet"
        wanted = {(topic.value, p) for topic in Topic for p in range(self._settings.partitions)}
        missing = sorted(wanted - {(tp.topic, tp.partition) for tp in self._app.consumer.assignment()})
        return f"not assigned: {', '.join(f'{topic}/{p}' for topic, p in missing)}" if missing else ""

    async def drain(self, stages: Stages, health: Health, patience_s: float) -> None:
        """Let each stage finish what is in the log, unless it waits for the outside world."""
        await asyncio.wrap_future(self.log.run(lambda db: None))  # what was on its way is in the log now
        loop = asyncio.get_running_loop()
        for topic, stage in stages.by_topic.items():
            deadline = loop.time() + patience_s
            while health.lag_of(topic) and not stage.blocked and loop.time() < deadline:
                await asyncio.sleep(POLL_S)

    async def _retain(self, stages: Stages) -> None:
        await retain(self.log, self._settings, stages.detect.kept_from, GROUP, self._now_ms())
