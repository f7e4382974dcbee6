"""Kafka: reachable, and topics that keep what is written to them."""

import asyncio
from collections.abc import Iterator, Mapping
from typing import Any

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from engine.doctor.finding import Finding, error, good, note, warning
from engine.doctor.patient import Patient
from engine.log.errors import LogError
from engine.log.kafka.settings import KafkaSettings, client_options
from engine.log.kafka.topics import HOUR_MS, Retention, Wanted, described, unlike, wanted_topics
from engine.settings import HostSettings, LogKind

ANSWER_S = 15.0


def kafka_findings(patient: Patient) -> Iterator[Finding]:
    """The brokers of `kafka`, where the log stands on them."""
    settings = patient.config.kafka
    if settings is None or patient.config.host.log is not LogKind.KAFKA:
        return
    try:
        yield from asyncio.run(asyncio.wait_for(_examined(settings, _retention(patient.config.host)), ANSWER_S))
    except (KafkaError, OSError, LogError, TimeoutError) as failure:
        yield error("kafka_reach", settings.place, reason=failure or type(failure).__name__)


def _retention(host: HostSettings) -> Retention:
    frames_ms = None if host.retain_days is None else round(24 * HOUR_MS * host.retain_days)
    return Retention(frames_ms=frames_ms, frames_bytes=host.retain_bytes, derived_ms=round(HOUR_MS * host.retain_derived_h))


async def _examined(settings: KafkaSettings, retention: Retention) -> list[Finding]:
    admin = AIOKafkaAdminClient(**{**client_options(settings), "request_timeout_ms": round(ANSWER_S * 500)})
    try:
        await admin.start()
        cluster = await admin.describe_cluster()
        wanted = wanted_topics(settings, retention)
        there = set(await admin.list_topics())
        topics = tuple(topic for topic in wanted if topic.name in there)
        found = await described(admin, topics) if topics else {}
        replicas = await _replicas(admin, topics) if topics else {}
    finally:
        await admin.close()
    brokers = len(cluster.get("brokers", ()))
    return [*_cluster(settings, brokers), *_topics(settings, wanted, found, replicas)]


def _cluster(settings: KafkaSettings, brokers: int) -> Iterator[Finding]:
    yield good("kafka_reach", settings.place, brokers=brokers)
    if brokers < settings.replication:
        yield error("kafka_brokers", settings.place, brokers=brokers, replication=settings.replication)


def _topics(
    settings: KafkaSettings,
    wanted: tuple[Wanted, ...],
    found: Mapping[str, tuple[int, Mapping[str, str]]],
    replicas: Mapping[str, tuple[int, int]],
) -> Iterator[Finding]:
    for topic in wanted:
        if topic.name not in found:
            yield note("kafka_missing", topic.name)
            continue
        wrong = list(unlike(topic, *found[topic.name]))
        for reason in wrong:
            yield error("kafka_topic", topic.name, reason=reason)
        if not wrong:
            yield good("kafka_topic", topic.name, partitions=topic.partitions)
        yield from _replication(topic, *replicas[topic.name])
    yield from _copies(settings)


def _replication(topic: Wanted, least: int, in_sync: int) -> Iterator[Finding]:
    if least < topic.replication:
        yield warning("kafka_replication", topic.name, found=least, wanted=topic.replication)
    if in_sync < least:
        yield warning("kafka_in_sync", topic.name, found=in_sync, wanted=least)


def _copies(settings: KafkaSettings) -> Iterator[Finding]:
    if settings.replication < 3:
        yield note("kafka_one_copy", settings.place, replication=settings.replication)


async def _replicas(admin: AIOKafkaAdminClient, topics: tuple[Wanted, ...]) -> dict[str, tuple[int, int]]:
    """Of the partition that has the fewest: replicas, and those in step."""

    def least(partitions: list[dict[str, Any]], name: str) -> int:
        return min((len(partition[name]) for partition in partitions), default=0)

    found = await admin.describe_topics([topic.name for topic in topics])
    return {t["topic"]: (least(t["partitions"], "replicas"), least(t["partitions"], "isr")) for t in found}
