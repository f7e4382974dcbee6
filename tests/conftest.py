"""Real servers as fixtures: one of each for a whole run of pytest, and a corner of one's own in it for each test.

A test that kills or freezes a server takes one for itself: `with Kafka.running() as kafka`.
"""

import uuid
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path

import pytest

from tests.database_places import Borrowed, Folders, NewPlaces, Places, Pool
from tests.servers import Influx, Kafka, Mosquitto, Postgres, SecureKafka

IN_MEMORY = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


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
    """A PostgreSQL, shared. A test asks for `database_url`. It is not killed, so nothing need be on disk."""
    with Postgres.running(settings=IN_MEMORY) as server:
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


@pytest.fixture(scope="session")
def postgres_pool(postgres: Postgres) -> Pool:
    """Databases with all tables on the shared PostgreSQL."""
    return Pool(postgres)


@pytest.fixture
def postgres_places(postgres_pool: Pool) -> Iterator[Borrowed]:
    """Databases of one test on PostgreSQL, with all tables."""
    with postgres_pool.places() as found:
        yield found


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.real)])
def places(request: pytest.FixtureRequest, tmp_path: Path) -> Places:
    """Databases of one test: the test runs on SQLite, and again on PostgreSQL."""
    found: Places = Folders(tmp_path) if request.param == "sqlite" else request.getfixturevalue("postgres_places")
    return found


@pytest.fixture(scope="module", params=["sqlite", pytest.param("postgresql", marks=pytest.mark.real)])
def new_places(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> NewPlaces:
    """`places` again and again: for the examples of a property."""
    if request.param == "sqlite":
        return lambda: nullcontext(Folders(tmp_path_factory.mktemp("databases")))
    pool: Pool = request.getfixturevalue("postgres_pool")
    return pool.places


@pytest.fixture
def bucket(influx: Influx) -> Iterator[str]:
    """The name of a fresh bucket of InfluxDB."""
    with influx.fresh_bucket() as name:
        yield name
