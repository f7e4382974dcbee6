"""The three agents of the Faust app. Each feeds one stage, record by record, and never raises."""

import asyncio
import logging
from collections.abc import Callable

import faust
from faust.types import EventT

from engine.delivery import Stage
from engine.log.record import Record, RecordKind, Topic

logger = logging.getLogger(__name__)

Fail = Callable[[str, Exception], None]
"""A stage ended by itself: its name, and why."""


def add_agents(app: faust.App, stages: dict[Topic, Stage], fail: Fail) -> None:
    """An agent for each topic, named after its stage. One record at a time, or Faust would commit past unfinished ones."""
    for topic, stage in stages.items():
        source = app.topic(topic.value, key_type=bytes, value_type=bytes, key_serializer="raw", value_serializer="raw")
        app.agent(source, name=stage.name, concurrency=1)(_agent(stage, fail))


def record_of(event: EventT) -> Record:
    """The record behind an event of Faust."""
    message = event.message
    return Record(
        topic=Topic(message.topic),
        partition=message.partition,
        offset=message.offset,
        log_ms=round(message.timestamp * 1000),
        kind=RecordKind(dict(message.headers)["kind"]),
        body=message.value or b"",
        key=message.key or b"",
    )


def _agent(stage: Stage, fail: Fail) -> Callable[[faust.Stream], object]:
    async def feed(stream: faust.Stream) -> None:
        async for event in stream.events():
            try:
                await stage.take(record_of(event))
            except Exception as error:
                fail(stage.name, error)
                await asyncio.Event().wait()  # leaving the loop would acknowledge the record

    return feed
