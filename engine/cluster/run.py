"""From a configuration to a running process of a cluster: what is in force, store, desk, sender, intake, and its ground."""

import asyncio
import contextlib
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial

from engine.app import Parts
from engine.cluster.agreeing import Files
from engine.cluster.announcing import announce_due
from engine.cluster.controls import Controls
from engine.cluster.ground import ClusterGround, retention
from engine.cluster.knowing import KnowingDesk, KnowingStore
from engine.cluster.leader import Leader
from engine.cluster.lease import Leases
from engine.cluster.versions import Versions
from engine.cluster.watch import Watch
from engine.config.doc import Config
from engine.database.database import Database
from engine.database.open import open_database
from engine.detect.snapshot_database import SnapshotDatabase
from engine.duty.channels.make import make_channels
from engine.duty.measures import duty_samples
from engine.duty.sender import Sender
from engine.exit_codes import ExitCode
from engine.http.sources import in_thread
from engine.lifecycle import run_app
from engine.log.kafka.log import KafkaLog
from engine.log.kafka.read import opened_reader
from engine.log.kafka.settings import KafkaSettings
from engine.log.kafka.topics import make_topics
from engine.log.patient import until_stored
from engine.log.record import Control, ControlKind, RecordKind, Topic
from engine.log.sqlite import wall_ms
from engine.redaction import redaction_of
from engine.run import Payloads, desk_of, intake_of, local_store
from engine.settings import Role
from engine.store.influx import InfluxStore
from engine.store.local import LocalStore
from engine.store.names import Names
from sensors.registry import Registry
from sensors.registry_json import registry_from_json

RESTATE_S = 86_400.0
"""A log that forgets its oldest frames hears so often of what is in force: what is left of it can be judged by itself."""


def run_process(config: Config) -> ExitCode:
    """Run one process of a cluster until a signal or a failure ends it; the code says why it ended."""
    kafka = config.kafka
    assert kafka is not None
    settings = replace(config.host, partitions=kafka.partitions)
    is_new = asyncio.run(make_topics(kafka, retention(settings)))
    with contextlib.closing(open_database(config.database)) as database:
        watch = _agree(config, kafka, database)
        controls = Controls(database)
        if is_new and controls.told(kafka.partitions):  # of a log that was there before, under a database that knows it
            for partition in range(kafka.partitions):
                controls.restate(partition)
        forgets = settings.retain_days is not None or settings.retain_bytes is not None
        leader = partial(_leader, Leases(database), controls, kafka, RESTATE_S if forgets else None)
        told = partial(controls.told, kafka.partitions)
        ground = ClusterGround(settings, kafka, SnapshotDatabase(database), leader, told)
        with _opened(config, kafka, database, watch) as parts:
            return run_app(settings, parts, ground=ground)


@contextlib.contextmanager
def _opened(config: Config, kafka: KafkaSettings, database: Database, watch: Watch) -> Iterator[Parts]:
    """What the process is made of; the store is closed at the end."""
    now, payloads = watch.current, Payloads()
    store = _store(config, Names(registry=now.registry, rules=now.rules), payloads)
    of_store = (in_thread(store.samples),) if isinstance(store, InfluxStore) else ()
    sender = Sender(database, now.duty, make_channels(config.duty.channels), name=kafka.worker)
    watch.on_change = lambda found: sender.update(found.duty)
    works = Role.WORKER in config.host.roles
    with contextlib.closing(store):
        yield Parts(
            store=KnowingStore(store, watch),
            desk=KnowingDesk(desk_of(config, database, now.registry, now.rules, sender), watch),
            registry=None,  # the leader says them, when they are due
            rules=None,
            intake=lambda log: intake_of(config, lambda: watch.current.registry, log, payloads, kafka.partitions),
            services=(watch, sender) if works else (watch,),
            http=config.http,
            checks={"sender": lambda: f"no page leaves: {sender.failure}" if sender.failure is not None else ""},
            redaction=redaction_of(config),
            sources=(*of_store, in_thread(lambda: duty_samples(database, wall_ms))) if works else (),
        )


def _store(config: Config, names: Names, payloads: Payloads) -> LocalStore | InfluxStore:
    """InfluxDB, where all workers write; else each worker keeps what it stored in its own data directory."""
    if config.influx is None:
        return local_store(config, names, payloads)
    return InfluxStore(config.influx.settings(), names, config.host.data, payload_of=payloads)


def _leader(leases: Leases, controls: Controls, kafka: KafkaSettings, restate_s: float | None, log: KafkaLog) -> Leader:
    restated_at = time.monotonic()

    async def append(partition: int, control: Control) -> int:
        body = control.encode()
        stored = await until_stored(lambda: log.put(Topic.FRAMES, partition, RecordKind.CONTROL, body))
        return stored.offset

    async def announce(leads: Callable[[], bool]) -> None:
        nonlocal restated_at
        if restate_s is not None and time.monotonic() - restated_at > restate_s:
            restated_at = time.monotonic()
            for partition in range(kafka.partitions):
                await asyncio.to_thread(controls.restate, partition)
        await announce_due(controls, append, leads=leads)

    return Leader(leases, kafka.worker, announce)


def _agree(config: Config, kafka: KafkaSettings, database: Database) -> Watch:
    versions = Versions(database, partitions=kafka.partitions)
    files = Files(registry=config.registry, rules=config.rules, duty=config.duty)
    return Watch(versions, versions.agree(kafka.worker, files, of_log=lambda: registry_of_log(kafka)))


def registry_of_log(kafka: KafkaSettings) -> Registry | None:
    """The register that the log last heard of; None where it never did."""
    found = None
    with opened_reader(kafka) as reader:
        for record in reader.records(Topic.FRAMES, 0):
            if record.kind is RecordKind.CONTROL:
                control = Control.decode(record.body)
                found = control.content if control.kind is ControlKind.REGISTRY else found
    return None if found is None else registry_from_json(found)
