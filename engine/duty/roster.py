"""Who is on duty: squads that take turns, exceptions to them, and the gaps between. Pure: the time is an argument."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Somebody who can be paged."""

    id: str
    name: str
    channels: tuple[str, ...] = ()  # names of channels, the first is tried first; empty: every channel, in their order
    lang: str = "zh"  # "zh" or "en"
    phone: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shift:
    """A row of turns of equal length. Turn 0 begins at `anchor`; after the last squad the first follows again.

    Turns are counted on the wall clock of the roster's zone: a hand-over at 08:00 stays at 08:00.
    """

    id: str
    squads: tuple[tuple[str, ...], ...]  # person ids on duty together, in the order of the turns; an empty one is a gap
    anchor: datetime  # naive: wall clock of the roster's zone
    turn_h: int = 24
    ends: datetime | None = None  # naive; first instant that the shift no longer covers


@dataclass(frozen=True, slots=True, kw_only=True)
class Override:
    """An exception over [start, end): `remove` is not on duty in the shift, `add` is. Naive: wall clock of the zone."""

    shift: str
    start: datetime
    end: datetime
    remove: str = ""
    add: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Roster:
    """The people of the duty squad and when each is on duty."""

    people: tuple[Person, ...]
    shifts: tuple[Shift, ...] = ()
    overrides: tuple[Override, ...] = ()
    zone: str = "Asia/Shanghai"

    def person(self, id: str) -> Person:
        """The person of that id; KeyError where there is none."""
        return {p.id: p for p in self.people}[id]


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """Who is on duty over [start_ms, end_ms); nobody: a gap in the roster."""

    start_ms: int
    end_ms: int
    people: tuple[str, ...]


def on_duty(roster: Roster, at_ms: int) -> tuple[Person, ...]:
    """The people on duty at an instant (ms UTC), in the order of shifts and squads, each once.

    >>> from datetime import datetime
    >>> people = (Person(id="li", name="李"), Person(id="wang", name="王"))
    >>> day = Shift(id="day", squads=(("li",), ("wang",)), anchor=datetime(2026, 3, 1, 8))
    >>> roster = Roster(people=people, shifts=(day,))
    >>> [p.id for p in on_duty(roster, 1772409599999)]  # 2026-03-02 07:59:59.999 in Shanghai
    ['li']
    >>> [p.id for p in on_duty(roster, 1772409600000)]
    ['wang']
    """
    wall = _wall(roster, at_ms)
    ids = dict.fromkeys(id for shift in roster.shifts for id in _of_shift(roster, shift, wall))
    return tuple(roster.person(id) for id in ids)


def turns(roster: Roster, start_ms: int, end_ms: int) -> tuple[Turn, ...]:
    """The roster over [start_ms, end_ms), cut wherever somebody goes or comes."""
    edges = sorted({start_ms, end_ms, *(e for e in _edges(roster, start_ms, end_ms) if start_ms < e < end_ms)})
    found: list[Turn] = []
    for start, end in pairwise(edges):
        people = tuple(p.id for p in on_duty(roster, start))
        goes_on = bool(found) and found[-1].people == people
        found.append(Turn(start_ms=found.pop().start_ms if goes_on else start, end_ms=end, people=people))
    return tuple(found)


def gaps(roster: Roster, start_ms: int, end_ms: int) -> tuple[Turn, ...]:
    """The spans of [start_ms, end_ms) in which nobody is on duty."""
    return tuple(t for t in turns(roster, start_ms, end_ms) if not t.people)


def _of_shift(roster: Roster, shift: Shift, wall: datetime) -> tuple[str, ...]:
    ids = dict.fromkeys(_squad(shift, wall))
    for o in roster.overrides:
        if o.shift == shift.id and o.start <= wall < o.end:
            ids.pop(o.remove, None)
            ids.update({o.add: None} if o.add else {})
    return tuple(ids)


def _squad(shift: Shift, wall: datetime) -> tuple[str, ...]:
    if not shift.squads or wall < shift.anchor or (shift.ends is not None and wall >= shift.ends):
        return ()
    turn = (wall - shift.anchor) // timedelta(hours=shift.turn_h)
    return shift.squads[turn % len(shift.squads)]


def _edges(roster: Roster, start_ms: int, end_ms: int) -> Iterator[int]:
    first, last = _wall(roster, start_ms) - timedelta(days=1), _wall(roster, end_ms) + timedelta(days=1)
    walls = [w for o in roster.overrides for w in (o.start, o.end)]
    walls += [s.ends for s in roster.shifts if s.ends is not None]
    for shift in roster.shifts:
        step = timedelta(hours=shift.turn_h)
        at = shift.anchor + max(0, (first - shift.anchor) // step) * step
        while at <= last:
            walls.append(at)
            at += step
    zone = ZoneInfo(roster.zone)
    return (round(w.replace(tzinfo=zone).timestamp() * 1000) for w in walls)


def _wall(roster: Roster, at_ms: int) -> datetime:
    utc = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=at_ms)
    return utc.astimezone(ZoneInfo(roster.zone)).replace(tzinfo=None)
