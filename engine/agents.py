"""The three agents of the Faust app. Each feeds one stage, as many records at a time as are there, and never raises."""

import asyncio
import logging
from collections.abc import Callable, Mapping

import faust
from faust.types import EventT

from engine.delivery import Stage
from engine.log.messages import record_from
from engine.log.record import Record, Topic

logger = logging.getLogger(__name__)

RUN_MAX = 32
"""Records that a stage is given at once: what a run costs (a change of thread, a commit) is shared by its records."""

Fail = Callable[[str, Exception], None]
"""A stage ended by itself: its name, and why."""


def add_agents(app: faust.App, stages: Mapping[str, tuple[Topic, Stage]], fail: Fail) -> None:
    """An agent for each topic, by its name. One run at a time, or Faust would commit past unfinished records."""
    for name, (topic, stage) in stages.items():
        source = app.topic(name, key_type=bytes, value_type=bytes, key_serializer="raw", value_serializer="raw")
        app.agent(source, name=stage.name, concurrency=1)(_agent(topic, stage, fail))


def record_of(topic: Topic, event: EventT) -> Record:
    """The record behind an event of Faust."""
    m = event.message
    return record_from(topic, m.partition, m.offset, round(m.timestamp * 1000), m.headers or (), m.key, m.value)


def _agent(topic: Topic, stage: Stage, fail: Fail) -> Callable[[faust.Stream], object]:
    async def feed(stream: faust.Stream) -> None:
        """Collect what comes while the stage works. A record is acknowledged when the stage has done all it asks for."""
        come: asyncio.Queue[EventT] = asyncio.Queue(RUN_MAX)
        unacknowledged = stream.noack()
        working = asyncio.create_task(_work(topic, come, unacknowledged, stage, fail), name=stage.name)
        try:
            async for event in unacknowledged.events():
                await come.put(event)
        finally:
            working.cancel()

    return feed


async def _work(
    topic: Topic, come: asyncio.Queue[EventT], stream: faust.Stream, stage: Stage, fail: Fail
) -> None:
    while True:
        run = [await come.get()]
        while not come.empty():
            run.append(come.get_nowait())
        mine = [(event, record_of(topic, event)) for event in run if _is_mine(event)]
        try:
            if mine:
                await stage.take([record for _, record in mine])
        except Exception as error:
            fail(stage.name, error)
            return  # the agent stays, or Faust would start another; it acknowledges nothing more
        for event, record in mine:
            if is_done(stage, record):
                await stream.ack(event)


def is_done(stage: Stage, record: Record) -> bool:
    """Not so of what a stage passed over because its partition goes to another worker, who is to find it uncommitted."""
    return record.offset < stage.next.get(record.partition, 0)


def _is_mine(event: EventT) -> bool:
    """What was handed out before partitions were shared out anew comes again, here or elsewhere."""
    return bool(event.message.generation_id == event.app.consumer_generation_id)
