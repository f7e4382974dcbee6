"""Who is on duty when, and where nobody is."""

from dataclasses import replace
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from engine.duty.roster import Override, Person, Roster, Shift, gaps, on_duty, turns

PEOPLE = tuple(Person(id=id, name=id) for id in ("li", "wang", "zhao", "chief"))
SQUAD = Shift(id="squad", squads=(("li",), ("wang",), ("zhao",)), anchor=datetime(2026, 3, 1, 8))
ROSTER = Roster(people=PEOPLE, shifts=(SQUAD,))


def ms(wall: str, zone: str = "Asia/Shanghai") -> int:
    return round(datetime.fromisoformat(wall).replace(tzinfo=ZoneInfo(zone)).timestamp() * 1000)


def ids(roster: Roster, wall: str, zone: str = "Asia/Shanghai") -> list[str]:
    return [person.id for person in on_duty(roster, ms(wall, zone))]


TURNS = [
    ("the first squad begins at the anchor", "2026-03-01 08:00", ["li"]),
    ("and ends where the second begins", "2026-03-02 07:59", ["li"]),
    ("the second squad follows after a turn", "2026-03-02 08:00", ["wang"]),
    ("after the last squad the first follows again", "2026-03-04 08:00", ["li"]),
    ("turns go on for years", "2030-03-03 12:00", ["zhao"]),
    ("before the anchor nobody is on duty", "2026-03-01 07:59", []),
]


@pytest.mark.parametrize(("wall", "expected"), [c[1:] for c in TURNS], ids=[c[0] for c in TURNS])
def test_squads_take_turns(wall: str, expected: list[str]) -> None:
    assert ids(ROSTER, wall) == expected


def override(**changes: str) -> Roster:
    swap = Override(shift="squad", start=datetime(2026, 3, 1, 20), end=datetime(2026, 3, 2, 8), **changes)
    return replace(ROSTER, overrides=(swap,))


def test_an_override_replaces_adds_or_removes_somebody_for_its_span() -> None:
    swap = override(remove="li", add="zhao")
    walls = ("2026-03-01 19:59", "2026-03-01 20:00", "2026-03-02 07:59", "2026-03-02 08:00")
    assert [ids(swap, wall) for wall in walls] == [["li"], ["zhao"], ["zhao"], ["wang"]]
    assert ids(override(add="zhao"), "2026-03-01 21:00") == ["li", "zhao"]
    assert ids(override(remove="li"), "2026-03-01 21:00") == []


def test_several_shifts_are_on_duty_together_and_nobody_is_named_twice() -> None:
    always = Shift(id="chief", squads=(("chief", "li"),), anchor=datetime(2026, 1, 1))
    assert ids(replace(ROSTER, shifts=(SQUAD, always)), "2026-03-01 09:00") == ["li", "chief"]


def test_a_shift_may_end_and_a_squad_may_be_empty() -> None:
    ending = replace(SQUAD, squads=(("li",), ()), ends=datetime(2026, 3, 4, 8))
    roster = replace(ROSTER, shifts=(ending,))
    found = [ids(roster, f"2026-03-0{day} 09:00") for day in (1, 2, 3, 4)]
    assert found == [["li"], [], ["li"], []]


def test_the_hand_over_stays_on_the_wall_clock_when_the_clocks_change() -> None:
    shift = replace(SQUAD, anchor=datetime(2026, 3, 28, 8))
    rome = Roster(people=PEOPLE, shifts=(shift,), zone="Europe/Rome")
    assert ids(rome, "2026-03-29 07:59", "Europe/Rome") == ["li"]
    assert ids(rome, "2026-03-29 08:00", "Europe/Rome") == ["wang"]


def test_turns_of_twelve_hours() -> None:
    roster = replace(ROSTER, shifts=(replace(SQUAD, turn_h=12),))
    assert [ids(roster, f"2026-03-01 {h}:00") for h in ("08", "19", "20")] == [["li"], ["li"], ["wang"]]


def test_the_roster_of_a_week_is_cut_where_somebody_comes_or_goes() -> None:
    week = turns(override(remove="li", add="zhao"), ms("2026-03-01 08:00"), ms("2026-03-03 12:00"))
    assert [(turn.people, (turn.end_ms - turn.start_ms) / 3_600_000) for turn in week] == [
        (("li",), 12),
        (("zhao",), 12),
        (("wang",), 24),
        (("zhao",), 4),
    ]


def test_gaps_are_found_ahead() -> None:
    found = gaps(override(remove="li"), ms("2026-03-01 00:00"), ms("2026-03-08 00:00"))
    assert [(t.start_ms, t.end_ms) for t in found] == [
        (ms("2026-03-01 00:00"), ms("2026-03-01 08:00")),
        (ms("2026-03-01 20:00"), ms("2026-03-02 08:00")),
    ]
    assert gaps(ROSTER, ms("2026-03-01 08:00"), ms("2026-04-01 08:00")) == ()
    assert len(gaps(Roster(people=PEOPLE), 0, 1000)) == 1
