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
            piece = until(piece, to_ms)  # noqa: PLW2901
        log_ms = np.empty(len(piece), np.int64)
        newest, worst, row = run_clock(piece.device_ms, piece.series, cadence_ms, newest, log_ms)
        if worst >= max(patience_ms, 1):
            raise OutOfOrderError(int(piece.device_ms[row]), worst)
        readings = ReadingBatch(
            series=piece.series, device_ms=piece.device_ms, value=piece.value, flag=piece.flag, log_ms=log_ms
        )
        yield Timed(readings=readings, at=piece.at)


def until(piece: Read, to_ms: int) -> Read:
    """The readings before an instant."""
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
    """Regroup: every batch has `rows_min` readings or more (None: about as they come), the last perhaps fewer.

    A batch never ends within a log time: what happens at one instant is judged together.
    """
    held: list[ReadingBatch] = []
    at = rows = 0
    for piece in timed:
        for part in _parts(piece.readings, rows_min):
            if held and rows >= (rows_min or 0) and part.log_ms[0] > held[-1].log_ms[-1]:
                yield Timed(readings=_joined(held), at=at)
                held, rows = [], 0
            held.append(part)
            rows += len(part)
        at = piece.at
    if held:
        yield Timed(readings=_joined(held), at=at)


def _parts(readings: ReadingBatch, rows_min: int | None) -> Iterator[ReadingBatch]:
    """Views of a piece: its first log time, which may go on from the piece before, the middle, and its last log time."""
    log_ms = readings.log_ms
    if not len(log_ms):
        return
    first = int(np.searchsorted(log_ms, log_ms[0], "right"))
    last = max(first, int(np.searchsorted(log_ms, log_ms[-1])))
    for part in (readings.take(slice(0, first)), readings.take(slice(first, last)), readings.take(slice(last, None))):
        yield from _cut(part, rows_min or max(1, len(part)))


def _cut(part: ReadingBatch, rows_min: int) -> Iterator[ReadingBatch]:
    """Views of `rows_min` rows or a little more, cut between log times."""
    row = 0
    while row < len(part):
        stop = min(row + rows_min, len(part))
        stop = int(np.searchsorted(part.log_ms, part.log_ms[stop - 1], "right"))
        yield part.take(slice(row, stop))
        row = stop


def _joined(parts: list[ReadingBatch]) -> ReadingBatch:
    return parts[0] if len(parts) == 1 else ReadingBatch.concat(parts)
