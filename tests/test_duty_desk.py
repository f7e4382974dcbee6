"""The desk: which alerts become pages, to whom, and that nothing comes twice."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine import metrics
from engine.database.errors import DatabaseUnavailableError
from engine.database.open import open_database
from engine.duty.alerts import (
    AlertFilter,
    find_alerts,
    list_alerts,
    load_actions,
    load_events,
    load_rules,
)
from engine.duty.decision import Decision
from engine.duty.desk import Desk, UnknownAlertError
from engine.duty.measures import duty_samples
from engine.duty.outbox import load_pages, page_counts
from engine.duty.roster import Roster
from engine.duty.settings import Policy
from engine.store.sqlite import StoreError
from rules.alert import AlertEvent, Step
from rules.alert_state import State
from rules.rule import AlertClass
from tests.database_places import NewPlaces, Places
from tests.driving import Drive
from tests.duty_cases import HOUR, NOON, SETTINGS, desk_in, silence, step, window
from tests.histories import Case, cases
from tests.store_cases import RULES

D = Decision
OPENED, REVISED, RETURNED, WITHDRAWN = Step
A, B, C = window(0), window(1), window(2)
A_OVER, B_OVER = step(A, RETURNED, hours_later=2), step(B, RETURNED)

STORIES: list[tuple[str, list[AlertEvent], list[Decision]]] = [
    ("one alert is paged", [A], [D.PAGE]),
    ("the next hour of the same is not paged again", [A, B, C], [D.PAGE, D.EPISODE_GOES_ON, D.EPISODE_GOES_ON]),
    ("a worse hour is paged again", [A, window(1, severity=4), window(2, severity=3)],
     [D.PAGE, D.SEVERITY_ROSE, D.EPISODE_GOES_ON]),
    ("the end is paged once, when no hour of it stands", [A, B, A_OVER, B_OVER],
     [D.PAGE, D.EPISODE_GOES_ON, D.EPISODE_GOES_ON, D.PAGE_RETURNED]),
    ("after the end the next alert is a new episode", [A, A_OVER, window(3)], [D.PAGE, D.PAGE_RETURNED, D.PAGE]),
    ("an hour that follows one that is over is paged: people think that it is over", [A, step(A, RETURNED), B],
     [D.PAGE, D.PAGE_RETURNED, D.PAGE]),
    ("a gap without data does not end an episode", [A, window(5)], [D.PAGE, D.EPISODE_GOES_ON]),
    ("what is known late is not paged, nor is its end", [window(0, late=True), step(window(0, late=True), RETURNED)],
     [D.LATE_BACKFILL, D.NOBODY_WAS_TOLD]),
    ("an hour after one that was known late is paged", [window(0, late=True), B], [D.LATE_BACKFILL, D.PAGE]),
    ("new numbers, not worse", [A, step(A, REVISED, value=66.0)], [D.PAGE, D.NUMBERS_CHANGED]),
    ("new numbers, worse", [A, step(A, REVISED, value=150.0, severity=4)], [D.PAGE, D.SEVERITY_ROSE]),
    ("new and worse numbers of what is over", [A, A_OVER, step(A_OVER, REVISED, severity=5)],
     [D.PAGE, D.PAGE_RETURNED, D.NUMBERS_CHANGED]),
    ("it never was", [A, step(A, WITHDRAWN)], [D.PAGE, D.PAGE_WITHDRAWN]),
    ("it never was, and after all it was", [A, step(A, WITHDRAWN), step(step(A, WITHDRAWN), REVISED)],
     [D.PAGE, D.PAGE_WITHDRAWN, D.PAGE]),
    ("the paged hour never was, the next one stands", [A, B, step(A, WITHDRAWN), B_OVER],
     [D.PAGE, D.EPISODE_GOES_ON, D.EPISODE_GOES_ON, D.PAGE_RETURNED]),
    ("a silent monitor, twice", [silence(0), step(silence(0), RETURNED, end_ms=NOON + HOUR), silence(9)],
     [D.PAGE, D.PAGE_RETURNED, D.PAGE]),
]  # fmt: skip


def decisions(desk: Desk, events: list[AlertEvent]) -> list[Decision]:
    """What was decided about each event."""
    by_id = {(d.event.alert_id, d.event.seq): d.decision for e in events for d in load_events(desk.db, e.alert_id)}
    return [by_id[event.alert_id, event.seq] for event in events]


@pytest.mark.parametrize(("events", "expected"), [s[1:] for s in STORIES], ids=[s[0] for s in STORIES])
@pytest.mark.parametrize("together", [False, True], ids=["a record each", "one record"])
def test_decisions(places: Places, events: list[AlertEvent], expected: list[Decision], together: bool) -> None:
    desk = desk_in(places())
    for part in [events] if together else [[event] for event in events]:
        assert desk.take(part) is None
    assert decisions(desk, events) == expected


@pytest.mark.parametrize("events", [s[1] for s in STORIES], ids=[s[0] for s in STORIES])
def test_events_that_come_again_change_nothing(places: Places, events: list[AlertEvent]) -> None:
    once, again = desk_in(places("once")), desk_in(places("again"))
    once.take(events)
    for n in range(len(events)):
        again.take(events[: n + 1])
    again.take(events)
    assert load_pages(again.db) == load_pages(once.db)
    assert list_alerts(again.db) == list_alerts(once.db)


def test_whoever_is_on_duty_at_the_events_log_time_is_paged(places: Places) -> None:
    desk = desk_in(places())
    desk.take([window(0), window(24)])
    assert [(p.person, p.channel, p.decided_ms) for p in load_pages(desk.db)] == [("li", "bot", window(0).at_ms)]
    desk.take([silence(24)])
    assert [p.person for p in load_pages(desk.db)] == ["li", "wang"]


def test_where_nobody_is_on_duty_everybody_is_paged_and_told_so(places: Places) -> None:
    early = replace(window(0), at_ms=NOON - 10 * HOUR)
    desk = desk_in(places())
    desk.take([early, step(early, RETURNED)])
    assert decisions(desk, [early]) == [Decision.NOBODY_ON_DUTY]
    assert sorted((p.step, p.person) for p in load_pages(desk.db)) == [
        (OPENED, "li"), (OPENED, "wang"), (RETURNED, "li"), (RETURNED, "wang"),
    ]  # fmt: skip


def test_an_empty_roster_pages_nobody_and_says_so(places: Places) -> None:
    desk = desk_in(places(), replace(SETTINGS, roster=Roster(people=())))
    desk.take([A])
    assert decisions(desk, [A]) == [Decision.NOBODY_TO_PAGE]
    assert list_alerts(desk.db)[0].decision is Decision.NOBODY_TO_PAGE


POLICIES = [
    ("a class that is not paged", Policy(classes=(AlertClass.INTEGRITY,)), Decision.CLASS_NOT_PAGED),
    ("a severity below the least that is paged", Policy(severity_min=3), Decision.SEVERITY_TOO_LOW),
]


@pytest.mark.parametrize(("policy", "expected"), [p[1:] for p in POLICIES], ids=[p[0] for p in POLICIES])
def test_the_policy_keeps_alerts_from_being_paged(places: Places, policy: Policy, expected: Decision) -> None:
    desk = desk_in(places(), replace(SETTINGS, policy=policy))
    desk.take([A])
    assert (decisions(desk, [A]), load_pages(desk.db)) == ([expected], [])


def test_the_policy_keeps_ends_from_being_paged(places: Places) -> None:
    desk = desk_in(places(), replace(SETTINGS, policy=Policy(page_returned=False)))
    desk.take([A, A_OVER, window(3)])
    assert decisions(desk, [A_OVER, window(3)]) == [Decision.END_NOT_PAGED, Decision.PAGE]


def test_a_wider_gap_joins_alerts_that_are_near(places: Places) -> None:
    desk = desk_in(places(), replace(SETTINGS, policy=Policy(episode_gap_s=7200)))
    near, far = window(3), window(9)
    desk.take([window(0, late=True), step(window(0, late=True), RETURNED), near, step(near, RETURNED), far])
    rows = {row.start_ms: row.episode for row in list_alerts(desk.db)}
    assert rows[near.start_ms] == A.alert_id
    assert rows[far.start_ms] == far.alert_id


def test_page_ids_are_made_from_what_they_mean(places: Places) -> None:
    for name in ("one", "two"):
        desk_in(places(name)).take([A, step(A, WITHDRAWN), step(step(A, WITHDRAWN), REVISED)])
    pages = [load_pages(open_database(places(name))) for name in ("one", "two")]
    assert pages[0] == pages[1]
    assert len({page.page_id for page in pages[0]}) == 3


def test_an_event_that_comes_again_with_other_numbers_is_counted_and_changes_nothing(places: Places) -> None:
    desk = desk_in(places())
    desk.take([A])
    desk.take([replace(A, value=999.0)])
    assert desk.contradictions == 1
    assert list_alerts(desk.db)[0].value == A.value


def test_alerts_can_be_asked_for(places: Places) -> None:
    desk = desk_in(places())
    desk.take([A, B, silence(0), A_OVER])
    wishes: list[tuple[AlertFilter, int]] = [
        (AlertFilter(), 3),
        (AlertFilter(standing=True), 2),
        (AlertFilter(standing=False), 1),
        (AlertFilter(alert_class=AlertClass.INTEGRITY), 1),
        (AlertFilter(outlet="stack-1", severity_min=3), 1),
        (AlertFilter(enterprise="mill", rule="gas-hour"), 2),
        (AlertFilter(since_ms=B.at_ms), 1),
        (AlertFilter(until_ms=B.at_ms), 2),
        (AlertFilter(state=State.RETURNED_UNACKNOWLEDGED), 1),
        (AlertFilter(limit=1), 1),
        (AlertFilter(outlet="stack-2"), 0),
    ]
    assert [len(list_alerts(desk.db, wish)) for wish, _ in wishes] == [count for _, count in wishes]
    assert [row.alert_id for row in find_alerts(desk.db, A.alert_id[:6].lower())] == [A.alert_id]


def test_events_come_back_whole(places: Places) -> None:
    desk = desk_in(places())
    desk.take([A, A_OVER])
    assert [decided.event for decided in load_events(desk.db, A.alert_id)] == [A, A_OVER]


def test_an_acknowledgement_is_noted_once_and_a_new_opening_undoes_it(places: Places) -> None:
    desk = desk_in(places())
    desk.take([A])
    assert desk.acknowledge(A.alert_id, "li", NOON) is State.ACKNOWLEDGED
    assert desk.acknowledge(A.alert_id, "wang", NOON + 1) is State.ACKNOWLEDGED
    assert [(a.person, a.state_before) for a in load_actions(desk.db, A.alert_id)] == [("li", State.UNACKNOWLEDGED)]
    assert list_alerts(desk.db)[0].acknowledged_by == "li"
    gone = step(A, WITHDRAWN)
    desk.take([gone, step(gone, REVISED)])
    row = list_alerts(desk.db)[0]
    assert (row.state, row.acknowledged_by) == (State.UNACKNOWLEDGED, None)


def test_an_unknown_alert_cannot_be_acknowledged(places: Places) -> None:
    with pytest.raises(UnknownAlertError, match="NOSUCH: there is no such alert"):
        desk_in(places()).acknowledge("NOSUCH", "li", NOON)


def test_rule_sets_are_kept_by_version(places: Places) -> None:
    desk = desk_in(places())
    desk.update_rules(RULES)
    desk.update_rules(RULES)
    assert load_rules(desk.db, "r1") == RULES
    assert load_rules(desk.db, "r2") is None


def test_what_the_database_holds_is_counted_for_the_metrics(places: Places) -> None:
    desk = desk_in(places())
    desk.take([A, silence(0)])
    found = {(metric.name, *labels): value for metric, labels, value in duty_samples(desk.db, lambda: A.at_ms + 5000)}
    assert found[metrics.PAGES.name, "waiting"] == found[metrics.UNSENT.name,] == 2
    assert found[metrics.STANDING.name, "legal"] == found[metrics.STANDING.name, "integrity"] == 1
    assert found[metrics.UNSENT_AGE.name,] == 5


def test_a_thousand_alerts_of_one_record_are_taken_at_once(places: Places) -> None:
    many = [replace(window(0), alert_id=f"A{n:04}", outlet=f"stack-{n}") for n in range(1000)]
    desk = desk_in(places())
    assert desk.take(many) is None
    assert page_counts(desk.db) == {"waiting": 1000}


def test_a_database_that_is_busy_is_an_outcome_and_the_same_call_succeeds_later(tmp_path: Path) -> None:
    desk = desk_in(tmp_path)
    other = open_database(tmp_path)
    with desk.db.read() as connection:
        connection.exec_driver_sql("PRAGMA busy_timeout = 1")
    with other.write():
        failed = desk.take([A])
    assert failed is not None
    assert "core.db: database is locked; expected a database that can be written" in failed.reason
    assert desk.take([A]) is None
    assert len(list_alerts(desk.db)) == 1


def test_a_full_disk_is_an_outcome_and_nothing_of_the_record_stays(tmp_path: Path) -> None:
    desk = desk_in(tmp_path)
    with desk.db.read() as connection:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar()
        connection.exec_driver_sql(f"PRAGMA max_page_count = {pages}")
    many = [replace(window(0), alert_id=f"A{n:04}", outlet=f"stack-{n}") for n in range(500)]
    failed = desk.take(many)
    assert failed is not None
    assert "core.db: database or disk is full; expected a database that can be written" in failed.reason
    assert (list_alerts(desk.db), load_pages(desk.db)) == ([], [])
    with desk.db.read() as connection:
        connection.exec_driver_sql("PRAGMA max_page_count = 4294967294")
    assert desk.take(many) is None
    assert len(list_alerts(desk.db)) == 500


def test_a_reader_can_read_and_not_write(places: Places) -> None:
    desk_in(places()).take([A])
    reader = open_database(places(), readonly=True)
    assert len(list_alerts(reader)) == 1
    with pytest.raises(DatabaseUnavailableError, match=r"read-?only"), reader.write() as connection:
        connection.exec_driver_sql("DELETE FROM alert_event")


def _newer(folder: Path) -> None:
    with open_database(folder).write() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '0099'")


def _garbage(folder: Path) -> None:
    (folder / "core.db").write_bytes(b"not a database, but long enough to be taken for one" * 100)


REFUSED: list[tuple[str, Callable[[Path], None], bool, str]] = [
    ("of a newer version", _newer, False, "made by a newer version of Outfall: schema 0099, expected 0003 or older"),
    ("that is none", _garbage, False, "file is not a database; expected a database that can be"),
    ("that is not there, to read", lambda _: None, True, "no such file; expected the database of a data directory"),
]


@pytest.mark.parametrize(("spoil", "readonly", "message"), [r[1:] for r in REFUSED], ids=[r[0] for r in REFUSED])
def test_a_database_is_refused(tmp_path: Path, spoil: Callable[[Path], None], readonly: bool, message: str) -> None:
    spoil(tmp_path)
    with pytest.raises(StoreError, match=message):
        open_database(tmp_path, readonly=readonly)


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(case=cases(), cuts=st.lists(st.integers(1, 40), min_size=1, max_size=20))
def test_the_alerts_of_a_judge_are_paged_the_same_however_they_come(
    new_places: NewPlaces, case: Case, cuts: list[int]
) -> None:
    events = Drive(columns=True, batch=500).through(case.history).events[:400]
    with new_places() as places:
        whole, cut = desk_in(places("whole")), desk_in(places("cut"))
        whole.take(events)
        at = 0
        for size in cuts:
            cut.take(events[max(0, at - size // 2) : at + size])  # some of them come again
            at += size
        cut.take(events[at:])
        assert load_pages(cut.db) == load_pages(whole.db)
        assert list_alerts(cut.db) == list_alerts(whole.db)
        assert (whole.contradictions, cut.contradictions) == (0, 0)
        for desk in (whole, cut):
            desk.db.close()
