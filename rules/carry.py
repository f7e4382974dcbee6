"""A change of registry or rules takes over without a bump: slots, windows and alerts go on under the new plan.

What is the same in both plans keeps its state: a series of one cadence, a check of one rule on one limit, a monitor.
What is new begins empty; windows that were due before it came count as judged. Alerts go on under their name: an id is
made of it, so another limit in the same place speaks of the same alert.
"""

from collections.abc import Hashable, Sequence
from dataclasses import fields

import numpy as np
from numpy.typing import NDArray

from rules.book import Book, Shelf
from rules.judge import Judge
from rules.kinds.instant import INSTANT_STATE, NEVER_MS, Paused
from rules.limits import Limit
from rules.plan import Name, Plan

Pairs = tuple[NDArray[np.intp], NDArray[np.intp]]
"""Positions in the old plan and, one by one, in the new."""

Key = tuple[str, Limit]


def carried(old: Judge, plan: Plan) -> Judge:
    """A judge for `plan` with the state of `old`."""
    new = Judge(plan)
    if old.now_ms < 0:
        return new
    new.now_ms, new.hour, new.revise_ms, new.silent = old.now_ms, old.hour, old.revise_ms, old.silent
    new.next_hour, new.next_day = new.windows.begin(new.now_ms)
    _carry_grids(old, new)
    checks = _same(_check_keys(old.plan), _check_keys(plan))
    _carry_windows(old, new, checks)
    _carry_book(old.book, new.book)
    _carry_instants(old, new)
    _carry_monitors(old, new)
    return new


def _same(old: Sequence[Hashable], new: Sequence[Hashable]) -> Pairs:
    place = {key: n for n, key in enumerate(old)}
    pairs = [(place[key], n) for n, key in enumerate(new) if key in place]
    return np.array([p[0] for p in pairs], np.intp), np.array([p[1] for p in pairs], np.intp)


def _check_keys(plan: Plan) -> list[Key]:
    rules, checks = plan.rules, plan.checks
    return [(rules.rules[r].id, rules.limits[n]) for r, n in zip(checks.rule, checks.limit, strict=True)]


def _carry_grids(old: Judge, new: Judge) -> None:
    series = np.arange(min(len(old.plan.grid_of), len(new.plan.grid_of)))
    series = series[(old.plan.grid_of[series] >= 0) & (new.plan.grid_of[series] >= 0)]
    for was, spec in enumerate(old.plan.specs):
        for now, other in enumerate(new.plan.specs):
            both = series[(old.plan.grid_of[series] == was) & (new.plan.grid_of[series] == now)]
            if not len(both) or (spec.cadence_ms, spec.daily) != (other.cadence_ms, other.daily):
                continue
            newest = old.hour + old.windows.ahead
            newest = old.calendar.day(newest) if spec.daily else newest
            rows = old.plan.row_of[both], new.plan.row_of[both]
            for block in range(newest - min(spec.ring, other.ring) + 1, newest + 1):
                _carry_block(old, new, (was, now), block, rows)


def _carry_block(
    old: Judge, new: Judge, grid: tuple[int, int], block: int, rows: tuple[NDArray[np.int32], NDArray[np.int32]]
) -> None:
    (was, now), (from_rows, to_rows) = grid, rows
    new.grids.values(now, block)[:, to_rows] = old.grids.values(was, block)[:, from_rows]
    new.grids.flags(now, block)[:, to_rows] = old.grids.flags(was, block)[:, from_rows]
    new.grids.places(now, block)[:, to_rows] = old.grids.places(was, block)[:, from_rows]
    new.grids.filled_of(now, block)[to_rows] = old.grids.filled_of(was, block)[from_rows]
    new.grids.state_of(now, block)[to_rows] = old.grids.state_of(was, block)[from_rows]
    new.grids.count_dirty(now, block)


def _carry_windows(old: Judge, new: Judge, checks: Pairs) -> None:
    was, now = checks
    newest = old.hour + old.windows.ahead
    days = old.plan.checks.day[was]
    day_was, day_now = old.windows.day_no[was[days]], new.windows.day_no[now[days]]
    for hour in range(newest - min(old.windows.hours, new.windows.hours) + 1, newest + 1):
        i, j = hour % old.windows.hours, hour % new.windows.hours
        new.windows.hour_marks[j, now] = old.windows.hour_marks[i, was]
        for f in fields(new.windows.cells):
            to, source = getattr(new.windows.cells, f.name), getattr(old.windows.cells, f.name)
            if f.name != "far" or (new.windows.ranged and old.windows.ranged):
                to[j, day_now] = source[i, day_was]
    fresh = np.setdiff1d(new.windows.day_checks, now)
    held = min((spec.ring for spec in new.plan.specs if not spec.daily), default=0)
    for hour in range(newest - held + 1, newest + 1) if len(fresh) else ():
        new.windows.know(fresh, hour)
    last = new.calendar.day(newest)
    for day in range(last - min(old.windows.days, new.windows.days) + 1, last + 1):
        new.windows.day_marks[day % new.windows.days, day_now] = old.windows.day_marks[day % old.windows.days, day_was]


def _carry_book(old: Book, new: Book) -> None:
    names = old.plan.check_names()
    shelves = {
        name: Shelf(newest_normal=int(old.newest_normal[check]), alerts=old.entries.get(check, {}))
        for check, name in enumerate(names)
        if old.watched[check] or old.newest_normal[check] > NEVER_MS
    }
    new.gone = {**old.gone, **shelves}
    for check, name in enumerate(new.plan.check_names()):
        shelf = new.gone.pop(name, None)
        if shelf is not None:
            new.newest_normal[check] = shelf.newest_normal
            if shelf.alerts:
                new.entries[check] = shelf.alerts
                new.watched[check] = True


def _carry_instants(old: Judge, new: Judge) -> None:
    before, after = old.instants, new.instants
    paused: dict[Name, Paused] = dict(old.instant_book.gone)
    for check, name in enumerate(old.plan.instant_names()):
        if before.newest_ms[check] > NEVER_MS:
            counts = (int(getattr(before, column)[check]) for column in INSTANT_STATE)
            paused[name] = Paused(counts=tuple(counts), standing=old.instant_book.standing.get(check))
    for check, name in enumerate(new.plan.instant_names()):
        held = paused.pop(name, None)
        if held is not None:
            for column, count in zip(INSTANT_STATE, held.counts, strict=True):
                getattr(after, column)[check] = count
            if held.standing is not None:
                new.instant_book.standing[check] = held.standing
    new.instant_book.gone = paused


def _carry_monitors(old: Judge, new: Judge) -> None:
    ids = {old.plan.rules.rules[s.rule].id: s for s in old.silences}
    for silence in new.silences:
        before = ids.get(new.plan.rules.rules[silence.rule].id)
        if before is not None:
            n = min(len(before.last_ms), len(silence.last_ms))
            silence.last_ms[:n] = before.last_ms[:n]
            moved = silence.silence_ms - before.silence_ms
            silence.due_ms[:n] = np.where(before.due_ms[:n] < (1 << 62), before.due_ms[:n] + moved, before.due_ms[:n])
            silence.standing.update(before.standing)
    clocks = {old.plan.rules.rules[c.rule].id: c for c in old.clocks}
    for clock in new.clocks:
        known = clocks.get(new.plan.rules.rules[clock.rule].id)
        if known is not None:
            clock.standing.update(known.standing)
