"""The wiring: which stage reads which topic, which thread it runs in, and the Faust app that feeds them.

    FRAMES ──▶ detect ──▶ READINGS ──▶ store
                  └─────▶ ALERTS ────▶ duty
"""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import faust
from faust.tables.manager import TableManager
from faust.types import TP

from engine.agents import Fail, add_agents
from engine.delivery import DeadLetters, Delivery, Stage
from engine.detect.detector import Detector
from engine.detect.facts import Facts
from engine.detect.host import DetectorHost, NewJudge
from engine.detect.snapshot_store import Snapshots
from engine.detect.stage import DetectStage
from engine.http.probes import Check, Source
from engine.http.settings import HttpSettings
from engine.log.api import Log
from engine.log.events_codec import decode_events
from engine.log.facts_codec import decode_facts
from engine.log.record import Topic
from engine.redaction import Redaction
from engine.settings import HostSettings
from engine.stage_thread import StageThread
from engine.stages import Desk, Intake, Service, Store
from engine.tenure import Tenure
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

    def __init__(
        self,
        settings: HostSettings,
        parts: Parts,
        log: Log,
        counts: Counter[str],
        *,
        snapshots: Snapshots,
        tenure: Tenure,
    ) -> None:
        self._threads = store_thread, duty_thread = StageThread("store"), StageThread("duty")
        letters = DeadLetters(parts.store, store_thread, counts)
        host = DetectorHost(
            snapshots,
            lambda partition: log.span(Topic.FRAMES, partition),
            partitions=settings.partitions,
            new=parts.judge,
        )
        self.detect = DetectStage(host, log, letters, counts, snapshot_s=settings.snapshot_s, tenure=tenure)
        self.store: Delivery[Facts] = Delivery(
            "store",
            decode=decode_facts,
            hand_over=parts.store.write_all,
            thread=store_thread,
            letters=letters,
            counts=counts,
            tenure=tenure,
            offset_of=lambda facts: facts.offset,
        )
        self.duty: Delivery[tuple[AlertEvent, ...]] = Delivery(
            "duty",
            decode=decode_events,
            hand_over=lambda runs: parts.desk.take([event for events in runs for event in events]),
            thread=duty_thread,
            letters=letters,
            counts=counts,
            tenure=tenure,
        )

    @property
    def threads(self) -> tuple[StageThread, ...]:
        """The thread of each stage."""
        return (self.detect.thread, *self._threads)

    @property
    def thread_of(self) -> dict[Topic, StageThread]:
        """The thread of each stage, by the topic that it reads."""
        return dict(zip(Topic, self.threads, strict=True))

    @property
    def by_topic(self) -> dict[Topic, Stage]:
        """Which stage reads which topic, in the order of the flow."""
        return {Topic.FRAMES: self.detect, Topic.READINGS: self.store, Topic.ALERTS: self.duty}

    @property
    def deliveries(self) -> dict[Topic, Delivery[Any]]:
        """Those after the judge."""
        return {Topic.READINGS: self.store, Topic.ALERTS: self.duty}

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


def build_app(group: str, broker: str, datadir: Path, partitions: int, **more: Any) -> faust.App:
    """A Faust app without what Outfall does not use."""
    return faust.App(
        group,
        broker=broker,
        datadir=datadir,
        broker_commit_interval=COMMIT_S,
        broker_commit_every=None,
        topic_partitions=partitions,
        topic_disable_leader=True,
        topic_allow_declare=False,
        stream_wait_empty=False,
        consumer_auto_offset_reset="earliest",
        web_enabled=False,
        TableManager=NoTables,
        **more,
    )


def connect(app: faust.App, stages: Stages, topics: Mapping[str, Topic], fail: Fail) -> None:
    """Let the agents feed the stages. `topics`: by the names that they have for the app's transport."""
    names = {topic: name for name, topic in topics.items()}

    async def seek(partition: int, offset: int) -> None:
        await app.consumer.seek(TP(names[Topic.FRAMES], partition), offset)

    stages.detect.seek = seek
    add_agents(app, {names[topic]: (topic, stage) for topic, stage in stages.by_topic.items()}, fail)
