"""Workers agree on versions: what files bring that is new, what is no news, and what the log must hear of."""

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.cluster.agreeing import Files
from engine.cluster.announcing import announce_due
from engine.cluster.contents import Kind, NoVersionError
from engine.cluster.controls import Controls
from engine.cluster.versions import InForce, Versions
from engine.database.database import Database
from engine.database.open import open_database
from engine.duty.roster import Override
from engine.log.record import Control, ControlKind
from rules.reference import Entry
from rules.rule import Judging, RuleSet
from rules.ruleset_json import make_ruleset, ruleset_to_json
from sensors.registry import Binding, Monitor, Registry
from sensors.registry_json import registry_to_json
from sensors.registry_versions import MovedError
from tests.database_places import Places
from tests.driving import Drive
from tests.duty_cases import REGISTRY, SETTINGS
from tests.histories import Case, cases

PARTITIONS = 3
RULES = make_ruleset(judging=Judging(), rules=(), limits=())
OTHER_RULES = make_ruleset(judging=Judging(o2_max=18.0), rules=(), limits=())
FILES = Files(registry=REGISTRY, rules=RULES, duty=SETTINGS)
MORE = replace(FILES, registry=replace(REGISTRY, bindings=(*REGISTRY.bindings, Binding(outlet="stack-1", factor="a34013"))))
OTHERS = replace(FILES, registry=replace(REGISTRY, bindings=(Binding(outlet="stack-1", factor="a01011"),)))


@pytest.fixture
def db(places: Places) -> Iterator[Database]:
    found = open_database(places())
    yield found
    found.close()


def agreed(db: Database, worker: str, files: Files = FILES) -> InForce:
    return Versions(db, partitions=PARTITIONS).agree(worker, files)


def due(db: Database) -> list[tuple[int, Kind, str]]:
    return [(one.partition, one.kind, one.version) for one in Controls(db).due()]


def say_all(db: Database, offset: int = 0) -> None:
    """What is due gets into the log."""
    controls = Controls(db)
    for one in controls.due():
        controls.appended(one, offset)


def test_the_first_worker_makes_the_first_versions_and_every_partition_must_hear_of_them(db: Database) -> None:
    found = agreed(db, "w1")
    assert (found.registry, found.rules, found.duty) == (REGISTRY, RULES, SETTINGS)
    assert due(db) == [
        *((p, Kind.REGISTRY, "1") for p in range(PARTITIONS)),
        *((p, Kind.RULES, RULES.version) for p in range(PARTITIONS)),
    ]


def test_a_second_worker_with_the_same_files_changes_nothing(db: Database) -> None:
    first = agreed(db, "w1")
    say_all(db)
    assert agreed(db, "w2") == agreed(db, "w1") == first
    assert due(db) == []


def test_files_that_changed_make_the_next_version_once(db: Database) -> None:
    agreed(db, "w1")
    say_all(db)
    found = agreed(db, "w1", MORE)
    assert (found.registry.version, [b.factor for b in found.registry.bindings]) == (2, ["a21026", "a34013"])
    assert agreed(db, "w2", MORE).registry == found.registry
    assert due(db) == [(p, Kind.REGISTRY, "2") for p in range(PARTITIONS)]


def test_a_worker_with_the_files_of_before_changes_nothing_and_works_by_what_is_in_force(
    db: Database, caplog: pytest.LogCaptureFixture
) -> None:
    for worker in ("w1", "w2"):
        agreed(db, worker)
    newest = agreed(db, "w1", replace(MORE, rules=OTHER_RULES))
    assert agreed(db, "w2") == newest
    assert agreed(db, "w3") == newest  # a new one, whose files somebody has had before
    assert "registry: the files of this host are not those of version 2, which stays in force" in caplog.text
    assert f"rules: the files of this host are not those of version {OTHER_RULES.version}" in caplog.text


def test_files_that_were_changed_back_are_news(db: Database) -> None:
    for files in (FILES, replace(FILES, rules=OTHER_RULES), FILES):
        found = agreed(db, "w1", files)
    assert found.rules == RULES
    assert [one for one in due(db) if one[1] is Kind.RULES] == [(p, Kind.RULES, RULES.version) for p in range(PARTITIONS)]


def test_a_factor_that_is_gone_from_the_files_keeps_its_number(db: Database) -> None:
    agreed(db, "w1")
    assert [b.factor for b in agreed(db, "w1", OTHERS).registry.bindings] == ["a21026", "a01011"]


def test_workers_that_start_together_with_new_files_agree_on_one_version(places: Places) -> None:
    databases = [open_database(places()) for _ in range(4)]
    agreed(databases[0], "w0")
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda n: agreed(databases[n], f"w{n}", MORE), range(4)))
    assert {one.registry.version for one in found} == {2}
    assert all(one == found[0] for one in found)
    assert [one for one in due(databases[0]) if one[1] is Kind.REGISTRY] == [(p, Kind.REGISTRY, "2") for p in range(3)]
    for one in databases:
        one.close()


def test_where_the_database_was_lost_the_register_goes_on_from_the_logs(db: Database) -> None:
    of_log = replace(REGISTRY, version=7, bindings=(Binding(outlet="stack-1", factor="a01011"), *REGISTRY.bindings))
    found = Versions(db, partitions=PARTITIONS).agree("w1", FILES, of_log=lambda: of_log)
    assert (found.registry.version, [b.factor for b in found.registry.bindings]) == (7, ["a01011", "a21026"])


def test_files_that_move_an_outlet_are_refused_and_nothing_changes(db: Database) -> None:
    first = agreed(db, "w1")
    moved = replace(REGISTRY, outlets=(replace(REGISTRY.outlets[0], enterprise="other"),))
    with pytest.raises(MovedError):
        agreed(db, "w1", replace(FILES, registry=moved, rules=OTHER_RULES))
    assert agreed(db, "w1") == first


def test_all_workers_page_by_one_roster_and_each_keeps_its_channels(db: Database) -> None:
    override = Override(shift="squad", start=datetime(2026, 3, 2, 8), end=datetime(2026, 3, 3, 8), remove="li", add="wang")
    roster = replace(SETTINGS.roster, overrides=(override,))
    first = agreed(db, "w1", replace(FILES, duty=replace(SETTINGS, roster=roster)))
    second = agreed(db, "w2", replace(FILES, duty=replace(SETTINGS, roster=roster, channels=())))
    assert first.duty == replace(SETTINGS, roster=roster)
    assert second.duty == replace(SETTINGS, roster=roster, channels=())
    assert {one[1] for one in due(db)} == {Kind.REGISTRY, Kind.RULES}  # rosters are no part of what is judged


def test_a_worker_learns_of_what_changed_while_it_ran(db: Database) -> None:
    versions = Versions(db, partitions=PARTITIONS)
    known = agreed(db, "w1")
    assert versions.newer(known) is None
    agreed(db, "w2", MORE)
    newer = versions.newer(known)
    assert newer is not None
    assert newer.registry.version == 2
    assert newer.rules is known.rules  # what has not changed is not read again
    assert versions.newer(newer) is None


def test_a_rule_set_of_before_can_be_had(db: Database) -> None:
    agreed(db, "w1")
    agreed(db, "w1", replace(FILES, rules=OTHER_RULES))
    versions = Versions(db, partitions=PARTITIONS)
    assert versions.rules_of(RULES.version) == RULES
    with pytest.raises(NoVersionError, match="rules nosuch: the database holds no such version"):
        versions.rules_of("nosuch")


class Log:
    """What partitions of FRAMES got."""

    def __init__(self) -> None:
        self.said: list[tuple[int, Control]] = []
        self.fails_at = -1

    async def append(self, partition: int, control: Control) -> int:
        if len(self.said) == self.fails_at:
            self.said.append((partition, control))
            raise ConnectionError("the leader died after the append")
        self.said.append((partition, control))
        return len(self.said) - 1


def announce(db: Database, log: Log, *, leads: bool = True) -> int:
    return asyncio.run(announce_due(Controls(db), log.append, leads=lambda: leads))


def test_the_leader_says_each_due_record_once_in_order(db: Database) -> None:
    agreed(db, "w1")
    log = Log()
    assert announce(db, log) == 2 * PARTITIONS
    assert announce(db, log) == 0
    assert [(p, c.kind) for p, c in log.said] == [
        *((p, ControlKind.REGISTRY) for p in range(PARTITIONS)),
        *((p, ControlKind.RULES) for p in range(PARTITIONS)),
    ]
    assert log.said[0][1].content == registry_to_json(REGISTRY)
    assert log.said[-1][1].content == ruleset_to_json(RULES)


def test_who_does_not_lead_says_nothing(db: Database) -> None:
    agreed(db, "w1")
    log = Log()
    assert announce(db, log, leads=False) == 0
    assert log.said == []


def test_a_leader_that_dies_in_between_leaves_the_rest_and_at_most_one_record_twice(db: Database) -> None:
    agreed(db, "w1")
    log = Log()
    log.fails_at = 4
    with pytest.raises(ConnectionError):
        announce(db, log)
    announce(db, log)
    kinds = [(p, c.kind) for p, c in log.said]
    assert sorted(set(kinds)) == sorted((p, k) for p in range(3) for k in (ControlKind.REGISTRY, ControlKind.RULES))
    assert len(kinds) == 7
    assert kinds[4] == kinds[5]


def test_a_version_that_was_never_said_need_not_be(db: Database) -> None:
    agreed(db, "w1")
    agreed(db, "w1", MORE)
    assert [one for one in due(db) if one[1] is Kind.REGISTRY] == [(p, Kind.REGISTRY, "2") for p in range(PARTITIONS)]


def test_an_old_version_that_a_slow_leader_says_late_is_followed_by_the_one_in_force(db: Database) -> None:
    agreed(db, "w1")
    controls = Controls(db)
    slow = controls.due()[0]
    agreed(db, "w1", MORE)
    say_all(db, offset=10)
    controls.appended(slow, 11)
    assert due(db) == [(slow.partition, Kind.REGISTRY, "2")]
    say_all(db, offset=12)
    assert due(db) == []


def test_a_partition_whose_log_begins_anew_hears_of_everything_again(db: Database) -> None:
    agreed(db, "w1")
    say_all(db)
    Controls(db).restate(1)
    assert due(db) == [(1, Kind.REGISTRY, "1"), (1, Kind.RULES, RULES.version)]


@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(case=cases(), places=st.lists(st.integers(2, 400), min_size=1, max_size=3))
def test_a_version_that_is_said_again_changes_nothing_of_what_is_judged(case: Case, places: list[int]) -> None:
    """So it does no harm that a leader that dies leaves the next one in doubt."""
    again: list[Entry] = []
    in_force: dict[type, Registry | RuleSet] = {}
    for n, entry in enumerate(case.history):
        if n in places:
            again += [Entry(log_ms=entry.log_ms, said=one) for one in in_force.values()]
        again.append(entry)
        if isinstance(entry.said, Registry | RuleSet):
            in_force[type(entry.said)] = entry.said
    once, twice = (Drive(columns=True, batch=500).through(history) for history in (case.history, again))
    assert twice.hash == once.hash
    assert (twice.outcomes, twice.verdicts) == (once.outcomes, once.verdicts)


def test_an_empty_register_is_a_version_too(db: Database) -> None:
    assert agreed(db, "w1", replace(FILES, registry=Registry())).registry == Registry()


def test_a_new_monitor_is_valid_though_the_logs_clock_is_behind_the_databases(db: Database) -> None:
    agreed(db, "w1")
    with_monitor = replace(REGISTRY, monitors=(Monitor(mn="A" * 24, outlet="stack-1"),))
    found = agreed(db, "w1", replace(FILES, registry=with_monitor)).registry
    with db.read() as connection:
        log_ms = db.clock(connection) - 30_000
    assert found.monitors_at(log_ms) == {"A" * 24: 0}
