"""The first records of every start: that the host listens again, and by what it judges."""

import logging
from typing import Any

import orjson

from engine.log.api import Log
from engine.log.patient import until_stored
from engine.log.record import Control, ControlKind, RecordKind, Topic
from engine.log.sqlite import SqliteLog
from engine.logs import fields

logger = logging.getLogger(__name__)


async def announce(log: SqliteLog, registry: Any, rules: Any) -> None:
    """To every partition: HOST_STARTED; then registry and rule set, where they are not those already in force."""
    wanted = {ControlKind.REGISTRY: registry, ControlKind.RULES: rules}
    for partition in range(log.partitions(Topic.FRAMES)):
        in_force = log.reader.last_controls(partition)
        await append_control(log, partition, Control(kind=ControlKind.HOST_STARTED))
        for kind, content in wanted.items():
            control = Control(kind=kind, content=content)
            if not _same(in_force.get(kind), control):
                await append_control(log, partition, control)
                about = fields(topic="frames", partition=partition, control=kind.value)
                logger.info("frames/%s: %s takes over", partition, kind, extra=about)


async def append_control(log: Log, partition: int, control: Control) -> None:
    """Append a control record to a partition of FRAMES; returns when it is on disk."""
    body = control.encode()
    await until_stored(lambda: log.put(Topic.FRAMES, partition, RecordKind.CONTROL, body))


def _same(one: Control | None, other: Control) -> bool:
    """Whether they say the same: as JSON, whatever types the caller made it of."""
    return one is not None and orjson.loads(orjson.dumps(other.content)) == one.content
