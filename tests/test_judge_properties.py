"""The streaming judge on random histories: it agrees with the oracle, and how a history is cut makes no difference."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rules.reference import Entry, Mark, judge
from tests.driving import Drive, Said, differences
from tests.histories import Case, cases

slow = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])


@settings(slow, max_examples=150)
@given(cases())
def test_agrees_with_the_oracle(case: Case) -> None:
    said = Drive(columns=True, batch=500).through(case.history)
    assert differences(said, judge(case.history)) == []


@settings(slow, max_examples=30)
@given(cases())
def test_agrees_with_the_oracle_on_frames(case: Case) -> None:
    assert differences(Drive(batch=7).through(case.history), judge(case.history)) == []


CUTS = {
    "entries one by one": Drive(columns=True, batch=1),
    "seven entries at once": Drive(columns=True, batch=7),
    "frames in records of one entry": Drive(),
    "frames in records of five hundred": Drive(batch=500),
    "restored from its snapshot after every record": Drive(columns=True, batch=3, restore_every=1),
}


@pytest.mark.parametrize("drive", CUTS.values(), ids=CUTS.keys())
@settings(slow, max_examples=20)
@given(case=cases())
def test_the_cut_makes_no_difference(drive: Drive, case: Case) -> None:
    whole, cut = Drive(columns=True, batch=500).through(case.history), drive.through(case.history)
    assert cut.events == whole.events
    assert cut.verdicts == whole.verdicts
    assert cut.outcomes == whole.outcomes


@settings(slow, max_examples=20)
@given(cases(), st.integers(1, 50))
def test_a_restart_makes_no_difference(case: Case, every: int) -> None:
    whole = Drive(columns=True).through(case.history)
    assert Drive(columns=True, restore_every=every).through(case.history).events == whole.events


@pytest.mark.parametrize("partitions", [3, 8])
@settings(slow, max_examples=20)
@given(case=cases())
def test_partitions_make_no_difference(partitions: int, case: Case) -> None:
    parts = Said()
    for partition in range(partitions):
        drive = Drive(columns=True, batch=500, partition=partition, partitions=partitions)
        parts.events += drive.through(case.history).events
    assert parts.hash == Drive(columns=True, batch=500).through(case.history).hash


@settings(slow, max_examples=20)
@given(cases(), st.data())
def test_a_resend_makes_no_difference(case: Case, data: st.DataObject) -> None:
    """The same payload again, at the same log time: of every reading that stands where it was, nothing changes."""
    twice = [_again(entry) if entry.payloads and data.draw(st.booleans()) else entry for entry in case.history]
    once, more = (Drive(columns=True, batch=500).through(h) for h in (case.history, twice))
    assert more.events == once.events


def _again(entry: Entry) -> Entry:
    assert not isinstance(entry.said, Mark)
    return Entry(log_ms=entry.log_ms, said=entry.payloads * 2)
