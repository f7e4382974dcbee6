"""The Faust transport `embedded://`: agents run on a `SqliteLog` as they would on Kafka, without a broker.

`faust.App("name", broker="embedded:///path/to/data")` finds it through the entry point `faust.transports`. The app
opens the log itself and closes it when it stops, unless somebody has set `app.embedded_log` before.
"""

import asyncio
from collections.abc import Mapping
from pathlib import Path

from faust.transport import base

from engine.log.embedded_consumer import Consumer
from engine.log.embedded_topics import topic_named
from engine.log.faust_producer import LogProducer
from engine.log.record import Topic
from engine.log.sqlite import SqliteLog


class Producer(LogProducer):
    """Lets go of a log that the app opened itself."""

    async def on_stop(self) -> None:
        """The producer stops last: let go of a log that the app opened itself."""
        await super().on_stop()
        if getattr(self.app, "embedded_log_is_own", False):
            await asyncio.to_thread(self.transport.log.close)


class Transport(base.Transport):  # type: ignore[misc]
    """Consumer and producer on one log."""

    Consumer = Consumer
    Producer = Producer
    driver_version = "outfall"
    default_port = 0

    def topic_named(self, name: str) -> Topic:
        """The topic of that name."""
        return topic_named(name)

    @property
    def log(self) -> SqliteLog:
        """The log of the app, which its consumer's and its producer's transport share."""
        found = getattr(self.app, "embedded_log", None)
        if found is None:
            partitions = self.app.conf.topic_partitions
            found = self.app.embedded_log = SqliteLog(Path(self.url[0].path), partitions=partitions)
            self.app.embedded_log_is_own = True
        assert isinstance(found, SqliteLog)
        return found

    async def resume_at(self, partitions: list[int]) -> Mapping[int, int]:
        """Where FRAMES goes on for an app that knows better than the group's commits (its snapshots do)."""
        ask = getattr(self.app, "resume_at", None)
        return {} if ask is None else await ask(partitions)
