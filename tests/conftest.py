"""Real servers as fixtures: one of each for a whole run of pytest, and a corner of one's own in it for each test.

A test that kills or freezes a server takes one for itself: `with Kafka.running() as kafka`.
"""

import uuid
from collections.abc import Iterator

import pytest

from tests.servers import Influx, Kafka, Mosquitto, Postgres, SecureKafka


@pytest.fixture(scope="session")
def kafka() -> Iterator[Kafka]:
    """A broker without security, shared: names of topics and groups begin with `prefix`."""
    with Kafka.running() as server:
        yield server


@pytest.fixture(scope="session")
def secure_kafka() -> Iterator[SecureKafka]:
    """A broker that asks for TLS and SCRAM, shared."""
    with SecureKafka.running() as server:
        yield server


@pytest.fixture(scope="session")
def mosquitto() -> Iterator[Mosquitto]:
    """A broker that lets everybody in, shared: names of topics and clients begin with `prefix`."""
    with Mosquitto.running() as server:
        yield server


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """A PostgreSQL, shared. A test asks for `database_url`."""
    with Postgres.running() as server:
        yield server


@pytest.fixture(scope="session")
def influx() -> Iterator[Influx]:
    """An InfluxDB, shared. A test asks for `bucket` too."""
    with Influx.running() as server:
        yield server


@pytest.fixture
def prefix() -> str:
    """What the names of one test begin with."""
    return f"t{uuid.uuid4().hex[:10]}."


@pytest.fixture
def database_url(postgres: Postgres) -> Iterator[str]:
    """A fresh database of PostgreSQL."""
    with postgres.database() as url:
        yield url


@pytest.fixture
def bucket(influx: Influx) -> Iterator[str]:
    """The name of a fresh bucket of InfluxDB."""
    with influx.fresh_bucket() as name:
        yield name
