"""When a topic of a cluster grew and by how much: brokers stamp each record when they append it."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition

from engine.log.facts_codec import decode_facts
from engine.log.record import Control, ControlKind, RecordKind
from sensors.frames import FrameBatch

POLL_MS = 2000


@dataclass(frozen=True, slots=True, kw_only=True)
class Grown:
    """What a topic holds of one kind."""

    count: int  # frames or readings
    records: int
    first_ms: int
    last_ms: int
    first_count: int  # in the records of the first instant

    @property
    def per_s(self) -> float:
        """After the first instant, until the last."""
        return (self.count - self.first_count) / max(1e-3, (self.last_ms - self.first_ms) / 1000)


def frames(servers: list[str], prefix: str, partitions: int) -> Grown:
    """Frames in the log."""
    return _grown(servers, f"{prefix}frames", partitions, RecordKind.FRAMES, lambda body: len(FrameBatch.decode(body)))


def readings(servers: list[str], prefix: str, partitions: int) -> Grown:
    """Readings that were judged."""
    topic = f"{prefix}readings"
    return _grown(servers, topic, partitions, RecordKind.DATA, lambda body: len(decode_facts(body).readings))


def is_announced(servers: list[str], prefix: str, partitions: int) -> bool:
    """Do register and rules stand in each partition of the frames?"""
    controls = asyncio.run(_records(servers, f"{prefix}frames", partitions, RecordKind.CONTROL))
    said = {(record.partition, Control.decode(record.value).kind) for record in controls}
    return all((n, kind) in said for n in range(partitions) for kind in (ControlKind.REGISTRY, ControlKind.RULES))


def _grown(servers: list[str], topic: str, partitions: int, kind: RecordKind, size: Callable[[bytes], int]) -> Grown:
    records = asyncio.run(_records(servers, topic, partitions, kind))
    sizes = sorted((record.timestamp, count) for record in records if (count := size(record.value)))
    if not sizes:
        raise RuntimeError(f"{topic}: expected records of the backlog, found none")
    first_ms = sizes[0][0]
    return Grown(
        count=sum(count for _, count in sizes),
        records=len(sizes),
        first_ms=first_ms,
        last_ms=sizes[-1][0],
        first_count=sum(count for at_ms, count in sizes if at_ms == first_ms),
    )


async def _records(servers: list[str], topic: str, partitions: int, kind: RecordKind) -> list[Any]:
    """Those of one kind that are there now."""
    places = [TopicPartition(topic, partition) for partition in range(partitions)]
    consumer = AIOKafkaConsumer(bootstrap_servers=servers, enable_auto_commit=False, group_id=None)
    await consumer.start()
    found: list[Any] = []
    try:
        consumer.assign(places)
        await consumer.seek_to_beginning(*places)
        ends = await consumer.end_offsets(places)
        for place in places:
            while await consumer.position(place) < ends[place]:
                for records in (await consumer.getmany(place, timeout_ms=POLL_MS)).values():
                    found += [record for record in records if dict(record.headers)["kind"] == kind.value]
    finally:
        await consumer.stop()
    return found
