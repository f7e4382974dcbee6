"""The real servers of the tests: each starts, answers a real client, and keeps what it took over a kill -9 and a stop."""

import asyncio
import ssl
import threading
import time
import urllib.request
from typing import Any

import paho.mqtt.client as paho
import psycopg
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import KafkaConnectionError
from influxdb_client.client.write_api import SYNCHRONOUS
from paho.mqtt.enums import CallbackAPIVersion

from tests.servers import Influx, Kafka, Mosquitto, Postgres, SecureKafka
from tests.servers.process import family

pytestmark = pytest.mark.real


async def make_topic(kafka: Kafka, name: str, **security: Any) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka.servers, **security)
    await admin.start()
    await admin.create_topics([NewTopic(name, num_partitions=1, replication_factor=1)])
    await admin.close()


async def produce(kafka: Kafka, topic: str, value: bytes, **security: Any) -> int:
    producer = AIOKafkaProducer(bootstrap_servers=kafka.servers, acks="all", enable_idempotence=True, **security)
    await producer.start()
    try:
        return int((await producer.send_and_wait(topic, value)).offset)
    finally:
        await producer.stop()


async def consume(kafka: Kafka, topic: str, count: int, **security: Any) -> list[bytes]:
    consumer = AIOKafkaConsumer(topic, bootstrap_servers=kafka.servers, auto_offset_reset="earliest", **security)
    await consumer.start()
    try:
        return [(await asyncio.wait_for(consumer.getone(), 20)).value for _ in range(count)]
    finally:
        await consumer.stop()


def test_kafka_keeps_what_it_acknowledged_over_a_kill_and_a_stop() -> None:
    async def main(kafka: Kafka) -> None:
        await make_topic(kafka, "readings")
        await produce(kafka, "readings", b"before the kill")
        kafka.kill()
        kafka.start()
        await produce(kafka, "readings", b"before the stop")
        kafka.restart()
        assert await consume(kafka, "readings", 2) == [b"before the kill", b"before the stop"]

    with Kafka.running() as kafka:
        asyncio.run(main(kafka))


def test_a_secure_kafka_takes_its_user_and_nobody_else(secure_kafka: SecureKafka, prefix: str) -> None:
    kafka = secure_kafka
    trust = ssl.create_default_context(cafile=str(kafka.certificates.ca))
    user = {"sasl_mechanism": "SCRAM-SHA-512", "sasl_plain_username": kafka.user, "sasl_plain_password": kafka.password}
    security = {"security_protocol": "SASL_SSL", "ssl_context": trust, **user}

    async def main() -> None:
        await make_topic(kafka, f"{prefix}readings", **security)
        assert await produce(kafka, f"{prefix}readings", b"sealed", **security) == 0
        assert await consume(kafka, f"{prefix}readings", 1, **security) == [b"sealed"]
        with pytest.raises(KafkaConnectionError):
            await produce(kafka, f"{prefix}readings", b"?", **{**security, "sasl_plain_password": "guessed"})

    asyncio.run(main())


def test_influxdb_keeps_what_it_answered_over_a_kill_and_a_stop() -> None:
    with Influx.running() as influx, influx.fresh_bucket() as bucket, influx.client() as client:

        def write(line: str) -> None:
            client.write_api(write_options=SYNCHRONOUS).write(bucket, record=line, write_precision="ms")

        write("reading,outlet=a value=1.5 1772000000000")
        influx.kill()
        influx.start()
        write("reading,outlet=a value=2.5 1772000060000")
        influx.restart()
        found = client.query_api().query(f'from(bucket: "{bucket}") |> range(start: 0)')
        assert [record.get_value() for table in found for record in table.records] == [1.5, 2.5]


def test_postgresql_keeps_what_was_committed_over_a_kill_and_a_stop() -> None:
    with Postgres.running() as postgres, postgres.database() as url:
        for number, again in enumerate((postgres.kill, postgres.stop)):
            with psycopg.connect(url) as connection:
                connection.execute("create table if not exists alert (id int primary key)")
                connection.execute("insert into alert values (%s)", [number])
            again()
            postgres.start()
        with psycopg.connect(url) as connection:
            assert connection.execute("select id from alert order by id").fetchall() == [(0,), (1,)]


def test_mosquitto_keeps_a_session_over_a_stop(prefix: str) -> None:
    got: list[bytes] = []
    here = threading.Event()

    def client(name: str) -> paho.Client:
        made = paho.Client(CallbackAPIVersion.VERSION2, client_id=name, clean_session=False)
        made.on_message = lambda _c, _u, message: (got.append(message.payload), here.set())
        return made

    with Mosquitto.running() as mosquitto:
        bridge, monitor = client("bridge"), client("monitor")
        bridge.connect(*mosquitto.address)
        bridge.loop_start()
        bridge.subscribe(f"{prefix}up", qos=1)
        time.sleep(0.2)
        bridge.disconnect()
        bridge.loop_stop()
        monitor.connect(*mosquitto.address)
        monitor.loop_start()
        monitor.publish(f"{prefix}up", b"##", qos=1).wait_for_publish(10)
        monitor.loop_stop()
        mosquitto.restart()
        bridge.connect(*mosquitto.address)
        bridge.loop_start()
        assert here.wait(10)
        bridge.loop_stop()
    assert got == [b"##"]


def test_a_frozen_server_answers_nothing_until_it_is_thawed(influx: Influx) -> None:
    influx.freeze()
    try:
        with pytest.raises(OSError, match="timed out"):
            urllib.request.urlopen(f"{influx.url}/health", timeout=0.5)
    finally:
        influx.thaw()
    with urllib.request.urlopen(f"{influx.url}/health", timeout=20) as answer:
        assert answer.status == 200


def test_a_frozen_postgresql_is_frozen_with_its_connections(database_url: str, postgres: Postgres) -> None:
    with psycopg.connect(database_url) as connection:
        assert len(family(postgres.pid)) > 3
        postgres.freeze()
        threading.Timer(0.5, postgres.thaw).start()
        began = time.monotonic()
        connection.execute("select 1")
        assert time.monotonic() - began > 0.4


def test_a_server_that_cannot_start_says_why() -> None:
    said = r"(?s)mosquitto ended with \d+ at its start:.*nonsense"
    with pytest.raises(RuntimeError, match=said), Mosquitto.running(conf="nonsense 1\n"):
        pass
