"""The producer of every transport: what an agent sends through Faust goes to the host's log."""

import asyncio
from collections.abc import Awaitable
from typing import Any

from faust.exceptions import ProducerSendError
from faust.transport import base
from faust.types import TP, RecordMetadata

from engine.log.api import Log
from engine.log.embedded_topics import partition_for
from engine.log.errors import LogError
from engine.log.patient import until_stored
from engine.log.record import RecordKind

LOG_APPEND_TIME = 1
"""Kafka's name for it: the log sets the time of a record, the sender does not."""


class LogProducer(base.Producer):  # type: ignore[misc]
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
        name = self.transport.topic_named(topic)
        if headers:
            raise ProducerSendError(f"{topic}: expected no headers, got {headers!r}")
        log: Log = self.transport.log
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
        self.transport.topic_named(topic)

    def key_partition(self, topic: str, key: bytes) -> TP:
        """Where records of a key go."""
        return TP(topic, partition_for(self.transport.log, self.transport.topic_named(topic), key))
