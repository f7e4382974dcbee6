"""The tables: made, brought up to date with what is in them, by one process of several, and refused where that cannot be."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pysqlite3.dbapi2 as sqlite
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import inspect, text

from engine.cluster.tables import lease
from engine.database.database import Database
from engine.database.metadata import metadata
from engine.database.open import connected, open_database
from engine.database.place import FILE, Place, PostgresPlace
from engine.database.schema import HEAD, found_version
from engine.database.upgrade import revisions, upgrade
from engine.duty.alerts import list_alerts, load_actions, load_events, load_rules
from engine.duty.outbox import PageState, attempt_count, load_pages
from engine.store.sqlite import StoreError
from rules.alert import Step
from tests.database_places import postgres_place
from tests.duty_cases import REGISTRY, window
from tests.servers import Postgres
from tests.store_cases import RULES

SCHEMA_1 = Path(__file__).parent / "data" / "core_schema_1.sql"
"""The dump of a database that the code of schema 1 made: two alerts, three pages, a rule set, an acknowledgement."""

NewPlace = Callable[[], Place]


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.real)])
def empty(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    """Where a database is to be made."""
    if request.param == "sqlite":
        yield tmp_path
        return
    server: Postgres = request.getfixturevalue("postgres")
    with server.database() as url:
        yield postgres_place(server, url.rpartition("/")[2])


@contextmanager
def opened(place: Place, *, as_it_is: bool = False) -> Iterator[Database]:
    database = connected(place) if as_it_is else open_database(place)
    try:
        yield database
    finally:
        database.close()


def differences(database: Database) -> list[Any]:
    """Between the tables of a database and those that the code declares."""
    with database.read() as connection:
        return list(compare_metadata(MigrationContext.configure(connection, opts={"compare_type": True}), metadata))


def old_database(folder: Path) -> None:
    db = sqlite.connect(str(folder / FILE))
    db.executescript(SCHEMA_1.read_text("utf-8"))
    db.close()


def test_the_code_names_the_last_revision_as_its_own() -> None:
    assert revisions().get_current_head() == HEAD


def test_a_new_database_has_the_tables_that_the_code_declares(empty: Place) -> None:
    with opened(empty) as database:
        assert differences(database) == []
        with database.read() as connection:
            assert found_version(connection, "here") == HEAD


def test_the_revisions_make_the_same_tables_as_a_new_database_has(empty: Place) -> None:
    with opened(empty, as_it_is=True) as database:
        with database.write() as connection:
            upgrade(connection, "")
        assert differences(database) == []
        with database.read() as connection:
            revised = {t: [c["name"] for c in inspect(connection).get_columns(t)] for t in metadata.tables}
    assert revised == {name: [c.name for c in table.c] for name, table in metadata.tables.items()}


def test_a_database_of_the_first_schema_comes_along_with_all_that_is_in_it(tmp_path: Path) -> None:
    old_database(tmp_path)
    with opened(tmp_path) as database:
        assert differences(database) == []
        steps = [decided.event.step for decided in load_events(database, window(0).alert_id)]
        assert steps == [Step.OPENED, Step.RETURNED]
        assert {row.enterprise for row in list_alerts(database)} == {REGISTRY.enterprises[0].id}
        assert [page.state for page in load_pages(database)] == [
            PageState.DELIVERED, PageState.SENDING, PageState.WAITING,
        ]  # fmt: skip
        assert attempt_count(database) == 2
        assert load_rules(database, RULES.version) == RULES
        assert [action.person for action in load_actions(database, window(0).alert_id)] == ["li"]


def test_a_reader_refuses_an_older_database_and_says_what_to_do(tmp_path: Path) -> None:
    old_database(tmp_path)
    expected = f"older version of Outfall: schema 0001, expected {HEAD}: .* outfall database upgrade"
    with pytest.raises(StoreError, match=expected):
        open_database(tmp_path, readonly=True)


def test_a_newer_database_is_refused(empty: Place) -> None:
    with opened(empty) as database, database.write() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '0099'"))
    with pytest.raises(StoreError, match=f"newer version of Outfall: schema 0099, expected {HEAD} or older"):
        open_database(empty)


def test_a_database_of_something_else_is_refused(empty: Place) -> None:
    with opened(empty, as_it_is=True) as database, database.write() as connection:
        connection.execute(text("CREATE TABLE invoice (id INTEGER)"))
    with pytest.raises(StoreError, match="not a database of Outfall: it has tables of something else"):
        open_database(empty)


def test_a_revision_that_fails_leaves_the_database_as_it_was(empty: Place) -> None:
    """A table of the next version stands in the way of the last one."""
    with opened(empty, as_it_is=True) as database:
        with database.write() as connection:
            lease.create(connection)
        with pytest.raises(Exception, match="lease"), database.write() as connection:
            upgrade(connection, "")
        with database.read() as connection:
            assert inspect(connection).get_table_names() == [lease.name]


def test_of_processes_that_start_together_one_makes_the_tables(empty: Place) -> None:
    with ThreadPoolExecutor(4) as pool:
        databases = list(pool.map(lambda _: open_database(empty), range(4)))
    assert differences(databases[0]) == []
    for database in databases:
        database.close()


def test_a_server_that_is_not_there_is_said_with_its_address() -> None:
    nowhere = PostgresPlace(url="postgresql://outfall@127.0.0.1:1/outfall")
    with pytest.raises(StoreError, match=r"postgresql://outfall@127.0.0.1:1/outfall: .* expected a database that can be"):
        open_database(nowhere)


def test_an_address_that_libpq_cannot_read_is_said() -> None:
    with pytest.raises(StoreError, match="invalid URI query parameter: \"nosuch\"; expected an address as libpq reads it"):
        open_database(PostgresPlace(url="postgresql://outfall@db/outfall?nosuch=1"))
