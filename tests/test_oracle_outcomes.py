"""What becomes of a reading, by examples (docs/judging.md, section 2)."""

from dataclasses import dataclass

import pytest

from rules.outcome import Outcome
from rules.reference import judge
from sensors.reading import Flag, Kind
from sensors.registry import Medium
from tests.diary import Diary, daily, hourly_so2

NEW, DUPLICATE, CORRECTED, SUPERSEDED = Outcome.NEW, Outcome.DUPLICATE, Outcome.CORRECTED, Outcome.SUPERSEDED
WORLD = hourly_so2(realtime_s=300)


@dataclass(frozen=True)
class Arrival:
    """Readings one after the other, and what becomes of each."""

    sentence: str
    diary: Diary
    outcomes: tuple[Outcome, ...]


def first(at: str = "10:00", value: float = 50, flag: Flag = Flag.NORMAL) -> Diary:
    """One reading, sent at 10:10."""
    return Diary(WORLD).send(at, [value], flag=flag, at="10:10")


ARRIVALS = [
    Arrival("the same again is a duplicate", first().send("10:00", [50], at="10:11"), (NEW, DUPLICATE)),
    Arrival("another value at the same time corrects", first().send("10:00", [51], at="10:11"), (NEW, CORRECTED)),
    Arrival("a lower value at the same time corrects, too", first().send("10:00", [49], at="10:11"), (NEW, CORRECTED)),
    Arrival("a later time of the slot corrects", first().send("10:01", [50], at="10:11"), (NEW, CORRECTED)),
    Arrival("an earlier time of the slot does not", first("10:01").send("10:00", [60], at="10:11"), (NEW, SUPERSEDED)),
    Arrival("the next slot is another slot", first().send("10:05", [50], at="10:11"), (NEW, NEW)),
    Arrival(
        "a flag that is not normal does not correct a normal one",
        first().send("10:04", [60], flag=Flag.FAULT, at="10:11"),
        (NEW, SUPERSEDED),
    ),
    Arrival(
        "a normal flag corrects any other, even from an earlier time",
        first("10:04", flag=Flag.MAINTENANCE).send("10:00", [60], at="10:11"),
        (NEW, CORRECTED),
    ),
    Arrival(
        "of two flags that are not normal the later in the log stays",
        first(flag=Flag.MAINTENANCE).send("10:00", [50], flag=Flag.FAULT, at="10:11"),
        (NEW, CORRECTED),
    ),
    Arrival(
        "what was corrected does not come back as it was: it corrects again",
        first().send("10:00", [51], at="10:11").send("10:00", [50], at="10:12"),
        (NEW, CORRECTED, CORRECTED),
    ),
    Arrival("5 minutes ahead of the log are allowed", Diary(WORLD).send("10:15", [1], at="10:10"), (NEW,)),
    Arrival("a millisecond more is future", Diary(WORLD).send("10:15:00.001", [1], at="10:10"), (Outcome.FUTURE,)),
    Arrival("48 hours behind the log are allowed", Diary(WORLD).send("10:10", [1], at="3 10:10"), (NEW,)),
    Arrival("a millisecond more is too late", Diary(WORLD).send("10:09:59.999", [1], at="3 10:10"), (Outcome.TOO_LATE,)),
    Arrival(
        "a kind that no judgement uses is not judged",
        Diary(WORLD).send("10:00", [1], kind=Kind.DAY, at="10:10"),
        (Outcome.UNJUDGED,),
    ),
    Arrival(
        "a wrong clock is told even where the series is not judged",
        Diary(WORLD).send("12:00", [1], kind=Kind.DAY, at="10:10"),
        (Outcome.FUTURE,),
    ),
    Arrival(
        "one day has one slot, from local midnight to local midnight",
        Diary(daily(Medium.WATER))
        .send("00:00", [1], kind=Kind.DAY, at="23:00")
        .send("23:00", [2], kind=Kind.DAY, at="23:30")
        .send("2 00:00", [2], kind=Kind.DAY, at="2 00:30"),
        (NEW, CORRECTED, NEW),
    ),
]


@pytest.mark.parametrize("arrival", ARRIVALS, ids=lambda a: a.sentence)
def test_outcomes(arrival: Arrival) -> None:
    assert judge(arrival.diary.history()).outcomes == arrival.outcomes
