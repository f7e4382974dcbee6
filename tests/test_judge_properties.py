"""The streaming judge on random histories: it agrees with the oracle, and how a history is cut makes no difference.

The cases are the same in every run. `python -m tests.oracle_hunt` looks at others.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, Phase, Verbosity, given, settings
from hypothesis import strategies as st

from rules.reference import Entry, Mark, judge
from tests.comparing import between, differences, smaller
from tests.driving import Drive, Said
from tests.histories import Case, cases

settings.register_profile(
    "histories",
    deadline=None,
    derandomize=True,
    phases=[Phase.generate],  # tests.comparing.smaller makes the case small
    verbosity=Verbosity.quiet,
    suppress_health_check=list(HealthCheck),
)
histories = settings.get_profile("histories")

WHOLE = Drive(columns=True, batch=500)


def agree(case: Case, compare: Callable[[Sequence[Entry]], list[str]]) -> None:
    """Fail with the smallest history that shows a difference."""
    if compare(case.history):
        small = smaller(case.history, lambda history: bool(compare(history)))
        pytest.fail("\n".join([repr(replace(case, history=small)), *compare(small)]), pytrace=False)


@settings(histories, max_examples=80)
@given(cases())
def test_agrees_with_the_oracle(case: Case) -> None:
    agree(case, lambda history: differences(WHOLE.through(history), judge(history)))


@settings(histories, max_examples=15)
@given(cases())
def test_agrees_with_the_oracle_on_frames(case: Case) -> None:
    agree(case, lambda history: differences(Drive(batch=7).through(history), judge(history)))


CUTS = {
    "entries one by one": Drive(columns=True, batch=1),
    "seven entries at once": Drive(columns=True, batch=7),
    "frames in records of one entry": Drive(),
    "frames in records of five hundred": Drive(batch=500),
    "restored from its snapshot after every second record": Drive(columns=True, batch=7, restore_every=2),
}


@pytest.mark.parametrize("drive", CUTS.values(), ids=CUTS.keys())
@settings(histories, max_examples=6)
@given(case=cases())
def test_the_cut_makes_no_difference(drive: Drive, case: Case) -> None:
    agree(case, lambda history: between(WHOLE.through(history), drive.through(history)))


@settings(histories, max_examples=6)
@given(cases(), st.integers(1, 50))
def test_a_restart_makes_no_difference(case: Case, every: int) -> None:
    drive = Drive(columns=True, restore_every=every)
    agree(case, lambda history: between(WHOLE.through(history), drive.through(history)))


@pytest.mark.parametrize("partitions", [3, 8])
@settings(histories, max_examples=6)
@given(case=cases())
def test_partitions_make_no_difference(partitions: int, case: Case) -> None:
    parts, history = Said(), _told_the_time(case.history)
    for partition in range(partitions):
        drive = Drive(columns=True, batch=500, partition=partition, partitions=partitions)
        parts.events += drive.through(history).events
    assert parts.hash == WHOLE.through(history).hash


def _told_the_time(history: Sequence[Entry]) -> list[Entry]:
    """With a tick before the end: a partition in which nobody speaks knows the time from ticks alone."""
    *most, last = history
    return [*most, Entry(log_ms=last.log_ms, said=Mark.TICK), Entry(log_ms=last.log_ms + 1, said=last.said)]


@settings(histories, max_examples=6)
@given(cases(), st.integers(0, 2**32))
def test_a_payload_sent_twice_at_once_makes_no_difference(case: Case, choice: int) -> None:
    twice = [_again(entry) if entry.payloads and choice >> n % 32 & 1 else entry for n, entry in enumerate(case.history)]
    assert WHOLE.through(twice).hash == WHOLE.through(case.history).hash


def _again(entry: Entry) -> Entry:
    assert not isinstance(entry.said, Mark)
    return Entry(log_ms=entry.log_ms, said=entry.payloads * 2)
