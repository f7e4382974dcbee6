"""The log of a cluster on a real broker: what is acknowledged is there, in order, and every reader sees the same."""

import asyncio
import time
from collections.abc import Iterator
from itertools import pairwise

import pytest

from engine.log.api import NotStored, Stored
from engine.log.errors import LogError
from engine.log.kafka.log import KafkaLog
from engine.log.kafka.read import opened_reader
from engine.log.kafka.settings import KafkaSettings
from engine.log.kafka.topics import Retention
from engine.log.record import RecordKind, Topic
from sensors.frames import FrameBatch
from tests.servers import Kafka

pytestmark = pytest.mark.real


@pytest.fixture
def settings(kafka: Kafka, prefix: str) -> KafkaSettings:
    return KafkaSettings(servers=tuple(kafka.servers), partitions=2, prefix=prefix)


@pytest.fixture
def log(settings: KafkaSettings) -> Iterator[KafkaLog]:
    with KafkaLog(settings, Retention()) as log:
        yield log


def test_payloads_that_wait_together_share_a_record_and_stand_at_its_log_time(log: KafkaLog) -> None:
    async def publish() -> list[object]:
        rows = ([("login", "mn", b"%d" % n)] for n in range(1000))
        return await asyncio.gather(*(log.append_frames(1, row) for row in rows))

    stored = asyncio.run(publish())
    assert all(isinstance(one, Stored) for one in stored)
    records = list(log.reader.records(Topic.FRAMES, 1))
    assert [r.offset for r in records] == list(range(len(records)))
    assert len(records) < 100
    batches = [FrameBatch.decode(record.body).timed(record.log_ms) for record in records]
    assert [batch.payload(n) for batch in batches for n in range(len(batch))] == [b"%d" % n for n in range(1000)]
    for record, batch in zip(records, batches, strict=True):
        assert (batch.log_ms == record.log_ms).all()


def test_log_time_strictly_increases_however_many_records_come_in_one_millisecond(log: KafkaLog) -> None:
    futures = [log.append(Topic.FRAMES, 0, RecordKind.TICK, b"") for _ in range(200)]
    stored = [future.result(10) for future in futures]
    stamps = [one.log_ms for one in stored if isinstance(one, Stored)]
    assert len(set(stamps)) < len(stamps) == 200, "expected records of one millisecond, or this shows nothing"
    times = [record.log_ms for record in log.reader.records(Topic.FRAMES, 0)]
    assert all(one < other for one, other in pairwise(times))


def test_a_log_time_cannot_be_given(log: KafkaLog) -> None:
    outcome = log.append(Topic.FRAMES, 0, RecordKind.TICK, b"", log_ms=7).result(10)
    assert isinstance(outcome, NotStored) and not outcome.retry


def test_a_record_of_many_verdicts_is_taken_and_one_beyond_all_bounds_refused(log: KafkaLog) -> None:
    assert isinstance(log.append(Topic.READINGS, 0, RecordKind.DATA, bytes(8 << 20)).result(30), Stored)
    refused = log.append(Topic.READINGS, 0, RecordKind.DATA, bytes(64 << 20)).result(30)
    assert isinstance(refused, NotStored) and not refused.retry
    assert [len(record.body) for record in log.read(Topic.READINGS, 0, 0, 10)] == [8 << 20]


def test_other_partitions_than_the_topics_have_are_refused(log: KafkaLog, settings: KafkaSettings) -> None:
    more = KafkaSettings(servers=settings.servers, partitions=3, prefix=settings.prefix)
    with pytest.raises(LogError, match=r"frames: has 2 partitions, the settings say 3"):
        KafkaLog(more, Retention())


def test_topics_that_forget_too_early_are_refused(log: KafkaLog, settings: KafkaSettings) -> None:
    with pytest.raises(LogError, match=r"readings: retention.ms is 86400000, expected 172800000 or more"):
        KafkaLog(settings, Retention(derived_ms=172_800_000))


def test_whoever_only_reads_needs_no_group(log: KafkaLog, settings: KafkaSettings) -> None:
    log.append(Topic.ALERTS, 1, RecordKind.DATA, b"[]").result(10)
    with opened_reader(settings) as reader:
        assert [record.body for record in reader.records(Topic.ALERTS, 1)] == [b"[]"]
        assert reader.span(Topic.ALERTS, 0).end == 0


def test_where_no_broker_is_the_error_names_the_place(kafka: Kafka) -> None:
    with pytest.raises(LogError, match=r"kafka 127.0.0.1:1: "):
        KafkaLog(KafkaSettings(servers=("127.0.0.1:1",)), Retention())


def test_a_broker_that_is_killed_loses_nothing_and_doubles_nothing(prefix: str, caplog: pytest.LogCaptureFixture) -> None:
    with Kafka.running() as own:
        settings = KafkaSettings(servers=tuple(own.servers), partitions=1, prefix=prefix)
        with KafkaLog(settings, Retention()) as log:
            assert isinstance(log.append_payloads(0, [("l", "m", b"before")]).result(10), Stored)
            own.kill()
            on_its_way = log.append_payloads(0, [("l", "m", b"on its way")])
            deadline = time.monotonic() + 30
            while not log.trouble and time.monotonic() < deadline:
                time.sleep(0.1)
            refused = log.append_payloads(0, [("l", "m", b"refused")]).result(10)
            assert isinstance(refused, NotStored) and refused.retry
            own.start()
            assert isinstance(on_its_way.result(60), Stored)
            assert isinstance(log.append_payloads(0, [("l", "m", b"after")]).result(10), Stored)
            batches = [FrameBatch.decode(record.body) for record in log.reader.records(Topic.FRAMES, 0)]
    assert [batch.payload(0) for batch in batches] == [b"before", b"on its way", b"after"]
    told = [record.message for record in caplog.records if record.name == "engine.log.kafka.outage"]
    assert len(told) == 2 and "no answer" in told[0] and "answers again after" in told[1]
