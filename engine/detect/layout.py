"""The judge's state as named pieces: which memory each of them is.

The cells of the grids, which are nearly all of it, are cut by hour and by minute, so that little of them changes between
two snapshots. Hours and days go by their number, not by their place in the ring: a piece of an hour that the ring has
left behind is known by its name.
"""

from collections.abc import Iterator
from dataclasses import fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rules.judge import Judge
from rules.kinds.instant import INSTANT_STATE
from rules.slots import SlotGrids

RUN_BYTES = 1 << 20
"""Slots of one hour are put together in one piece until it is so large."""

CELL_BYTES = 11

Views = list[NDArray[Any]]
"""Contiguous stretches of the judge's memory, one behind the other in the piece."""


def plain_views(judge: Judge) -> Iterator[tuple[str, Views]]:
    """Every piece but those of cells: a small part of the state, of which anything may change."""
    yield from _rows(judge.grids)
    yield from _hours(judge)
    yield "newest_normal", [judge.book.newest_normal]
    for name in INSTANT_STATE:
        yield f"instants.{name}", [getattr(judge.instants, name)]
    for n, silence in enumerate(judge.silences):
        yield f"silence.{n}", [silence.last_ms, silence.due_ms]


def _rows(grids: SlotGrids) -> Iterator[tuple[str, Views]]:
    yield "dirty", [grids.dirty]
    for grid, spec in enumerate(grids.specs):
        for at in range(spec.ring):
            yield f"rows.{grid}.{at}", [grids.filled_of(grid, at), grids.state_of(grid, at)]


def _hours(judge: Judge) -> Iterator[tuple[str, Views]]:
    windows = judge.windows
    cells = [getattr(windows.cells, f.name) for f in fields(windows.cells)]
    for at in range(windows.hours):
        yield f"hour.{at}", [windows.hour_marks[at], *(column[at] for column in cells)]
    yield "days", [windows.day_marks]


def run_slots(grids: SlotGrids, grid: int) -> int:
    """Slots of one piece of cells."""
    spec = grids.specs[grid]
    return max(1, min(spec.slots, RUN_BYTES // max(1, spec.rows * CELL_BYTES)))


def cells_name(grid: int, block: int, run: int) -> str:
    """The piece of the `run`-th slots of an hour (or, in the day grid, of a day)."""
    return f"cells.{grid}.{block}.{run}"


def cells_views(judge: Judge, name: str) -> Views:
    """The memory of a piece of cells."""
    grid, block, run = (int(part) for part in name.split(".")[1:])
    size = run_slots(judge.grids, grid)
    slots = slice(run * size, (run + 1) * size)
    return [view(grid, block)[slots] for view in (judge.grids.values, judge.grids.flags, judge.grids.places)]


def kept_blocks(judge: Judge, grid: int) -> range:
    """The hours (days) that a grid holds now."""
    spec, newest = judge.grids.specs[grid], judge.hour + judge.windows.ahead
    last = judge.calendar.day(newest) if spec.daily else newest
    return range(last - spec.ring + 1, last + 1)


def filled_cells(judge: Judge) -> Iterator[str]:
    """Every piece of cells that holds a reading."""
    grids = judge.grids
    for grid, spec in enumerate(grids.specs):
        size = run_slots(grids, grid)
        for block in kept_blocks(judge, grid) if judge.now_ms >= 0 else ():
            if not grids.filled_of(grid, block).any():
                continue
            flags = grids.flags(grid, block)
            yield from (
                cells_name(grid, block, run) for run in range(-(-spec.slots // size)) if flags[run * size :][:size].any()
            )


def content(views: Views) -> bytes:
    """A copy of a piece."""
    return b"".join(np.ascontiguousarray(view).reshape(-1).view(np.uint8).data for view in views)


def fill(views: Views, body: bytes) -> None:
    """The inverse of `content`; ValueError if the sizes differ."""
    size = sum(view.nbytes for view in views)
    if len(body) != size:
        raise ValueError(f"expected {size} bytes, got {len(body)}")
    at = 0
    for view in views:
        view[...] = np.frombuffer(body, view.dtype, view.size, at).reshape(view.shape)
        at += view.nbytes
