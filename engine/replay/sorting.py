"""Readings of any number in time order, with bounded memory: sorted runs on disk, merged piece by piece."""

import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from engine.replay.reader import Read
from sensors.reading import KINDS

RUN_ROWS = 4_000_000
"""Readings sorted at once: 30 bytes each, twice."""

MERGE_ROWS = 4_000_000
"""Readings held while runs are merged, of all runs together."""

ROW = np.dtype([("known_ms", "<i8"), ("device_ms", "<i8"), ("value", "<f8"), ("series", "<i4"), ("flag", "u1")])
Rows = NDArray[np.void]


def in_time_order(pieces: Iterable[Read], cadence_ms: NDArray[np.int64], run_rows: int = RUN_ROWS) -> Iterator[Read]:
    """The same readings ordered by the end of the span each stands for; equal ones keep the order of the file."""
    with tempfile.TemporaryDirectory(prefix="outfall-sort-") as folder:
        runs = list(_write_runs(pieces, cadence_ms, Path(folder), run_rows))
        at = runs[-1][1] if runs else 0
        for rows in merged([path for path, _ in runs], max(1, MERGE_ROWS // max(1, len(runs)))):
            yield Read(
                series=rows["series"].copy(),
                device_ms=rows["device_ms"].copy(),
                value=rows["value"].copy(),
                flag=rows["flag"].copy(),
                at=at,
            )


def _write_runs(
    pieces: Iterable[Read], cadence_ms: NDArray[np.int64], folder: Path, run_rows: int
) -> Iterator[tuple[Path, int]]:
    held: list[Rows] = []
    at = number = 0
    for piece in pieces:
        held.append(_rows(piece, cadence_ms))
        at = piece.at
        if sum(map(len, held)) >= run_rows:
            yield _write_run(held, folder / str(number)), at
            held, number = [], number + 1
    if held:
        yield _write_run(held, folder / str(number)), at


def _rows(piece: Read, cadence_ms: NDArray[np.int64]) -> Rows:
    rows = np.empty(len(piece), ROW)
    rows["known_ms"] = piece.device_ms + cadence_ms[piece.series % KINDS]
    rows["device_ms"], rows["value"], rows["series"], rows["flag"] = piece.device_ms, piece.value, piece.series, piece.flag
    return rows


def _write_run(held: list[Rows], path: Path) -> Path:
    rows = np.concatenate(held)
    rows[np.argsort(rows["known_ms"], kind="stable")].tofile(path)
    return path


def merged(runs: list[Path], window: int) -> Iterator[Rows]:
    """Rows of sorted runs in one order; at equal times those of earlier runs come first. Holds `window` rows a run."""
    heads = [np.empty(0, ROW) for _ in runs]
    read = [0] * len(runs)
    ends = [path.stat().st_size // ROW.itemsize for path in runs]
    while True:
        for n, path in enumerate(runs):
            if not len(heads[n]) and read[n] < ends[n]:
                heads[n] = np.fromfile(path, ROW, window, offset=read[n] * ROW.itemsize)
                read[n] += len(heads[n])
        open_ends = [heads[n]["known_ms"][-1] for n in range(len(runs)) if read[n] < ends[n]]
        if not any(len(head) for head in heads):
            return
        bound = min(open_ends, default=np.iinfo(np.int64).max)
        # all rows before `bound` are in the heads; those at it may go on in the run that ends with it
        stops = [int(np.searchsorted(head["known_ms"], bound, "left" if open_ends else "right")) for head in heads]
        if not any(stops):
            stops, heads, read = _at_bound(runs, heads, read, ends, bound)
        parts = [head[:stop] for head, stop in zip(heads, stops, strict=True)]
        heads = [head[stop:] for head, stop in zip(heads, stops, strict=True)]
        rows = np.concatenate(parts)
        yield rows[np.argsort(rows["known_ms"], kind="stable")]


def _at_bound(
    runs: list[Path], heads: list[Rows], read: list[int], ends: list[int], bound: int
) -> tuple[list[int], list[Rows], list[int]]:
    """Every head begins at `bound` or later: read on until the rows at it are all there."""
    heads, read = list(heads), list(read)
    for n, path in enumerate(runs):
        while len(heads[n]) and heads[n]["known_ms"][-1] <= bound and read[n] < ends[n]:
            more = np.fromfile(path, ROW, max(1, len(heads[n])), offset=read[n] * ROW.itemsize)
            heads[n] = np.concatenate([heads[n], more])
            read[n] += len(more)
    return [int(np.searchsorted(head["known_ms"], bound, "right")) for head in heads], heads, read
