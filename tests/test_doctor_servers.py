"""The doctor at a real Kafka, InfluxDB and PostgreSQL."""

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from engine.config.doc import InfluxPlace
from engine.database.open import open_database
from engine.database.place import PostgresPlace
from engine.doctor.database import database_findings
from engine.doctor.influx import influx_findings
from engine.doctor.kafka import kafka_findings
from engine.doctor.patient import Patient
from engine.duty.settings import Secret
from engine.log.kafka.settings import KafkaSettings
from engine.log.kafka.topics import Retention, make_topics
from engine.settings import LogKind
from tests.doctor_rig import config_of, found
from tests.intake_rig import soon
from tests.servers import Influx, Kafka, Postgres
from tests.servers.process import free_port

pytestmark = pytest.mark.real


@pytest.fixture
def config(tmp_path: Path) -> Any:
    return config_of(tmp_path / "site")


def of(config: Any, *, probe: bool = False, **changed: Any) -> Patient:
    return Patient(config=replace(config, **changed), brokers=(), probe=probe)


def influx_place(influx: Influx, bucket: str, tmp_path: Path) -> InfluxPlace:
    return InfluxPlace(
        url=influx.url,
        org=influx.org,
        bucket=bucket,
        token=Secret(influx.token),
        token_file=tmp_path / "token",
        keep_days={},
        series_max=1000,
    )


def test_an_influxdb_that_is_well(config: Any, influx: Influx, bucket: str, tmp_path: Path) -> None:
    place = influx_place(influx, bucket, tmp_path)
    expected = dict.fromkeys(("influx_version", "influx_clock", "influx_retention"), "good")
    assert found(influx_findings, of(config, influx=place)) == {**expected, "influx_not_probed": "note"}
    assert found(influx_findings, of(config, influx=place, probe=True)) == {**expected, "influx_write": "good"}


def test_a_token_a_bucket_and_an_address_that_are_wrong(config: Any, influx: Influx, bucket: str, tmp_path: Path) -> None:
    def seen(**changed: Any) -> dict[str, str]:
        place = replace(influx_place(influx, bucket, tmp_path), **changed)
        return found(influx_findings, of(config, influx=place, probe=True))

    refused = seen(token=Secret("guessed"))
    assert (refused["influx_token"], refused["influx_write"]) == ("error", "error")
    assert seen(bucket="none")["influx_bucket"] == "error"
    assert seen(org="strangers")["influx_bucket"] == "error"
    assert seen(url=f"http://127.0.0.1:{free_port()}") == {"influx_reach": "error"}


def test_a_bucket_that_forgets_sooner_than_was_meant(config: Any, influx: Influx, bucket: str, tmp_path: Path) -> None:
    with influx.client() as client:
        made = client.buckets_api().find_bucket_by_name(bucket)
        made.retention_rules[0].every_seconds = 86_400
        made.retention_rules[0].shard_group_duration_seconds = 3600
        client.buckets_api().update_bucket(made)
    seen = found(influx_findings, of(config, influx=influx_place(influx, bucket, tmp_path)))
    assert seen["influx_retention"] == "warning"


def test_a_database_in_the_data_directory(config: Any) -> None:
    assert found(database_findings, of(config)) == {"database_none": "note"}
    open_database(config.database).close()
    assert found(database_findings, of(config)) == {"database_schema": "good"}


def test_a_postgresql_that_is_well(config: Any) -> None:
    with Postgres.running() as server, server.database() as url:
        place = PostgresPlace(url=url)
        assert found(database_findings, of(config, database=place))["database_none"] == "note"
        open_database(place).close()
        assert found(database_findings, of(config, database=place)) == dict.fromkeys(
            ("database_schema", "database_version", "database_clock", "database_durable"), "good"
        )


def test_a_postgresql_that_forgets_in_a_crash(config: Any, database_url: str) -> None:
    """That of the tests keeps nothing on disk: it is quicker."""
    seen = found(database_findings, of(config, database=PostgresPlace(url=database_url)))
    assert seen["database_durable"] == "error"


def test_no_postgresql_where_it_should_be(config: Any) -> None:
    nobody = PostgresPlace(url=f"postgresql://outfall@127.0.0.1:{free_port()}/outfall")
    assert found(database_findings, of(config, database=nobody)) == {"database_reach": "error"}


def test_topics_that_are_not_there_are_well_or_forget(config: Any, kafka: Kafka, prefix: str) -> None:
    settings = KafkaSettings(servers=tuple(kafka.servers), partitions=2, prefix=prefix)
    cluster = {"kafka": settings, "host": replace(config.host, log=LogKind.KAFKA)}
    assert found(kafka_findings, of(config, **cluster)) == {
        "kafka_reach": "good", "kafka_missing": "note", "kafka_one_copy": "note",
    }  # fmt: skip
    asyncio.run(make_topics(settings, Retention()))
    assert found(kafka_findings, of(config, **cluster)) == {
        "kafka_reach": "good", "kafka_topic": "good", "kafka_one_copy": "note",
    }  # fmt: skip
    more = {**cluster, "kafka": replace(settings, partitions=3, replication=3)}
    assert found(kafka_findings, of(config, **more)) == {
        "kafka_reach": "good", "kafka_brokers": "error", "kafka_topic": "error", "kafka_replication": "warning",
    }  # fmt: skip


def test_a_topic_that_somebody_else_made_with_the_brokers_defaults(config: Any, kafka: Kafka, prefix: str) -> None:
    async def made() -> None:
        admin = AIOKafkaAdminClient(bootstrap_servers=kafka.servers)
        await admin.start()
        await admin.create_topics([NewTopic(f"{prefix}frames", 2, 1)])
        await admin.close()

    asyncio.run(made())
    settings = KafkaSettings(servers=tuple(kafka.servers), partitions=2, prefix=prefix)
    patient = of(config, kafka=settings, host=replace(config.host, log=LogKind.KAFKA))
    assert soon(lambda: found(kafka_findings, patient).get("kafka_topic") == "error")  # when the broker lists it


def test_no_kafka_where_it_should_be(config: Any) -> None:
    settings = KafkaSettings(servers=(f"127.0.0.1:{free_port()}",))
    cluster = of(config, kafka=settings, host=replace(config.host, log=LogKind.KAFKA))
    assert found(kafka_findings, cluster) == {"kafka_reach": "error"}
