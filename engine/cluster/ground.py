"""The ground of a process in a cluster: a log on Kafka, and partitions that come and go."""

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from functools import partial

import faust

from engine.agents import Fail
from engine.app import Parts, Stages, build_app, connect
from engine.background import tick
from engine.cluster.custody import StageCustody
from engine.cluster.leader import Leader
from engine.cluster.stalled import Stalled
from engine.database.errors import DatabaseUnavailableError
from engine.detect.snapshot_store import Snapshots
from engine.ground import Chore
from engine.log.kafka.cluster import Cluster
from engine.log.kafka.log import KafkaLog
from engine.log.kafka.membership import Membership
from engine.log.kafka.settings import KafkaSettings
from engine.log.kafka.topics import Retention
from engine.log.lock import DirectoryLock
from engine.log.log_time import tick_body
from engine.settings import HostSettings, Role
from engine.stages import Intake
from engine.status import Health

logger = logging.getLogger(__name__)

LOOK_S = 1.0
GAP_S = 10.0
"""If no intake has written a tick for so long, nobody listened."""

HOUR_MS = 3_600_000


class ClusterGround:
    """`engine.ground.Ground` on the brokers. `leader`: made on the open log; None: others lead.

    `told` says whether every partition has heard of a register and of rules; it may block.
    """

    def __init__(
        self,
        settings: HostSettings,
        kafka: KafkaSettings,
        snapshots: Snapshots,
        leader: Callable[[KafkaLog], Leader] | None = None,
        told: Callable[[], bool] = lambda: True,
    ) -> None:
        self._settings = settings
        self._kafka = kafka
        self._snapshots = snapshots
        self._make_leader = leader
        self._told = told
        self._leader: Leader | None = None
        self._membership = Membership(kafka.session_s)
        self._lock: DirectoryLock | None = None
        self._log: KafkaLog | None = None
        self._app: faust.App | None = None
        self._custody: StageCustody | None = None
        self._stalled: Stalled | None = None

    @property
    def works(self) -> bool:
        """Whether this process is a worker."""
        return Role.WORKER in self._settings.roles

    @property
    def hears(self) -> bool:
        """Whether this process receives from monitors."""
        return Role.INTAKE in self._settings.roles

    @property
    def log(self) -> KafkaLog:
        """The open log."""
        assert self._log is not None
        return self._log

    async def open(self) -> KafkaLog:
        """Connect; make the topics, or look at those that are there. The data directory is locked meanwhile."""
        lock = await asyncio.to_thread(DirectoryLock, self._settings.data)
        try:
            log = self._log = await asyncio.to_thread(KafkaLog, self._kafka, retention(self._settings))
        except BaseException:
            lock.close()
            raise
        self._lock = lock
        await log.look()
        if self._make_leader is not None and self.works:
            self._leader = self._make_leader(log)
        return log

    async def announce(self, parts: Parts) -> None:
        """That the leader does."""

    def stages(self, parts: Parts, counts: Counter[str]) -> Stages:
        """The stages, without partitions yet."""
        stages = Stages(self._settings, parts, self.log, counts, snapshots=self._snapshots, tenure=self._membership)
        self._custody = StageCustody(stages, self._membership, counts, patience_s=self._kafka.rebalance_s / 6)
        return stages

    async def app(self, stages: Stages, fail: Fail) -> faust.App:
        """An app that reads what the group gives it."""
        kafka, custody = self._kafka, self._custody
        assert custody is not None
        broker = f"outfall+kafka://{kafka.servers[0]}"
        app = self._app = build_app(kafka.group, broker, self._settings.data / "faust", kafka.partitions)
        cluster = Cluster(settings=kafka, log=self.log, membership=self._membership, custody=custody, fail=fail)
        app.cluster = cluster
        connect(app, stages, cluster.topics, fail)
        self._stalled = Stalled(stages, self.log.end, lambda: self.log.trouble, lambda: custody.unready, kafka.stalled_s)
        return app

    async def listening(self) -> None:
        """Wait until the log says by what is judged: frames before that would be kept, and judged by nobody."""
        waits = False
        while not await self._is_told():
            if not waits:
                logger.warning("no monitor is let in before a worker has said in the log by what is judged")
            waits = True
            await asyncio.sleep(LOOK_S / 4)

    async def _is_told(self) -> bool:
        try:
            return await asyncio.to_thread(self._told)
        except DatabaseUnavailableError as error:
            logger.error("%s", error)
            await asyncio.sleep(LOOK_S)
            return False

    def chores(self, stages: Stages | None, counts: Counter[str]) -> Sequence[Chore]:
        """See how far the log goes; for a worker also whether it gets on, and its share of the leader's work."""
        chores = [Chore(name="log", every_s=LOOK_S, work=self.log.look)]
        if self._stalled is not None:
            chores.append(Chore(name="stalled", every_s=LOOK_S, work=self._stalled.look))
        if self._leader is not None:
            chores.append(Chore(name="leader", every_s=LOOK_S, work=self._leader.look))
        return chores

    def hearing_chores(self, intake: Intake, counts: Counter[str]) -> Sequence[Chore]:
        """Say in every partition that somebody listens."""
        gap_s = max(GAP_S, 5 * self._settings.tick_s)
        body = tick_body(round(gap_s * 1000))
        return (Chore(name="ticker", every_s=self._settings.tick_s, work=partial(tick, self.log, counts, body)),)

    async def leave(self) -> None:
        """Let another worker lead, and another process have the data directory."""
        if self._leader is not None:
            await self._leader.stop()
        if self._lock is not None:
            self._lock.close()

    def failures(self, stages: Stages | None) -> Mapping[str, BaseException | None]:
        """The group, the states, the watch, and Faust."""
        return {
            "group": self._membership.failure,
            "states": stages.detect.fenced if stages is not None else None,
            "watch": self._stalled.failure if self._stalled is not None else None,
            "faust": self._app.crash_reason if self._app is not None else None,
        }

    def unassigned(self) -> str:
        """Why a worker does not work on its partitions yet."""
        return self._custody.unready if self._custody is not None else ""

    async def drain(self, stages: Stages, health: Health, patience_s: float) -> None:
        """What is left in the log others do, or this worker when it is back."""


def retention(settings: HostSettings) -> Retention:
    """What the topics may forget."""
    days = settings.retain_days
    return Retention(
        frames_ms=None if days is None else round(days * 24 * HOUR_MS),
        frames_bytes=settings.retain_bytes,
        derived_ms=round(settings.retain_derived_h * HOUR_MS),
    )
