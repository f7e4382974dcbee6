"""What of a judge's state changed since it was last asked, so that a snapshot copies little and holds nobody up."""

from collections.abc import Collection, Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

from engine.detect.layout import Views, cells_name, cells_views, content, filled_cells, kept_blocks, plain_views, run_slots
from rules.calendar import HOUR_MS
from rules.judge import Judge
from rules.outcome import Outcome
from sensors.kernel import compiled
from sensors.reading import ReadingBatch

PRIME = np.uint64(0x9E3779B97F4A7C15)
LANES = 4


class Changes:
    """Follows one judge. Cells change where readings were taken, which is noted; all else is told by its hash."""

    def __init__(self, judge: Judge, names: Iterable[str]) -> None:
        """`names`: of the pieces that a store holds of this judge, as it is now."""
        self._judge = judge
        self._cells = {name for name in names if name.startswith("cells.")}
        self._touched: set[str] = set()
        self._hashes = {name: _hash(views) for name, views in plain_views(judge)}
        self._cadence = np.array([spec.cadence_ms for spec in judge.grids.specs], np.int64)

    def took(self, batch: ReadingBatch, outcome: NDArray[np.uint8]) -> None:
        """Readings came to these outcomes."""
        rows = np.flatnonzero((outcome == Outcome.NEW) | (outcome == Outcome.CORRECTED))
        if not len(rows):
            return
        grid = self._judge.plan.grid_of[batch.series[rows]]
        for g in np.unique(grid).tolist():
            self._touched.update(self._names(g, batch.device_ms[rows[grid == g]]))

    def pieces(self, again: Collection[str] = ()) -> dict[str, bytes]:
        """The pieces that changed since the last call and those named in `again`; b"" for one that is gone."""
        gone = {name for name in self._cells if not self._is_kept(name)}
        wanted = {name for name in self._touched | set(again) if name.startswith("cells.")} - gone
        found = dict.fromkeys(gone, b"")
        for name in sorted(wanted):
            if self._is_kept(name):  # the ring may have left it behind since it was touched
                found[name] = content(cells_views(self._judge, name))
        self._cells = (self._cells - gone) | found.keys() - gone
        self._touched = set()
        for name, views in plain_views(self._judge):
            hash = _hash(views)
            if self._hashes.get(name) != hash or name in again:
                self._hashes[name] = hash
                found[name] = content(views)
        return found

    @staticmethod
    def all_pieces(judge: Judge) -> dict[str, bytes]:
        """All of a judge's state."""
        cells = {name: content(cells_views(judge, name)) for name in filled_cells(judge)}
        return {**cells, **{name: content(views) for name, views in plain_views(judge)}}

    def _names(self, grid: int, device_ms: NDArray[np.int64]) -> Iterator[str]:
        judge, size = self._judge, run_slots(self._judge.grids, grid)
        if judge.grids.specs[grid].daily:
            days, _ = judge.calendar.days_of(device_ms)
            return (cells_name(grid, day, 0) for day in np.unique(days).tolist())
        slots = np.unique(device_ms // self._cadence[grid])
        return (cells_name(grid, *self._place(grid, slot, size)) for slot in slots.tolist())

    def _place(self, grid: int, slot: int, size: int) -> tuple[int, int]:
        """Hour and run of a slot counted from 1970."""
        cadence = int(self._cadence[grid])
        block = slot * cadence // HOUR_MS
        return block, (slot - block * HOUR_MS // cadence) // size

    def _is_kept(self, name: str) -> bool:
        grid, block = (int(part) for part in name.split(".")[1:3])
        return block in kept_blocks(self._judge, grid)


def _hash(views: Views) -> int:
    hash = np.uint64(len(views))
    for view in views:
        raw = np.ascontiguousarray(view).reshape(-1).view(np.uint8)
        whole = len(raw) // 8 * 8
        tail = np.zeros(8, np.uint8)
        tail[: len(raw) - whole] = raw[whole:]
        words = np.require(raw[:whole].view(np.uint64), requirements="A")  # or it would be compiled once more
        hash = np.uint64(mixed(words, tail.view(np.uint64), hash))
    return int(hash)


@compiled
def mixed(words: NDArray[np.uint64], tail: NDArray[np.uint64], seed: np.uint64) -> np.uint64:
    """A 64-bit hash of words, in four lanes so that it goes as fast as memory is read (after FNV-1a and xxHash)."""
    a, b, c, d = seed, seed + np.uint64(1), seed + np.uint64(2), seed + np.uint64(3)
    end = len(words) - len(words) % LANES
    for i in range(0, end, LANES):
        a = _step(a, words[i])
        b = _step(b, words[i + 1])
        c = _step(c, words[i + 2])
        d = _step(d, words[i + 3])
    for i in range(end, len(words)):
        a = _step(a, words[i])
    a = _step(a, tail[0] + np.uint64(len(words)))
    return _step(_step(_step(a, b), c), d)


@compiled
def _step(hash: np.uint64, word: np.uint64) -> np.uint64:
    hash = (hash ^ word) * PRIME
    return hash ^ (hash >> np.uint64(29))
