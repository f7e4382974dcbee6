"""Readings of one batch of payloads as columns, before their log time is looked up."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Row = tuple[int, int, int, float, int]
"""(payload row, series, device_ms, value, flag)"""


class Columns(NamedTuple):
    """Parallel columns of shape (readings,). A named tuple, because compiled code reads and writes it."""

    row: NDArray[np.int32]  # payload in its batch
    series: NDArray[np.int32]
    device_ms: NDArray[np.int64]
    value: NDArray[np.float64]
    flag: NDArray[np.uint8]


def room(size: int) -> Columns:
    """Columns to write into."""
    return Columns(
        row=np.empty(size, np.int32),
        series=np.empty(size, np.int32),
        device_ms=np.empty(size, np.int64),
        value=np.empty(size, np.float64),
        flag=np.empty(size, np.uint8),
    )


def taken(columns: Columns, rows: slice | NDArray[np.intp]) -> Columns:
    """A copy of the chosen rows."""
    return Columns(
        row=columns.row[rows].copy(),
        series=columns.series[rows].copy(),
        device_ms=columns.device_ms[rows].copy(),
        value=columns.value[rows].copy(),
        flag=columns.flag[rows].copy(),
    )


def merged(columns: Columns, rows: list[Row]) -> Columns:
    """The columns and some rows more, in the order of their payloads."""
    if not rows:
        return columns
    both = room(len(columns.row) + len(rows))
    targets: tuple[NDArray[Any], ...] = both
    sources: tuple[NDArray[Any], ...] = columns
    for target, column, more in zip(targets, sources, zip(*rows, strict=True), strict=True):
        target[: len(column)] = column
        target[len(column) :] = more
    return taken(both, np.argsort(both.row, kind="stable"))
