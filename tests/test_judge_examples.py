"""The streaming judge on the examples that the oracle obeys: as frames, as columns, and restored from snapshots."""

import pytest

from tests.diary import Example, told
from tests.driving import Drive
from tests.law_examples import EXAMPLES
from tests.test_oracle_outcomes import ARRIVALS, Arrival

DRIVES = {
    "frames": Drive(),
    "columns": Drive(columns=True, batch=500),
    "restored after every fifth record": Drive(columns=True, restore_every=5),
}


@pytest.mark.parametrize("drive", DRIVES.values(), ids=DRIVES.keys())
@pytest.mark.parametrize("example", EXAMPLES, ids=lambda e: e.sentence)
def test_events(example: Example, drive: Drive) -> None:
    said = drive.through(example.diary.history())
    assert sorted(told(said.events, example.diary.world)) == sorted(example.expected)


@pytest.mark.parametrize("arrival", ARRIVALS, ids=lambda a: a.sentence)
def test_outcomes(arrival: Arrival) -> None:
    assert tuple(Drive().through(arrival.diary.history()).outcomes) == arrival.outcomes
