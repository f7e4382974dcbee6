"""Split uploads: packets of one group lend each other their DataTime; a group that stays incomplete is reported."""

from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Any

from sensors.hj212.header import Frame

WAIT_MS = 300_000
"""So long a group may stay incomplete (log time): far more than 10 s x 3 re-sends (HJ 212-2017 table 1)."""

GROUPS_MAX = 16
"""Open groups of one MN; one more closes the oldest."""

WAITING_MAX = 32
"""Packets without a time of their own that wait in one group."""

Key = tuple[str, int, int, str]
"""MN, CN, PNUM and DataTime ("" where no packet with one came yet). Packets have no QN in common."""


@dataclass(slots=True, kw_only=True)
class Group:
    """Packets of one upload that came so far."""

    deadline_ms: int
    came: set[int] = field(default_factory=set)  # PNO
    waiting: list[tuple[int, str]] = field(default_factory=list)  # (PNO, content) of packets without a time


@dataclass(frozen=True, slots=True, kw_only=True)
class Orphan:
    """A group given up at a log time."""

    mn: str
    cn: int
    pnum: int
    came: tuple[int, ...]
    waiting: tuple[str, ...]  # content that never got a time
    at_ms: int

    def complaint(self) -> str:
        """For people."""
        came = ", ".join(map(str, self.came))
        return f"CN {self.cn}: expected {self.pnum} packets, got packet {came}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """What became of one packet."""

    time: str = ""  # the DataTime to read it with; "": it waits for one
    freed: tuple[str, ...] = ()  # content of other packets that waited for this time
    orphans: tuple[Orphan, ...] = ()  # groups given up to make room
    full: bool = False  # not taken: too many wait already


class Assembler:
    """Joins packets by MN, CN, PNUM and DataTime. Time comes in with each packet; the state is JSON.

    Log time never decreases, so groups stand in the order of their deadlines, and each step looks at one MN only.
    """

    def __init__(self) -> None:
        self._groups: OrderedDict[Key, Group] = OrderedDict()
        self._of_mn: dict[str, list[Key]] = {}

    def add(self, frame: Frame, time: str, log_ms: int) -> Placed:
        """Take one packet; `time` is its DataTime, "" if it has none."""
        key = self._key(frame, time)
        orphans = () if key in self._groups else self._open(key, log_ms)
        group = self._groups[key]
        group.came.add(frame.pno)
        if key[3]:
            return Placed(time=key[3], freed=self._free((*key[:3], ""), group), orphans=orphans)
        known = (frame.pno, frame.area) in group.waiting
        full = len(group.waiting) >= WAITING_MAX and not known
        if not (known or full):
            group.waiting.append((frame.pno, frame.area))
        return Placed(orphans=orphans, full=full)

    def expire(self, log_ms: int) -> list[Orphan]:
        """Forget groups whose time is over, and report the incomplete ones."""
        over: list[Key] = []
        for key, group in self._groups.items():
            if group.deadline_ms > log_ms:
                break
            over.append(key)
        return [orphan for key in over for orphan in self._close(key, self._groups[key].deadline_ms)]

    def state(self) -> list[Any]:
        """As JSON."""
        return [
            [list(key), group.deadline_ms, sorted(group.came), [list(w) for w in group.waiting]]
            for key, group in self._groups.items()
        ]

    def restore(self, state: list[Any]) -> None:
        """The inverse of `state`."""
        self._groups.clear()
        self._of_mn.clear()
        for (mn, cn, pnum, time), deadline, came, waiting in state:
            group = Group(deadline_ms=deadline, came=set(came), waiting=[(pno, text) for pno, text in waiting])
            self._groups[mn, cn, pnum, time] = group
            self._of_mn.setdefault(mn, []).append((mn, cn, pnum, time))

    def _key(self, frame: Frame, time: str) -> Key:
        """The packet's group. Without a time: the last one with a time in which this packet is missing."""
        own = (frame.mn, frame.cn, frame.pnum)
        if not time:
            for key in reversed(self._of_mn.get(frame.mn, [])):
                if key[:3] == own and key[3] and frame.pno not in self._groups[key].came:
                    return key
        return *own, time

    def _open(self, key: Key, log_ms: int) -> tuple[Orphan, ...]:
        """Begin a group; where its MN has too many, the oldest is given up."""
        keys = self._of_mn.setdefault(key[0], [])
        given_up = self._close(keys[0], log_ms) if len(keys) >= GROUPS_MAX else ()
        self._of_mn.setdefault(key[0], []).append(key)
        self._groups[key] = Group(deadline_ms=log_ms + WAIT_MS)
        return given_up

    def _close(self, key: Key, at_ms: int) -> tuple[Orphan, ...]:
        """Forget a group; an Orphan if something of it is missing."""
        group = self._forget(key)
        mn, cn, pnum, _ = key
        if not group.waiting and len(group.came) >= pnum:
            return ()
        waiting = tuple(text for _, text in group.waiting)
        return (Orphan(mn=mn, cn=cn, pnum=pnum, came=tuple(sorted(group.came)), waiting=waiting, at_ms=at_ms),)

    def _free(self, timeless: Key, group: Group) -> tuple[str, ...]:
        """Content that waited for the time this group has; its packets join it."""
        if timeless not in self._groups:
            return ()
        waited = self._forget(timeless)
        group.came |= waited.came
        return tuple(text for _, text in waited.waiting)

    def _forget(self, key: Key) -> Group:
        keys = self._of_mn[key[0]]
        keys.remove(key)
        if not keys:
            del self._of_mn[key[0]]
        return self._groups.pop(key)
