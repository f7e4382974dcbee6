"""The wiring: which stage reads which topic, which thread it runs in, and the Faust app that feeds them.

    FRAMES ──▶ detect ──▶ READINGS ──▶ store
                  └─────▶ ALERTS ────▶ duty
"""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import faust
from faust.tables.manager import TableManager
from faust.types import TP

from engine.agents import Fail, add_agents
from engine.delivery import DeadLetters, Delivery, Stage
from engine.detect.detector import Detector
from engine.detect.facts import Facts
from engine.detect.host import DetectorHost, NewJudge
from engine.detect.snapshot_store import SnapshotStore
from engine.detect.stage import DetectStage
from engine.http.probes import Check, Source
from engine.http.settings import HttpSettings
from engine.log.api import Log
from engine.log.events_codec import decode_events
from engine.log.facts_codec import decode_facts
from engine.log.record import Topic
from engine.log.sqlite import SqliteLog
from engine.redaction import Redaction
from engine.settings import HostSettings
from engine.stage_thread import StageThread
from engine.stages import Desk, Intake, Service, Store
from rules.alert import AlertEvent

GROUP = "outfall"
"""The consumer group of the stages."""

COMMIT_S = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What a host is made of besides the log and the judge. The caller makes store and desk, and closes them after."""

    store: Store
    desk: Desk
    registry: Any  # JSON content of a REGISTRY control record (sensors.registry_json)
    rules: Any  # JSON content of a RULES control record (rules.ruleset_json)
    intake: Callable[[Log], Intake] | None = None
    services: tuple[Service, ...] = ()  # started before the agents, stopped after them
    judge: NewJudge = Detector
    http: HttpSettings | None = None  # where the host says how it is; None: nowhere
    checks: Mapping[str, Check] = field(default_factory=dict)  # what makes it unhealthy besides what every host has
    redaction: Redaction = field(default_factory=Redaction)  # keeps secrets out of what the host says of itself
    sources: tuple[Source, ...] = ()  # metrics besides those that every host has


class Stages:
    """The three stages, each with a thread of its own."""

    def __init__(self, settings: HostSettings, parts: Parts, log: SqliteLog, counts: Counter[str]) -> None:
        self._threads = store_thread, duty_thread = StageThread("store"), StageThread("duty")
        letters = DeadLetters(parts.store, store_thread, counts)
        host = DetectorHost(
            SnapshotStore(settings.data / "snapshots"),
            lambda partition: log.span(Topic.FRAMES, partition),
            partitions=settings.partitions,
            new=parts.judge,
        )
        self.detect = DetectStage(host, log, letters, counts, snapshot_s=settings.snapshot_s)
        self.store: Delivery[Facts] = Delivery(
            "store",
            decode=decode_facts,
            hand_over=parts.store.write_all,
            thread=store_thread,
            letters=letters,
            counts=counts,
        )
        self.duty: Delivery[tuple[AlertEvent, ...]] = Delivery(
            "duty",
            decode=decode_events,
            hand_over=lambda runs: parts.desk.take([event for events in runs for event in events]),
            thread=duty_thread,
            letters=letters,
            counts=counts,
        )
        for stage, topic in ((self.store, Topic.READINGS), (self.duty, Topic.ALERTS)):
            committed = log.committed(GROUP)
            spans = {p: log.span(topic, p).first for p in range(settings.partitions)}
            stage.start_at({p: committed.get((topic, p), first) for p, first in spans.items()})

    @property
    def threads(self) -> tuple[StageThread, ...]:
        """The thread of each stage."""
        return (self.detect.thread, *self._threads)

    @property
    def by_topic(self) -> dict[Topic, Stage]:
        """Which stage reads which topic, in the order of the flow."""
        return {Topic.FRAMES: self.detect, Topic.READINGS: self.store, Topic.ALERTS: self.duty}

    async def stop(self) -> None:
        """Write the last snapshots and end the threads; the agents have ended before."""
        await self.detect.stop()
        for thread in self._threads:
            thread.close()


class NoTables(TableManager):  # type: ignore[misc]
    """Faust waits a second for tables to be declared; there are none."""

    async def on_start(self) -> None:
        """Go on at once."""
        await self._update_channels()
        await self.recovery.start()


def build_app(settings: HostSettings, log: SqliteLog, stages: Stages, fail: Fail) -> faust.App:
    """The Faust app on an open log. FRAMES goes on where the snapshots end, the others where they committed."""
    app = faust.App(
        GROUP,
        broker=f"embedded://{settings.data.resolve()}",
        datadir=settings.data / "faust",
        broker_commit_interval=COMMIT_S,
        broker_commit_every=None,
        topic_partitions=settings.partitions,
        topic_disable_leader=True,
        stream_wait_empty=False,
        consumer_auto_offset_reset="earliest",
        web_enabled=False,
        TableManager=NoTables,
    )
    app.embedded_log = log
    app.resume_at = stages.detect.resume_at

    async def seek(partition: int, offset: int) -> None:
        await app.consumer.seek(TP(Topic.FRAMES.value, partition), offset)

    stages.detect.seek = seek
    add_agents(app, stages.by_topic, fail)
    return app
