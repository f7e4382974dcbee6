"""From a configuration to a running host: the version of the registry, store, desk, sender and intake."""

import contextlib
import socket
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

from engine.app import Parts
from engine.backup.restore import restored_until_ms
from engine.config.doc import Config
from engine.database.database import Database
from engine.database.open import open_database
from engine.duty.channels.make import make_channels
from engine.duty.desk import Desk
from engine.duty.measures import duty_samples
from engine.duty.sender import ALONE, Sender
from engine.exit_codes import ExitCode
from engine.files import BRIDGES, CREDENTIALS, INTAKE_REFUSALS
from engine.http.probes import Source
from engine.http.sources import in_thread
from engine.intake.bridge.bridge import Bridge
from engine.intake.bridge.history import Station
from engine.intake.credentials import Credentials
from engine.lifecycle import run_app
from engine.listeners import Listeners
from engine.log.api import Log
from engine.log.errors import DirectoryInUseError, LogError
from engine.log.lock import owner_of
from engine.log.reader import LogReader
from engine.log.record import ControlKind
from engine.log.sqlite import FILE, wall_ms
from engine.redaction import redaction_of
from engine.settings import LogKind
from engine.stages import Store
from engine.store.influx import InfluxStore
from engine.store.local import RECENT_H, LocalStore
from engine.store.names import Names
from engine.store.payloads import LogPayloads
from engine.stores import LocalAndInflux
from rules.rule import RuleSet
from rules.ruleset_json import ruleset_to_json
from sensors.registry import Registry
from sensors.registry_json import registry_from_json, registry_to_json
from sensors.registry_versions import grown


class Payloads:
    """Finds the bytes of a refused payload as soon as the host has opened its log."""

    found_in: LogPayloads | None = None

    def __call__(self, partition: int, offset: int, row: int) -> bytes | None:
        return self.found_in(partition, offset, row) if self.found_in else None


def run_host(config: Config) -> ExitCode:
    """Run a host until a signal or a failure ends it; the code says why it ended."""
    data = config.host.data
    owner = owner_of(data)
    if owner is not None:
        raise DirectoryInUseError(f"{data}: in use by process {owner}; stop it first, or choose another data directory")
    try:
        data.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise LogError(f"{data}: expected a directory this user may write to, got: {error.strerror}") from error
    if config.host.log is LogKind.KAFKA:
        from engine.cluster.run import run_process  # clients of Kafka: only who has one needs them

        return run_process(config)
    with opened(config, next_registry(config)) as parts:
        return run_app(config.host, parts)


def next_registry(config: Config) -> Registry:
    """The version of the registry that takes over: the one in force if the files say the same, else the next one.

    MovedError where the files move an outlet that the log knows.
    """
    last = registry_in_force(config.host.data)
    return config.registry if last is None else grown(last, config.registry, time.time_ns() // 1_000_000)


def registry_in_force(data: Path) -> Registry | None:
    """The version that the log of a data directory last heard of; None before the first start."""
    if not (data / FILE).exists():
        return None
    with LogReader(data / FILE) as log:
        control = log.last_controls(0).get(ControlKind.REGISTRY)
    return None if control is None else registry_from_json(control.content)


@contextlib.contextmanager
def opened(config: Config, registry: Registry) -> Iterator[Parts]:
    """What a host is made of; store and database are closed at the end."""
    data, rules = config.host.data, config.rules
    with contextlib.ExitStack() as stack:
        payloads, names = Payloads(), Names(registry=registry, rules=rules)
        local = local_store(config, names, payloads)
        stack.callback(local.close)
        store: Store = local
        sources: list[Source] = []
        if config.influx is not None:
            influx = InfluxStore(config.influx.settings(), names, data, payload_of=payloads)
            stack.callback(influx.close)
            store = LocalAndInflux(local, influx)
            sources.append(in_thread(influx.samples))
        database = open_database(config.database)
        stack.callback(database.close)
        sender = Sender(database, config.duty, make_channels(config.duty.channels), name=sender_name(config))
        yield Parts(
            store=store,
            desk=desk_of(config, database, registry, rules, sender),
            registry=registry_to_json(registry),
            rules=ruleset_to_json(rules),
            intake=lambda log: intake_of(config, lambda: registry, log, payloads, config.host.partitions),
            services=(sender,),
            http=config.http,
            checks={"sender": lambda: f"no page leaves: {sender.failure}" if sender.failure is not None else ""},
            redaction=redaction_of(config),
            sources=(*sources, in_thread(lambda: duty_samples(database, wall_ms))),
        )


def local_store(config: Config, names: Names, payloads: Payloads) -> LocalStore:
    """The store in the data directory."""
    recent_h = config.recent_h or max(RECENT_H, names.rules.judging.late_bound_h + 24)
    return LocalStore(config.host.data, names, payload_of=payloads, recent_h=recent_h)


def desk_of(config: Config, database: Database, registry: Registry, rules: RuleSet, sender: Sender) -> Desk:
    """What a backup holds may have been told by the host that it was made of: pages of that time say so."""
    until_ms = restored_until_ms(config.host.data)
    return Desk(database, config.duty, registry, rules, wake=sender.wake, perhaps_told_ms=until_ms)


def sender_name(config: Config) -> str:
    """By what the database knows this process's sender: a host that starts again goes on with what it was sending."""
    if isinstance(config.database, Path):
        return ALONE
    return config.kafka.worker if config.kafka is not None else socket.gethostname()


def intake_of(
    config: Config, registry: Callable[[], Registry], log: Log, payloads: Payloads, partitions: int
) -> Listeners:
    """Every way in. `registry`: the one in force."""
    payloads.found_in = LogPayloads(log)
    data = config.host.data
    bounds, *settings = (replace(one, refusals=data / INTAKE_REFUSALS) for one in (config.intake, *config.listeners))

    def partition_of(mn: str) -> int:
        return registry().home_of_mn(mn) % partitions

    def stations() -> list[Station]:
        return Station.all_of(registry(), wall_ms())

    restored_ms = restored_until_ms(data) if config.host.log is LogKind.EMBEDDED else 0  # a Kafka log is not in a backup
    common = (bounds, log, partition_of, stations, data / BRIDGES)
    bridges = [Bridge(one, *common, restored_ms=restored_ms) for one in config.bridges]
    return Listeners(settings, log, Credentials(data / CREDENTIALS), partition_of, bridges)
