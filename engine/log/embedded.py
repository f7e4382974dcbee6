"""The Faust transport `embedded://`: agents run on a `SqliteLog` as they would on Kafka, without a broker.

`faust.App("name", broker="embedded:///path/to/data")` finds it through the entry point `faust.transports`. The app
opens the log itself and closes it when it stops, unless somebody has set `app.embedded_log` before.
"""

import asyncio
from collections.abc import Awaitable, Mapping
from pathlib import Path
from typing import Any

from faust.exceptions import ProducerSendError
from faust.transport import base
from faust.types import TP, RecordMetadata

from engine.log.embedded_consumer import Consumer
from engine.log.embedded_topics import partition_for, topic_named
from engine.log.errors import LogError
from engine.log.patient import until_stored
from engine.log.record import RecordKind
from engine.log.sqlite import SqliteLog

LOG_APPEND_TIME = 1
"""Kafka's name for it: the log sets the time of a record, the sender does not."""


class Producer(base.Producer):  # type: ignore[misc]
    """Appends to the log. `send` returns after the commit; on a full disk it waits."""

    async def send(
        self,
        topic: str,
        key: bytes | None,
        value: bytes | None,
        partition: int | None,
        timestamp: float | None,
        headers: Any,
        *,
        transactional_id: str | None = None,
    ) -> Awaitable[RecordMetadata]:
        """Append a record; the awaitable it returns is done. A given timestamp does not count, headers are not kept."""
        name = topic_named(topic)
        if headers:
            raise ProducerSendError(f"embedded://: {topic}: expected no headers, got {headers!r}")
        log: SqliteLog = self.transport.log
        body, place = value or b"", partition if partition is not None else partition_for(log, name, key)
        try:
            stored = await until_stored(lambda: log.put(name, place, RecordKind.DATA, body, key=key or b""))
        except LogError as error:
            raise ProducerSendError(str(error)) from error
        done = asyncio.get_running_loop().create_future()
        at_s = stored.log_ms / 1000
        done.set_result(RecordMetadata(topic, place, TP(topic, place), stored.offset, at_s, LOG_APPEND_TIME))
        return done

    async def send_and_wait(self, *args: Any, **kwargs: Any) -> RecordMetadata:
        """As `send`."""
        return await (await self.send(*args, **kwargs))

    async def flush(self) -> None:
        """Everything sent is on disk already; wait for what agents left to be sent soon."""
        await self.buffer.flush()

    async def create_topic(self, topic: str, partitions: int, replication: int, **options: Any) -> None:
        """The topics are there; LogError for another one."""
        topic_named(topic)

    def key_partition(self, topic: str, key: bytes) -> TP:
        """Where records of a key go."""
        return TP(topic, partition_for(self.transport.log, topic_named(topic), key))

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
