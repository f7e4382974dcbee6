"""Unmodified Faust agents on `embedded://`, found through the entry point as any user's app finds it."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import faust
import pytest
from faust.exceptions import ProducerSendError
from faust.types import EventT

from engine.log import handing
from engine.log.embedded_topics import partition_for
from engine.log.positions import IN_HAND_MAX, Positions
from engine.log.reader import LogReader
from engine.log.record import RecordKind, Topic
from engine.log.sqlite import SqliteLog

READINGS = (Topic.READINGS, 0)


def new_app(data: Path, **options: object) -> faust.App:
    return faust.App(
        "test",
        broker=f"embedded://{data}",
        datadir=data / "faust",
        topic_partitions=2,
        topic_disable_leader=True,
        web_enabled=False,
        broker_commit_interval=0.1,
        value_serializer="raw",
        **options,
    )


@contextlib.asynccontextmanager
async def running(app: faust.App) -> AsyncIterator[None]:
    await app.start()
    try:
        yield
    finally:
        await asyncio.wait_for(app.stop(), 20)
        assert app.crash_reason is None


async def fill(app: faust.App, values: range) -> None:
    for n in values:
        await app.topic("readings").send(key=b"key%d" % n, value=b"%d" % n, partition=n % 2)


def test_an_agent_gets_every_record_of_every_partition_in_order_and_goes_on_after_a_restart(tmp_path: Path) -> None:
    async def session(values: range) -> list[EventT]:
        app, seen, enough = new_app(tmp_path), [], asyncio.Event()

        @app.agent(app.topic("readings", key_serializer="raw"))
        async def collect(stream: faust.Stream) -> None:
            async for event in stream.events():
                seen.append(event)
                if len(seen) == len(values):
                    enough.set()

        async with running(app):
            await fill(app, values)
            await asyncio.wait_for(enough.wait(), 10)
        return seen

    for values in (range(500), range(500, 700)):
        seen = asyncio.run(session(values))
        for partition in (0, 1):
            mine = [event for event in seen if event.message.partition == partition]
            assert [event.value for event in mine] == [b"%d" % n for n in values if n % 2 == partition]
            assert [event.key for event in mine] == [b"key%d" % n for n in values if n % 2 == partition]
    with LogReader(tmp_path / "log.db") as reader:
        assert reader.committed("test") == {(Topic.READINGS, 0): 350, (Topic.READINGS, 1): 350}


def test_a_record_is_in_the_file_when_send_returns_with_its_offset_and_log_time(tmp_path: Path) -> None:
    async def session() -> None:
        app = new_app(tmp_path)
        async with running(app):
            metadata = await (await app.topic("alerts").send(value=b"x", partition=1))
            with LogReader(tmp_path / "log.db") as reader:
                (record,) = reader.read(Topic.ALERTS, 1, 0, 10)
            assert (record.body, record.kind) == (b"x", RecordKind.DATA)
            assert (metadata.offset, round(metadata.timestamp * 1000)) == (record.offset, record.log_ms)
            with pytest.raises(ProducerSendError, match="expected no headers"):
                await app.topic("alerts").send(value=b"x", headers={"a": b"b"})

    asyncio.run(session())


def test_an_agent_that_never_acknowledges_gets_a_bounded_number_and_does_not_hold_up_the_stop(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(handing, "WAIT_EMPTY_S", 0.2)

    async def session() -> int:
        app, seen, enough = new_app(tmp_path), [], asyncio.Event()

        @app.agent(app.topic("readings"))
        async def hoard(stream: faust.Stream) -> None:
            async for event in stream.noack().events():
                seen.append(event)
                if len(seen) == 5:
                    for message in (event.message for event in seen[:3]):
                        app.consumer.ack(message)
                if len(seen) == IN_HAND_MAX // 2:
                    enough.set()

        async with running(app):
            await fill(app, range(0, 200, 2))
            await asyncio.wait_for(enough.wait(), 10)
        return len(seen)

    assert asyncio.run(session()) <= IN_HAND_MAX + 3
    with LogReader(tmp_path / "log.db") as reader:
        assert reader.committed("test")[READINGS] == 3


def test_an_agent_can_go_back(tmp_path: Path) -> None:
    async def session() -> list[bytes]:
        app, seen, enough = new_app(tmp_path), [], asyncio.Event()

        @app.agent(app.topic("readings"))
        async def doubt(stream: faust.Stream) -> None:
            async for event in stream.events():
                seen.append(event.value)
                if len(seen) == 10:
                    await app.consumer.seek(event.message.tp, 3)
                if len(seen) > 10 and event.value == b"98":
                    enough.set()

        async with running(app):
            await fill(app, range(0, 100, 2))
            await asyncio.wait_for(enough.wait(), 10)
        return seen

    seen = asyncio.run(session())
    values = [b"%d" % n for n in range(0, 100, 2)]
    assert seen[-47:] == values[3:]
    assert seen[:10] == values[:10]


def test_a_topic_that_the_log_does_not_have_ends_the_app_with_its_name(tmp_path: Path) -> None:
    async def session() -> BaseException | None:
        app = new_app(tmp_path)

        @app.agent(app.topic("payments"))
        async def collect(stream: faust.Stream) -> None:
            async for _ in stream:
                raise AssertionError("nothing can come")

        await app.start()
        await asyncio.wait_for(app.wait_until_stopped(), 10)
        await app.stop()
        return app.crash_reason

    assert "topic 'payments': expected one of frames, readings, alerts" in str(asyncio.run(session()))


class Message:
    """What Faust hands to an agent, as far as positions know it."""

    def __init__(self, offset: int) -> None:
        self.offset = offset
        self.acked = False


def test_a_commit_never_passes_a_record_that_is_still_worked_on() -> None:
    positions = Positions()
    positions.go_to(READINGS, 10)
    out = [Message(offset) for offset in range(10, 15)]
    for message in out:
        positions.hand_out(READINGS, message)
    for done, committable in ((1, 10), (2, 10), (0, 13), (4, 13), (3, 15)):
        out[done].acked = True
        assert positions.committable(READINGS) == committable


def test_what_was_out_before_a_seek_no_longer_counts() -> None:
    positions = Positions()
    positions.go_to(READINGS, 10)
    stale = Message(10)
    positions.hand_out(READINGS, stale)
    positions.go_to(READINGS, 10)
    again = Message(10)
    positions.hand_out(READINGS, again)
    stale.acked = True
    assert positions.committable(READINGS) == 10
    assert positions.room(READINGS) == IN_HAND_MAX - 1


def test_a_key_goes_to_one_partition(tmp_path: Path) -> None:
    with SqliteLog(tmp_path, partitions=4) as log:
        assert {partition_for(log, Topic.ALERTS, b"a") for _ in range(3)} == {partition_for(log, Topic.ALERTS, b"a")}
        assert {partition_for(log, Topic.ALERTS, b"%d" % n) for n in range(50)} == {0, 1, 2, 3}
