"""The topics of a Kafka log: made as they are stated, and refused where an existing one would lose something."""

import asyncio
import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import KafkaError, for_code

from engine.log.errors import LogError
from engine.log.kafka.settings import RECORD_BYTES_MAX, KafkaSettings, client_options
from engine.log.record import Topic

logger = logging.getLogger(__name__)

FOR_EVER = "-1"
EXISTS = 36
MADE_S = 30.0
HOUR_MS = 3_600_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Retention:
    """What the topics may forget. None: nothing."""

    frames_ms: int | None = None
    frames_bytes: int | None = None  # of one partition
    derived_ms: int = 24 * HOUR_MS


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """One topic."""

    name: str
    partitions: int
    replication: int
    config: Mapping[str, str]


def wanted_topics(settings: KafkaSettings, retention: Retention) -> tuple[Wanted, ...]:
    """What the topics must be like. Frames are evidence: they stay unless somebody said otherwise."""
    forgets = {
        Topic.FRAMES: (retention.frames_ms, retention.frames_bytes),
        Topic.READINGS: (retention.derived_ms, None),
        Topic.ALERTS: (retention.derived_ms, None),
    }
    common = {
        "cleanup.policy": "delete",
        "message.timestamp.type": "LogAppendTime",
        "max.message.bytes": str(RECORD_BYTES_MAX),
        "min.insync.replicas": str(2 if settings.replication > 2 else 1),
        "unclean.leader.election.enable": "false",
    }
    return tuple(
        Wanted(
            name=settings.topic(topic),
            partitions=settings.partitions,
            replication=settings.replication,
            config={**common, "retention.ms": _bound(after_ms), "retention.bytes": _bound(size)},
        )
        for topic, (after_ms, size) in forgets.items()
    )


async def make_topics(settings: KafkaSettings, retention: Retention) -> bool:
    """Make what is missing; whether that was FRAMES.

    LogError, with everything that is wrong, where an existing topic cannot be used.
    """
    wanted = wanted_topics(settings, retention)
    admin = AIOKafkaAdminClient(**client_options(settings))
    try:
        await admin.start()
        made = await _make(admin, wanted)
        found = await described(admin, wanted)
    except (KafkaError, OSError) as error:
        raise LogError(f"{settings.place}: {str(error) or type(error).__name__}") from error
    finally:
        await admin.close()
    problems = [problem for topic in wanted for problem in unlike(topic, *found[topic.name])]
    if problems:
        raise LogError(f"{settings.place}: {'; '.join(problems)}")
    return settings.topic(Topic.FRAMES) in made


def unlike(wanted: Wanted, partitions: int, config: Mapping[str, str]) -> Iterator[str]:
    """Why an existing topic cannot be used: it would lose records, or put them elsewhere than the register says.

    >>> frames = wanted_topics(KafkaSettings(servers=("a:1",)), Retention())[0]
    >>> list(unlike(frames, 8, frames.config))
    []
    >>> list(unlike(frames, 8, {**frames.config, "retention.ms": "604800000"}))
    ['topic outfall.frames: retention.ms is 604800000, expected -1']
    """
    if partitions != wanted.partitions:
        reason = f"has {partitions} partitions, the settings say {wanted.partitions}"
        yield f"topic {wanted.name}: {reason}; the number is chosen once, when the topics are made"
    for name, value in wanted.config.items():
        found = config.get(name, "")
        if not _is_enough(name, found, value):
            at_least = " or more" if name in AT_LEAST and value != FOR_EVER else ""
            yield f"topic {wanted.name}: {name} is {found or 'not known'}, expected {value}{at_least}"


AT_LEAST = ("retention.ms", "retention.bytes", "max.message.bytes", "min.insync.replicas")


def _is_enough(name: str, found: str, value: str) -> bool:
    if found == value or name not in AT_LEAST:
        return found == value
    if FOR_EVER in (found, value):
        return found == FOR_EVER
    return found.isdecimal() and int(found) >= int(value)


def _bound(limit: int | None) -> str:
    return FOR_EVER if limit is None else str(limit)


async def _make(admin: AIOKafkaAdminClient, wanted: tuple[Wanted, ...]) -> set[str]:
    """The names of those that were missing and are there now."""
    there = set(await admin.list_topics())
    missing = [topic for topic in wanted if topic.name not in there]
    if not missing:
        return set()
    news = [NewTopic(t.name, t.partitions, t.replication, topic_configs=dict(t.config)) for t in missing]
    response = await admin.create_topics(news)
    for name, code, *reason in response.topic_errors:
        if code and code != EXISTS:  # somebody else has made it meanwhile
            raise LogError(f"topic {name}: cannot be made: {reason[0] if reason and reason[0] else for_code(code).__name__}")
    logger.info("made topics %s with %s partitions", ", ".join(t.name for t in missing), missing[0].partitions)
    await _until_led(admin, wanted)
    return {topic.name for topic in missing}


async def _until_led(admin: AIOKafkaAdminClient, wanted: tuple[Wanted, ...]) -> None:
    """A new partition has no leader for a moment."""
    async with asyncio.timeout(MADE_S):
        while True:
            topics = await admin.describe_topics([topic.name for topic in wanted])
            partitions = [partition for topic in topics for partition in topic["partitions"]]
            if len(partitions) >= sum(t.partitions for t in wanted) and all(p["leader"] >= 0 for p in partitions):
                return
            await asyncio.sleep(0.1)


async def described(admin: AIOKafkaAdminClient, wanted: tuple[Wanted, ...]) -> dict[str, tuple[int, dict[str, str]]]:
    """Partitions and settings of each topic, as the brokers say."""
    names = [topic.name for topic in wanted]
    partitions = {t["topic"]: len(t["partitions"]) for t in await admin.describe_topics(names)}
    responses = await admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, name) for name in names])
    configs: dict[str, dict[str, str]] = {}
    for response in responses:
        for code, message, _, name, entries in response.resources:
            if code:
                raise LogError(f"topic {name}: its settings cannot be read: {message or for_code(code).__name__}")
            configs[name] = {entry[0]: entry[1] for entry in entries}
    return {name: (partitions.get(name, 0), _plain(configs.get(name, {}))) for name in names}


def _plain(config: Mapping[str, Any]) -> dict[str, str]:
    return {name: value for name, value in config.items() if isinstance(value, str)}
