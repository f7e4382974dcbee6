"""Leases: one owner at a time by the database's clock, and a token that only grows."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import pytest

from engine.cluster.lease import Lease, Leases, still_held
from engine.database.database import Database
from engine.database.open import open_database
from tests.database_places import Places


@dataclass
class Clocks:
    """The database's clock, and the one of this host, which has its own time."""

    db: Database
    server_ms: int = 1_000_000
    host_s: float = 5.0
    leases: Leases = field(init=False)

    def __post_init__(self) -> None:
        self.db.clock = lambda _: self.server_ms
        self.leases = Leases(self.db, monotonic_s=lambda: self.host_s)

    def pass_s(self, seconds: float) -> None:
        self.server_ms += round(seconds * 1000)
        self.host_s += seconds


@pytest.fixture
def clocks(places: Places) -> Iterator[Clocks]:
    db = open_database(places())
    yield Clocks(db)
    db.close()


def taken(clocks: Clocks, owner: str) -> Lease:
    found = clocks.leases.take("leader", owner, 10)
    assert found is not None
    return found


def test_a_lease_has_one_owner_until_its_time_is_over(clocks: Clocks) -> None:
    first = taken(clocks, "w1")
    clocks.pass_s(9.999)
    assert clocks.leases.take("leader", "w2", 10) is None
    assert first.holds(clocks.host_s)
    clocks.pass_s(0.001)
    assert not first.holds(clocks.host_s)
    assert taken(clocks, "w2").token == first.token + 1


def test_who_renews_in_time_keeps_it_under_the_same_token(clocks: Clocks) -> None:
    held = taken(clocks, "w1")
    for _ in range(5):
        clocks.pass_s(8)
        renewed = clocks.leases.renew(held, 10)
        assert renewed is not None
        assert (renewed.token, renewed.until_s) == (held.token, clocks.host_s + 10)
        assert clocks.leases.take("leader", "w2", 10) is None


def test_who_was_asleep_keeps_it_if_nobody_wanted_it_and_else_never(clocks: Clocks) -> None:
    held = taken(clocks, "w1")
    clocks.pass_s(100)
    assert clocks.leases.renew(held, 10) is not None
    clocks.pass_s(100)
    taken(clocks, "w2")
    clocks.pass_s(100)
    assert clocks.leases.renew(held, 10) is None


def test_a_released_lease_is_free_at_once_and_its_token_is_never_given_again(clocks: Clocks) -> None:
    first = taken(clocks, "w1")
    clocks.leases.release(first)
    assert clocks.leases.owner("leader") == ""
    assert clocks.leases.renew(first, 10) is None
    second = taken(clocks, "w2")
    assert second.token > first.token
    clocks.leases.release(first)  # too late to matter
    assert clocks.leases.owner("leader") == "w2"


def test_an_owner_that_starts_again_has_it_at_once_and_the_one_before_is_told_apart(clocks: Clocks) -> None:
    before, after = taken(clocks, "w1"), taken(clocks, "w1")
    assert clocks.leases.renew(before, 10) is None
    assert clocks.leases.renew(after, 10) is not None
    with clocks.db.write() as connection:
        assert [still_held(connection, one) for one in (before, after)] == [False, True]


def test_leases_of_different_names_have_nothing_to_do_with_each_other(clocks: Clocks) -> None:
    assert taken(clocks, "w1").token == 1
    other = clocks.leases.take("ticks", "w2", 10)
    assert other is not None
    assert other.token == 1


def test_the_hosts_clock_is_asked_only_for_how_long_not_for_when(places: Places, monkeypatch: pytest.MonkeyPatch) -> None:
    """A host that is a year ahead takes nothing from the one that holds it."""
    db = open_database(places())
    assert Leases(db).take("leader", "w1", 600) is not None
    year_ns = 365 * 86_400 * 10**9
    real_ns = time.time_ns
    if db.is_shared:  # SQLite has one host, whose clock it is
        monkeypatch.setattr(time, "time_ns", lambda: real_ns() + year_ns)
    assert Leases(db).take("leader", "w2", 600) is None
    db.close()


def test_of_many_that_ask_together_one_gets_it(places: Places) -> None:
    databases = [open_database(places()) for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda n: Leases(databases[n]).take("leader", f"w{n}", 600), range(4)))
    assert len([lease for lease in found if lease is not None]) == 1
    for db in databases:
        db.close()
