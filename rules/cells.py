"""From the slots of an hour to the numbers of its checks: compiled reductions in time order.

A cell is a slot of a minute or more, or a minute made of the shorter slots that begin in it: then its value is the mean
of its valid slots. Inputs named `value` and `flag` have shape (slots, rows); `cells` is the number of cells in the hour.
"""

import numpy as np
from numpy.typing import NDArray

from sensors.kernel import compiled
from sensors.reading import Flag

NORMAL = int(Flag.NORMAL)  # a plain integer: the compiler takes it as a constant
Floats = NDArray[np.float64]
Ints = NDArray[np.int32]


@compiled
def _cell(value: Floats, flag: NDArray[np.uint8], row: int, cell: int, cells: int) -> float:
    """Mean of the valid slots of one cell; NaN where none is valid."""
    slots = value.shape[0]
    total, n = 0.0, 0
    for k in range((cell * slots + cells - 1) // cells, ((cell + 1) * slots + cells - 1) // cells):
        if flag[k, row] == NORMAL:
            total += value[k, row]
            n += 1
    return total / n if n else np.nan


@compiled
def even(value: Floats, flag: NDArray[np.uint8], rows: Ints, cells: int) -> tuple[Floats, Ints]:
    """Sum and number of the valid cells, per chosen row; shapes (chosen,)."""
    total, valid = np.zeros(len(rows)), np.zeros(len(rows), np.int32)
    for cell in range(cells):
        for i in range(len(rows)):
            if cells == value.shape[0]:
                if flag[cell, rows[i]] == NORMAL:
                    total[i] += value[cell, rows[i]]
                    valid[i] += 1
            else:
                x = _cell(value, flag, rows[i], cell, cells)
                if not np.isnan(x):
                    total[i] += x
                    valid[i] += 1
    return total, valid


@compiled
def longer(value: Floats, flag: NDArray[np.uint8], row: int, cell: int, span: int, cells: int) -> float:
    """Mean of the valid ones among `span` cells from `cell` on; NaN where none is valid."""
    total, n = 0.0, 0
    for k in range(cell, cell + span):
        x = _cell(value, flag, row, k, cells)
        if not np.isnan(x):
            total += x
            n += 1
    return total / n if n else np.nan


@compiled
def weighted(
    value: Floats, flag: NDArray[np.uint8], rows: Ints, cells: int,
    flow: Floats, flow_flag: NDArray[np.uint8], flow_rows: Ints, flow_cells: int, common: int,
) -> tuple[Floats, Floats, Ints, Ints]:  # fmt: skip
    """Flow-weighted sums over `common` cells an hour, each as long as some cells of both series.

    Returns sum(c q), sum(q), cells counted and cells with zero flow; shapes (chosen,).
    """
    n = len(rows)
    mass, volume = np.zeros(n), np.zeros(n)
    valid, still = np.zeros(n, np.int32), np.zeros(n, np.int32)
    span, flow_span = cells // common, flow_cells // common
    for cell in range(common):
        for i in range(n):
            q = longer(flow, flow_flag, flow_rows[i], cell * flow_span, flow_span, flow_cells)
            if np.isnan(q):
                continue
            if q <= 0:
                still[i] += 1
                continue
            x = longer(value, flag, rows[i], cell * span, span, cells)
            if not np.isnan(x):
                mass[i] += x * q
                volume[i] += q
                valid[i] += 1
    return mass, volume, valid, still


@compiled
def outside(
    value: Floats, flag: NDArray[np.uint8], rows: Ints, cells: int, floor: Floats, ceiling: Floats, scale: Floats
) -> tuple[Ints, Ints, Floats]:
    """Cells outside [floor, ceiling], valid cells, and the value farthest outside (NaN where none is); shapes (chosen,)."""
    n = len(rows)
    out, valid, far = np.zeros(n, np.int32), np.zeros(n, np.int32), np.full(n, np.nan)
    for cell in range(cells):
        for i in range(n):
            x = _cell(value, flag, rows[i], cell, cells)
            if np.isnan(x):
                continue
            valid[i] += 1
            x = np.rint(np.rint(x * scale[i] * 1e6) / 1e6) / scale[i]
            beyond = _beyond(x, floor[i], ceiling[i], scale[i])
            if beyond > 0:
                out[i] += 1
                if np.isnan(far[i]) or beyond > _beyond(far[i], floor[i], ceiling[i], scale[i]):
                    far[i] = x
    return out, valid, far


@compiled
def _beyond(x: float, floor: float, ceiling: float, scale: float) -> float:
    """How far x lies outside [floor, ceiling], in units of 1 / scale and free of the noise of subtraction."""
    return float(np.rint(max(floor - x, x - ceiling) * scale))
