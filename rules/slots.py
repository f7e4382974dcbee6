"""Slot grids: for every judged series the last slots of value and flag, and how a reading finds its place.

All grids of one cadence share one matrix; the matrices lie one behind the other in flat arrays, so that one compiled
loop serves every cadence. Within a grid the order is (block, slot, row): a block is an hour (or, for day readings, a
local day), a row is a series. Readings that arrive in time order are then written side by side.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

JUDGED, DIRTY = 1, 2
"""Bits of the state of one series in one block: a verdict used it; it changed since."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GridSpec:
    """Size of one grid. Memory: `ring * slots * rows * 11` bytes, touched only as it fills."""

    cadence_ms: int
    slots: int  # in one block
    rows: int
    ring: int  # blocks kept
    daily: bool = False  # blocks are local days, else hours


@dataclass(slots=True, kw_only=True)
class SlotGrids:
    """The state of all grids. `address = base[g] + ((block % ring) * slots + slot) * rows + row`."""

    specs: tuple[GridSpec, ...]
    value: NDArray[np.float64]
    flag: NDArray[np.uint8]  # sensors.reading.Flag; EMPTY where no reading came
    place: NDArray[np.uint16]  # position within the slot, in 1/65536 of it
    filled: NDArray[np.uint16]  # slots filled, per (grid, block, row)
    state: NDArray[np.uint8]  # JUDGED | DIRTY, per (grid, block, row)
    dirty: NDArray[np.int32]  # series made dirty, per (grid, block)
    base: NDArray[np.int64] = field(init=False)  # per grid, into value, flag, place
    row_base: NDArray[np.int64] = field(init=False)  # per grid, into filled, state
    block_base: NDArray[np.int64] = field(init=False)  # per grid, into dirty
    shape: NDArray[np.int64] = field(init=False)  # (grids, 4): cadence_ms, slots, rows, ring

    def __post_init__(self) -> None:
        self.shape = np.array([(s.cadence_ms, s.slots, s.rows, s.ring) for s in self.specs], np.int64).reshape(-1, 4)
        rows, ring = self.shape[:, 2], self.shape[:, 3]
        self.base = _starts(self.shape[:, 1] * rows * ring)
        self.row_base = _starts(rows * ring)
        self.block_base = _starts(ring)

    @classmethod
    def empty(cls, specs: tuple[GridSpec, ...]) -> "SlotGrids":
        """Grids with every slot empty."""
        slots = sum(s.slots * s.rows * s.ring for s in specs)
        rows = sum(s.rows * s.ring for s in specs)
        return cls(
            specs=specs,
            value=np.zeros(slots),
            flag=np.zeros(slots, np.uint8),
            place=np.zeros(slots, np.uint16),
            filled=np.zeros(rows, np.uint16),
            state=np.zeros(rows, np.uint8),
            dirty=np.zeros(sum(s.ring for s in specs), np.int32),
        )

    def values(self, grid: int, block: int) -> NDArray[np.float64]:
        """Values of one block, shape (slots, rows). A view."""
        return self.value[self._cells(grid, block)].reshape(-1, self.specs[grid].rows)

    def flags(self, grid: int, block: int) -> NDArray[np.uint8]:
        """Flags of one block, shape (slots, rows). A view."""
        return self.flag[self._cells(grid, block)].reshape(-1, self.specs[grid].rows)

    def places(self, grid: int, block: int) -> NDArray[np.uint16]:
        """Positions within the slots of one block, shape (slots, rows). A view."""
        return self.place[self._cells(grid, block)].reshape(-1, self.specs[grid].rows)

    def filled_of(self, grid: int, block: int) -> NDArray[np.uint16]:
        """Slots filled in one block, shape (rows,). A view."""
        return self.filled[self._rows(grid, block)]

    def state_of(self, grid: int, block: int) -> NDArray[np.uint8]:
        """State bits of one block, shape (rows,). A view."""
        return self.state[self._rows(grid, block)]

    def dirty_blocks(self) -> Iterator[tuple[int, int]]:
        """(grid, ring position) of the blocks with series that changed after a verdict."""
        for at in np.flatnonzero(self.dirty):
            grid = int(np.searchsorted(self.block_base, at, "right")) - 1
            yield grid, int(at - self.block_base[grid])

    def clean(self, grid: int, block: int) -> None:
        """Forget that series of a block were dirty."""
        state = self.state_of(grid, block)
        state &= ~np.uint8(DIRTY)
        self.dirty[self.block_base[grid] + block % self.specs[grid].ring] = 0

    def count_dirty(self, grid: int, block: int) -> None:
        """Count the dirty series of a block again, after its state was set from outside."""
        at = self.block_base[grid] + block % self.specs[grid].ring
        self.dirty[at] = np.count_nonzero(self.state_of(grid, block) & DIRTY)

    def clear(self, grid: int, block: int) -> None:
        """Empty a block, to take a new hour or day."""
        if self.filled_of(grid, block).any():  # else its flags are as they were made, in memory that was never touched
            self.flag[self._cells(grid, block)] = 0
            self.filled_of(grid, block)[:] = 0
        self.state_of(grid, block)[:] = 0
        self.dirty[self.block_base[grid] + block % self.specs[grid].ring] = 0

    def _cells(self, grid: int, block: int) -> slice:
        spec = self.specs[grid]
        size = spec.slots * spec.rows
        start = int(self.base[grid]) + block % spec.ring * size
        return slice(start, start + size)

    def _rows(self, grid: int, block: int) -> slice:
        spec = self.specs[grid]
        start = int(self.row_base[grid]) + block % spec.ring * spec.rows
        return slice(start, start + spec.rows)


class Slots(NamedTuple):
    """The arrays of `SlotGrids`, and which grid and row each series has (grid -1: none)."""

    grid_of: NDArray[np.int16]
    row_of: NDArray[np.int32]
    daily: NDArray[np.bool_]  # per grid
    shape: NDArray[np.int64]
    base: NDArray[np.int64]
    row_base: NDArray[np.int64]
    block_base: NDArray[np.int64]
    value: NDArray[np.float64]
    flag: NDArray[np.uint8]
    place: NDArray[np.uint16]
    filled: NDArray[np.uint16]
    state: NDArray[np.uint8]
    dirty: NDArray[np.int32]


def slots_of(grids: SlotGrids, grid_of: NDArray[np.int16], row_of: NDArray[np.int32]) -> Slots:
    """The kernel's view of the grids: the same memory."""
    return Slots(
        grid_of, row_of, np.array([s.daily for s in grids.specs], np.bool_), grids.shape, grids.base, grids.row_base,
        grids.block_base, grids.value, grids.flag, grids.place, grids.filled, grids.state, grids.dirty,
    )  # fmt: skip


def _starts(sizes: NDArray[np.int64]) -> NDArray[np.int64]:
    return np.concatenate([np.zeros(1, np.int64), np.cumsum(sizes)[:-1]]) if len(sizes) else np.zeros(0, np.int64)


def distinct(numbers: NDArray[Any]) -> list[int]:
    """The different numbers in an array, ascending; quick where they are all the same."""
    if not len(numbers):
        return []
    low, high = int(numbers.min()), int(numbers.max())
    return [low] if low == high else [int(n) for n in np.unique(numbers)]


def ascending(numbers: NDArray[np.intp]) -> NDArray[np.intp]:
    """The different numbers in an array, sorted; at many numbers much quicker than np.unique, which hashes them."""
    ordered = np.sort(numbers)
    first = np.ones(len(ordered), np.bool_)
    np.not_equal(ordered[1:], ordered[:-1], out=first[1:])
    return ordered[first]
