"""PostgreSQL stops, is killed and comes back in the midst of the load: nothing is lost or doubled, everything goes on."""

import asyncio
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import pytest
from sqlalchemy import text

from engine.cluster.lease import Leases
from engine.database.database import Database, Lock
from engine.database.errors import DatabaseUnavailableError
from engine.database.open import open_database
from engine.database.place import PostgresPlace
from engine.detect.snapshot import State
from engine.detect.snapshot_database import SnapshotDatabase
from engine.detect.snapshot_store import Snapshot
from engine.duty.alerts import list_alerts
from engine.duty.channels.channel import Outcome, Status
from engine.duty.desk import Desk
from engine.duty.outbox import PageState, load_pages, page_counts
from engine.duty.page import Page
from engine.duty.sender import Sender
from engine.store.sqlite import StoreError
from rules.alert import AlertEvent, Step
from tests.database_places import Borrowed, postgres_place
from tests.duty_cases import REGISTRY, SETTINGS, desk_in, step, window
from tests.servers import Postgres

pytestmark = pytest.mark.real

ALERTS = 60


@pytest.fixture
def server() -> Iterator[Postgres]:
    """One that this test may kill; what it acknowledges is on disk."""
    with Postgres.running() as found:
        yield found


@pytest.fixture
def db(postgres_places: Borrowed) -> Iterator[Database]:
    found = open_database(postgres_places())
    yield found
    found.close()


@dataclass
class Bot:
    """Takes every page."""

    sent: list[Page] = field(default_factory=list)

    async def send(self, page: Page) -> Outcome:
        self.sent.append(page)
        await asyncio.sleep(0.005)
        return Outcome(status=Status.DELIVERED)

    async def close(self) -> None:
        """Nothing to close."""


def history() -> list[AlertEvent]:
    opened = [window(3 * n) for n in range(ALERTS)]
    return [event for alert in opened for event in (alert, step(alert, Step.RETURNED))]


async def take_all(desk: Desk, retries: list[str]) -> None:
    """As the duty stage does: the same call again until it succeeds."""
    for event in history():
        while (retry := await asyncio.to_thread(desk.take, [event])) is not None:
            retries.append(retry.reason)
            await asyncio.sleep(0.05)


def test_pages_go_on_when_the_server_is_back_and_none_is_lost(server: Postgres, postgres_places: Borrowed) -> None:
    desk, bot, retries = desk_in(postgres_place(server)), Bot(), list[str]()
    sender = Sender(desk.db, SETTINGS, {"bot": bot}, name="w1")

    async def trouble() -> None:
        """Killed, put to sleep, and stopped in order."""
        for end, begin in ((server.kill, server.start), (server.freeze, server.thaw), (server.stop, server.start)):
            seen = len(bot.sent)
            while len(bot.sent) < min(seen + 15, ALERTS * 2 - 5):
                await asyncio.sleep(0.005)
            await asyncio.to_thread(end)
            await asyncio.sleep(0.5)
            await asyncio.to_thread(begin)

    async def run() -> None:
        await sender.start()
        desk.wake = sender.wake
        async with asyncio.timeout(120):
            await asyncio.gather(take_all(desk, retries), trouble())
            while set(await asyncio.to_thread(page_counts, desk.db)) != {PageState.DELIVERED.value}:
                await asyncio.sleep(0.02)
        await sender.stop()

    asyncio.run(run())
    unharmed = desk_in(postgres_places())
    unharmed.take(history())
    assert list_alerts(desk.db) == list_alerts(unharmed.db)
    expected = [page.page_id for page in load_pages(unharmed.db)]
    assert [page.page_id for page in load_pages(desk.db)] == expected
    assert {page.page_id for page in bot.sent} == set(expected)
    assert retries
    assert "expected a database that can be written" in retries[0]

    twice = {key for key, count in Counter(page.page_id for page in bot.sent).items() if count > 1}
    assert twice <= {page.page_id for page in bot.sent if page.resend}
    assert len(bot.sent) - len(expected) <= 6
    desk.db.close()


def test_a_connection_that_the_server_has_closed_is_replaced_before_it_is_used(
    db: Database, postgres_places: Borrowed
) -> None:
    with db.read() as connection:
        connection.execute(text("SELECT 1"))
    with db.read() as connection:
        own = connection.execute(text("SELECT pg_backend_pid()")).scalar_one()
    end_backend(postgres_places(), own)
    with db.read() as connection:
        assert connection.execute(text("SELECT pg_backend_pid()")).scalar_one() != own


def test_a_transaction_whose_connection_is_lost_keeps_nothing_and_may_be_done_again(
    db: Database, postgres_places: Borrowed
) -> None:
    def write() -> None:
        with db.write(Lock.DUTY) as connection:
            connection.execute(text("CREATE TABLE half (n integer)"))
            end_backend(postgres_places(), connection.execute(text("SELECT pg_backend_pid()")).scalar_one())
            connection.execute(text("INSERT INTO half VALUES (1)"))

    with pytest.raises(DatabaseUnavailableError, match="terminating connection due to administrator command"):
        write()
    with db.read() as connection:
        assert connection.execute(text("SELECT to_regclass('half')")).scalar() is None


def end_backend(place: PostgresPlace, pid: int) -> None:
    """The server ends one of its processes."""
    admin = open_database(place)
    with admin.write() as connection:
        connection.execute(text("SELECT pg_terminate_backend(:pid, 5000)"), {"pid": pid})
    admin.close()


def impatient(place: PostgresPlace, setting: str) -> PostgresPlace:
    return replace(place, url=f"{place.url}?options=-c%20{setting.replace('=', '%3D', 1)}")


def test_a_lock_that_another_holds_too_long_is_an_outcome(db: Database, postgres_places: Borrowed) -> None:
    desk = desk_in(impatient(postgres_places(), "lock_timeout=50ms"))
    with db.write(Lock.DUTY):
        failed = desk.take([window(0)])
    assert failed is not None
    assert "canceling statement due to lock timeout" in failed.reason
    assert desk.take([window(0)]) is None
    desk.db.close()


def test_locks_of_different_names_do_not_wait_for_each_other(db: Database, postgres_places: Borrowed) -> None:
    other = open_database(impatient(postgres_places(), "lock_timeout=50ms"))
    with db.write(Lock.DUTY), db.write():
        assert Leases(other).take("leader", "w1", 10) is not None
        SnapshotDatabase(other).write(0, Snapshot(next_offset=1, state=State(head=b"state")))
    other.close()


def test_who_is_stopped_in_mid_transaction_loses_it_and_its_lock(db: Database, postgres_places: Borrowed) -> None:
    sleeper = open_database(impatient(postgres_places(), "idle_in_transaction_session_timeout=50ms"))

    def sleep_while_writing() -> None:
        with sleeper.write(Lock.DUTY) as connection:
            with db.write(Lock.DUTY):  # waits for the sleeper's lock until the server takes it away
                pass
            connection.execute(text("SELECT 1"))

    with pytest.raises(DatabaseUnavailableError, match="idle-in-transaction timeout"):
        sleep_while_writing()
    sleeper.close()


def test_a_standby_is_an_outcome_and_nothing_is_lost(postgres_places: Borrowed) -> None:
    """As after a failover on a connection that leads to the server that leads no more."""
    desk = Desk(open_database(postgres_places(), readonly=True), SETTINGS, REGISTRY)
    failed = desk.take([window(0)])
    assert failed is not None
    assert "in a read-only transaction" in failed.reason
    desk.db.close()


def test_a_server_that_takes_no_writes_is_not_connected_to(postgres_places: Borrowed) -> None:
    with pytest.raises(StoreError, match="session is read-only"):
        open_database(impatient(postgres_places(), "default_transaction_read_only=on"))


def test_a_value_that_no_table_can_hold_is_no_reason_to_wait(db: Database) -> None:
    desk = Desk(db, SETTINGS, REGISTRY)
    with pytest.raises(Exception, match="NUL"):
        desk.take([replace(window(0), unit="\x00")])
    assert desk.take([window(0)]) is None
