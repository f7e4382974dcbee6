"""Log time for an imported history: a reading is known when the span it stands for has ended, and time never goes back.

A history in time order is judged as it would have been live, with nothing late. One that is not is put in order first.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.replay.reader import Read
from sensors.kernel import compiled
from sensors.reading import KINDS, ReadingBatch


class OutOfOrderError(ValueError):
    """A reading came so long after later ones that its windows may have been judged without it."""

    def __init__(self, device_ms: int, lag_ms: int) -> None:
        self.device_ms, self.lag_ms = device_ms, lag_ms
        super().__init__(f"a reading of {device_ms} came {lag_ms} ms after later ones")


@dataclass(frozen=True, slots=True, kw_only=True)
class Timed:
    """Readings with log times, and how far the file was read for them."""

    readings: ReadingBatch
    at: int


def with_log_time(
    pieces: Iterable[Read], cadence_ms: NDArray[np.int64], patience_ms: int, to_ms: int | None = None
) -> Iterator[Timed]:
    """Readings in the order of the file, each at the time when all before it are known too.

    `cadence_ms` (KINDS,): length of a slot by kind. Readings at or after `to_ms` are left out. OutOfOrderError where a
    reading lags by `patience_ms` or more: windows that end with it are judged no earlier than that.
    """
    newest = -(1 << 62)
    for piece in pieces:
        if to_ms is not None:
            piece = _until(piece, to_ms)  # noqa: PLW2901
        log_ms = np.empty(len(piece), np.int64)
        newest, worst, row = run_clock(piece.device_ms, piece.series, cadence_ms, newest, log_ms)
        if worst >= max(patience_ms, 1):
            raise OutOfOrderError(int(piece.device_ms[row]), worst)
        readings = ReadingBatch(
            series=piece.series, device_ms=piece.device_ms, value=piece.value, flag=piece.flag, log_ms=log_ms
        )
        yield Timed(readings=readings, at=piece.at)


def _until(piece: Read, to_ms: int) -> Read:
    keep = piece.device_ms < to_ms
    if keep.all():
        return piece
    columns = (piece.series[keep], piece.device_ms[keep], piece.value[keep], piece.flag[keep])
    return Read(series=columns[0], device_ms=columns[1], value=columns[2], flag=columns[3], at=piece.at)


@compiled
def run_clock(
    device_ms: NDArray[np.int64],
    series: NDArray[np.int32],
    cadence_ms: NDArray[np.int64],
    newest: int,
    log_ms: NDArray[np.int64],
) -> tuple[int, int, int]:
    """Fill `log_ms`; returns (newest log time, longest lag behind it in ms, the row that lags so)."""
    worst, at = 0, 0
    for row in range(len(device_ms)):
        known_ms = device_ms[row] + cadence_ms[series[row] % KINDS]
        if known_ms >= newest:
            newest = known_ms
        elif newest - known_ms > worst:
            worst, at = newest - known_ms, row
        log_ms[row] = newest
    return newest, worst, at


def in_batches(timed: Iterable[Timed], rows_min: int | None) -> Iterator[Timed]:
    """Regroup: every batch has `rows_min` readings or more (None: as they come), the last perhaps fewer.

    A batch never ends within a log time: what happens at one instant is judged together.
    """
    held: list[ReadingBatch] = []
    at = 0
    for piece in timed:
        held.append(piece.readings)
        at = piece.at
        for batch in _complete(held, rows_min):
            yield Timed(readings=batch, at=at)
    rest = ReadingBatch.concat(held)
    for batch in _cut(rest, rows_min, len(rest)):
        yield Timed(readings=batch, at=at)


def _complete(held: list[ReadingBatch], rows_min: int | None) -> Iterator[ReadingBatch]:
    """The batches that `held` is enough for; they are taken out of it. It keeps the readings of the newest log time."""
    newest = next((part.log_ms[-1] for part in reversed(held) if len(part)), None)
    first = next((part.log_ms[0] for part in held if len(part)), None)
    if newest is None or newest == first or sum(map(len, held)) < (rows_min or 0):
        return
    whole = held[0] if len(held) == 1 else ReadingBatch.concat(held)
    end = int(np.searchsorted(whole.log_ms, newest))
    used = 0
    for batch in _cut(whole, rows_min, end):
        if rows_min is not None and len(batch) < rows_min:
            break
        used += len(batch)
        yield batch
    held[:] = [whole.take(slice(used, None))]


def _cut(whole: ReadingBatch, rows_min: int | None, end: int) -> Iterator[ReadingBatch]:
    """Cut the first `end` rows between log times."""
    row = 0
    while row < end:
        stop = end if rows_min is None else min(row + rows_min, end)
        if stop < end:
            stop = int(np.searchsorted(whole.log_ms[:end], whole.log_ms[stop - 1], "right"))
        yield whole.take(slice(row, stop))
        row = stop
