"""The three agents of the Faust app. Each feeds one stage, as many records at a time as are there, and never raises."""

import asyncio
import logging
from collections.abc import Callable

import faust
from faust.types import EventT

from engine.delivery import Stage
from engine.log.record import Record, RecordKind, Topic

logger = logging.getLogger(__name__)

RUN_MAX = 32
"""Records that a stage is given at once: what a run costs (a change of thread, a commit) is shared by its records."""

Fail = Callable[[str, Exception], None]
"""A stage ended by itself: its name, and why."""


def add_agents(app: faust.App, stages: dict[Topic, Stage], fail: Fail) -> None:
    """An agent for each topic, named after its stage. One run at a time, or Faust would commit past unfinished records."""
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
        """Collect what comes while the stage works. A record is acknowledged when the stage has done all it asks for."""
        come: asyncio.Queue[EventT] = asyncio.Queue(RUN_MAX)
        unacknowledged = stream.noack()
        working = asyncio.create_task(_work(come, unacknowledged, stage, fail), name=stage.name)
        try:
            async for event in unacknowledged.events():
                await come.put(event)
        finally:
            working.cancel()

    return feed


async def _work(come: asyncio.Queue[EventT], stream: faust.Stream, stage: Stage, fail: Fail) -> None:
    while True:
        run = [await come.get()]
        while not come.empty():
            run.append(come.get_nowait())
        mine = [event for event in run if _is_mine(event)]
        try:
            if mine:
                await stage.take([record_of(event) for event in mine])
        except Exception as error:
            fail(stage.name, error)
            return  # the agent stays, or Faust would start another; it acknowledges nothing more
        for event in mine:
            await stream.ack(event)


def _is_mine(event: EventT) -> bool:
    """What was handed out before partitions were shared out anew comes again, here or elsewhere."""
    return bool(event.message.generation_id == event.app.consumer_generation_id)
