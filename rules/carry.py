"""A change of registry or rules takes over without a bump: slots, windows and alerts go on under the new plan.

What is the same in both plans keeps its state: a series of one cadence, a check of one rule on one limit, a monitor.
What is new begins empty; windows that were due before it came count as judged. Alerts go on under their name: an id is
made of it, so another limit in the same place speaks of the same alert.
"""

from dataclasses import fields

import numpy as np
from numpy.typing import NDArray

from rules.book import Book, Entry, Shelf
from rules.judge import Judge
from rules.kinds.instant import INSTANT_STATE, NEVER_MS, Paused
from rules.plan import Plan
from rules.same import Pairs, Same, named

Ints = NDArray[np.int32]


def carried(old: Judge, plan: Plan) -> Judge:
    """A judge for `plan` with the state of `old`."""
    new = Judge(plan)
    if old.now_ms < 0:
        return new
    new.now_ms, new.hour, new.revise_ms, new.silent = old.now_ms, old.hour, old.revise_ms, old.silent
    new.next_hour, new.next_day = new.windows.begin(new.now_ms)
    same = Same(old.plan, plan)
    _carry_grids(old, new)
    _carry_windows(old, new, same.checks())
    _carry_book(old.book, new.book, same.names(old.plan.checks, plan.checks))
    _carry_instants(old, new, same.names(old.plan.instants, plan.instants))
    _carry_monitors(old, new)
    return new


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
            rows = _run(old.plan.row_of[both]), _run(new.plan.row_of[both])
            for block in range(newest - min(spec.ring, other.ring) + 1, newest + 1):
                _carry_block(old, new, (was, now), block, rows)


def _carry_block(old: Judge, new: Judge, grid: tuple[int, int], block: int, rows: tuple[Ints | slice, Ints | slice]) -> None:
    (was, now), (from_rows, to_rows) = grid, rows
    if old.grids.filled_of(was, block).any():  # else all of its memory is untouched, and shall stay so
        new.grids.values(now, block)[:, to_rows] = old.grids.values(was, block)[:, from_rows]
        new.grids.flags(now, block)[:, to_rows] = old.grids.flags(was, block)[:, from_rows]
        new.grids.places(now, block)[:, to_rows] = old.grids.places(was, block)[:, from_rows]
        new.grids.filled_of(now, block)[to_rows] = old.grids.filled_of(was, block)[from_rows]
    new.grids.state_of(now, block)[to_rows] = old.grids.state_of(was, block)[from_rows]
    new.grids.count_dirty(now, block)


def _run(numbers: Ints) -> Ints | slice:
    """The same as a slice where they are a run of numbers, one after the other: copied without a look at each."""
    first, size = int(numbers[0]), len(numbers)
    in_a_row = int(numbers[-1]) - first == size - 1 and bool((numbers[1:] - numbers[:-1] == 1).all())
    return slice(first, first + size) if in_a_row else numbers


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


def _carry_book(old: Book, new: Book, names: Pairs) -> None:
    was, now = names
    new.newest_normal[now] = old.newest_normal[was]
    kept = np.full(len(old.plan.checks), -1)
    kept[was] = now
    new.gone = dict(old.gone)
    for check in np.flatnonzero((kept < 0) & (old.watched | (old.newest_normal > NEVER_MS))).tolist():
        shelf = Shelf(newest_normal=int(old.newest_normal[check]), alerts=old.entries.get(check, {}))
        new.gone[old.plan.name(old.plan.checks, check)] = shelf
    for check, alerts in old.entries.items():
        if kept[check] >= 0:
            _stand(new, int(kept[check]), alerts)
    for name, check in named(new.plan, new.plan.checks, new.gone).items():
        back = new.gone.pop(name, None)
        if back is not None:
            new.newest_normal[check] = back.newest_normal
            _stand(new, check, back.alerts)


def _stand(book: Book, check: int, alerts: dict[int, Entry]) -> None:
    if alerts:
        book.entries[check] = alerts
        book.watched[check] = True


def _carry_instants(old: Judge, new: Judge, names: Pairs) -> None:
    was, now = names
    before, after, book = old.instants, new.instants, new.instant_book
    for column in INSTANT_STATE:
        getattr(after, column)[now] = getattr(before, column)[was]
    kept = np.full(len(old.plan.instants), -1)
    kept[was] = now
    book.standing = {int(kept[check]): event for check, event in old.instant_book.standing.items() if kept[check] >= 0}
    book.gone = dict(old.instant_book.gone)
    for check in np.flatnonzero((kept < 0) & (before.newest_ms > NEVER_MS)).tolist():
        counts = tuple(int(getattr(before, column)[check]) for column in INSTANT_STATE)
        paused = Paused(counts=counts, standing=old.instant_book.standing.get(check))
        book.gone[old.plan.name(old.plan.instants, check)] = paused
    for name, check in named(new.plan, new.plan.instants, book.gone).items():
        back = book.gone.pop(name, None)
        if back is not None:
            _go_on(new, check, back)


def _go_on(judge: Judge, check: int, paused: Paused) -> None:
    for column, count in zip(INSTANT_STATE, paused.counts, strict=True):
        getattr(judge.instants, column)[check] = count
    if paused.standing is not None:
        judge.instant_book.standing[check] = paused.standing


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
