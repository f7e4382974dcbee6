"""Store and desk of a worker that started before a version was made: they learn of it before they take what refers to it."""

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

import pytest

from engine.cluster.agreeing import Files
from engine.cluster.knowing import KnowingDesk, KnowingStore
from engine.cluster.versions import InForce, Versions
from engine.cluster.watch import Watch
from engine.database.database import Database
from engine.database.errors import DatabaseUnavailableError
from engine.database.open import open_database
from engine.detect.facts import Facts, VerdictCode
from engine.duty.alerts import list_alerts
from engine.duty.desk import Desk
from engine.duty.outbox import load_pages
from engine.duty.page import Subject
from engine.duty.tables import outbox
from engine.log.facts_codec import decode_facts, encode_facts
from engine.stages import DeadLetter, Retry
from engine.store.names import Names
from rules.rule import RuleSet
from sensors.reading import Flag, Kind
from sensors.registry import Binding, Medium, Outlet, Registry, series_no
from tests import store_cases
from tests.database_places import Places
from tests.duty_cases import REGISTRY, SETTINGS, window
from tests.store_cases import NOON, RULES, facts_of

OLD = Files(registry=REGISTRY, rules=RULES, duty=SETTINGS)
NEW_RULES = replace(RULES, version="r2", rules=RULES.rules[::-1])
NEW_REGISTRY = Registry(
    enterprises=REGISTRY.enterprises,
    outlets=(*REGISTRY.outlets, Outlet(id="stack-2", enterprise="mill", name="2号锅炉烟囱", medium=Medium.GAS)),
    bindings=(*REGISTRY.bindings, Binding(outlet="stack-2", factor="a21026")),
)
NEW = Files(registry=NEW_REGISTRY, rules=NEW_RULES, duty=SETTINGS)


@dataclass
class Kept:
    """A store that notes what it was told the facts refer to."""

    names: Names | None = None
    runs: list[tuple[int, str, int]] = field(default_factory=list)  # registry, rules, records
    answer: Retry | None = None

    def update(self, names: Names) -> None:
        self.names = names

    def write_all(self, run: Sequence[Facts]) -> Retry | None:
        assert self.names is not None
        self.runs.append((self.names.registry.version, self.names.rules.version, len(run)))
        return self.answer

    def refuse(self, letter: DeadLetter) -> Retry | None:
        return None


@dataclass
class Worker:
    """One that started with the old files."""

    db: Database
    changes: list[InForce] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.versions = Versions(self.db, partitions=1)
        self.watch = Watch(self.versions, self.versions.agree("w1", OLD), on_change=self.changes.append)
        self.kept = Kept()
        self.store = KnowingStore(self.kept, self.watch)

    def others_bring(self, files: Files) -> None:
        self.versions.agree("w2", files)


@pytest.fixture
def worker(places: Places) -> Iterator[Worker]:
    db = open_database(places())
    yield Worker(db)
    db.close()


def reading(binding: int, **changes: str) -> Facts:
    return replace(facts_of([(series_no(binding, Kind.MINUTE), NOON, 1.0, Flag.NORMAL, NOON)]), **changes)  # type: ignore[arg-type]


def verdict(rules: RuleSet, binding: int = 0) -> Facts:
    judged = store_cases.verdict(start_ms=NOON, at_ms=NOON, value=1.0, code=VerdictCode.NORMAL, binding=binding)
    return replace(facts_of(verdicts=judged, log_ms=NOON), rules=rules.version)


def test_what_is_known_is_kept_without_asking(worker: Worker) -> None:
    assert worker.store.write_all([reading(0), verdict(RULES)]) is None
    assert worker.kept.runs == [(1, "r1", 2)]
    assert worker.changes == []


def test_a_series_of_a_newer_register_is_kept_under_its_name(worker: Worker) -> None:
    worker.others_bring(NEW)
    assert worker.store.write_all([reading(1)]) is None
    assert [registry for registry, _, _ in worker.kept.runs] == [2]
    assert [change.registry.version for change in worker.changes] == [2]


def test_a_series_that_nobody_knows_waits_and_is_not_lost(worker: Worker) -> None:
    retry = worker.store.write_all([reading(1)])
    assert retry is not None
    assert retry.reason == "a record speaks of binding 1, registry 1 has 1; expected a newer one in the database"
    assert worker.kept.runs == []
    worker.others_bring(NEW)
    assert worker.store.write_all([reading(1)]) is None


def test_verdicts_are_kept_under_the_rules_they_were_judged_by_before_and_after_a_change(worker: Worker) -> None:
    worker.others_bring(NEW)
    run = [verdict(RULES), reading(0), verdict(NEW_RULES), reading(1), verdict(RULES)]
    assert worker.store.write_all(run) is None
    assert worker.kept.runs == [(1, "r1", 2), (2, "r2", 2), (2, "r1", 1)]


def test_facts_carry_the_version_of_their_rules_through_the_log() -> None:
    assert decode_facts(encode_facts(verdict(NEW_RULES))).rules == "r2"


def test_a_store_that_cannot_take_a_run_is_offered_it_again(worker: Worker) -> None:
    worker.kept.answer = Retry(reason="disk full")
    assert worker.store.write_all([reading(0), verdict(RULES)]) == Retry(reason="disk full")


def test_where_the_database_is_away_what_is_unknown_waits(worker: Worker, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(_: InForce) -> InForce:
        raise DatabaseUnavailableError("db: gone; expected a database that can be read")

    monkeypatch.setattr(worker.versions, "newer", away)
    desk = KnowingDesk(Desk(worker.db, SETTINGS, REGISTRY), worker.watch)
    other = replace(window(0), outlet="stack-2")
    for retry in (worker.store.write_all([reading(1)]), desk.take([other])):
        assert retry is not None
        assert retry.reason == "db: gone; expected a database that can be read"
    assert worker.store.write_all([reading(0)]) is None


def test_a_page_names_an_outlet_that_was_registered_while_the_worker_ran(worker: Worker) -> None:
    desk = KnowingDesk(Desk(worker.db, SETTINGS, REGISTRY), worker.watch)
    worker.others_bring(NEW)
    assert desk.take([replace(window(0), outlet="stack-2")]) is None
    assert [row.enterprise for row in list_alerts(worker.db)] == ["mill"]
    with worker.db.read() as connection:
        assert Subject.decode(connection.execute(outbox.select()).one().body).outlet == "2号锅炉烟囱"


def test_whom_a_page_goes_to_is_decided_by_the_roster_in_force(worker: Worker) -> None:
    desk = KnowingDesk(Desk(worker.db, SETTINGS, REGISTRY), worker.watch)
    nobody = replace(SETTINGS.roster, shifts=())
    worker.others_bring(replace(OLD, duty=replace(SETTINGS, roster=nobody)))
    worker.watch.catch_up()
    desk.take([window(0)])
    assert sorted(page.person for page in load_pages(worker.db)) == ["li", "wang"]  # the roster has a gap: everybody


def test_a_worker_that_has_nothing_to_do_learns_too(worker: Worker) -> None:
    async def live() -> None:
        watch = Watch(worker.versions, worker.watch.current, poll_s=0.001)
        await watch.start()
        await asyncio.to_thread(worker.others_bring, NEW)
        async with asyncio.timeout(10):
            while watch.current.registry.version == 1:
                await asyncio.sleep(0.005)
        await watch.stop()

    asyncio.run(live())
