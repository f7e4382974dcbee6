"""From the slots of an hour to the numbers of its checks: compiled reductions in time order.

A cell is a slot of a minute or more, or a minute made of shorter slots: then its value is the mean of its valid slots.
Inputs named `value` and `flag` have shape (slots, rows); `group` is the number of slots in a cell.
"""

import numpy as np
from numpy.typing import NDArray

from sensors.kernel import compiled
from sensors.reading import Flag

NORMAL = int(Flag.NORMAL)  # a plain integer: the compiler takes it as a constant
Floats = NDArray[np.float64]
Ints = NDArray[np.int32]


@compiled
def _cell(value: Floats, flag: NDArray[np.uint8], row: int, slot: int, group: int) -> float:
    """Mean of the valid ones of `group` slots from `slot` on; NaN where none is valid."""
    total, n = 0.0, 0
    for k in range(slot, slot + group):
        if flag[k, row] == NORMAL:
            total += value[k, row]
            n += 1
    return total / n if n else np.nan


@compiled
def even(value: Floats, flag: NDArray[np.uint8], rows: Ints, group: int) -> tuple[Floats, Ints]:
    """Sum and number of the valid cells, per chosen row; shapes (chosen,)."""
    total, valid = np.zeros(len(rows)), np.zeros(len(rows), np.int32)
    for slot in range(0, value.shape[0], group):
        for i in range(len(rows)):
            if group == 1:
                if flag[slot, rows[i]] == NORMAL:
                    total[i] += value[slot, rows[i]]
                    valid[i] += 1
            else:
                x = _cell(value, flag, rows[i], slot, group)
                if not np.isnan(x):
                    total[i] += x
                    valid[i] += 1
    return total, valid


@compiled
def longer(value: Floats, flag: NDArray[np.uint8], row: int, slot: int, span: int, group: int) -> float:
    """Mean of the valid cells among `span` slots from `slot` on; NaN where none is valid."""
    total, n = 0.0, 0
    for k in range(slot, slot + span, group):
        x = _cell(value, flag, row, k, group)
        if not np.isnan(x):
            total += x
            n += 1
    return total / n if n else np.nan


@compiled
def weighted(
    value: Floats, flag: NDArray[np.uint8], rows: Ints, group: int,
    flow: Floats, flow_flag: NDArray[np.uint8], flow_rows: Ints, flow_group: int, cells: int,
) -> tuple[Floats, Floats, Ints, Ints]:  # fmt: skip
    """Flow-weighted sums over `cells` common cells an hour: sum(c q), sum(q), cells counted, cells with zero flow."""
    n = len(rows)
    mass, volume = np.zeros(n), np.zeros(n)
    valid, still = np.zeros(n, np.int32), np.zeros(n, np.int32)
    span, flow_span = value.shape[0] // cells, flow.shape[0] // cells
    for cell in range(cells):
        for i in range(n):
            q = longer(flow, flow_flag, flow_rows[i], cell * flow_span, flow_span, flow_group)
            if np.isnan(q):
                continue
            if q <= 0:
                still[i] += 1
                continue
            x = longer(value, flag, rows[i], cell * span, span, group)
            if not np.isnan(x):
                mass[i] += x * q
                volume[i] += q
                valid[i] += 1
    return mass, volume, valid, still


@compiled
def outside(
    value: Floats, flag: NDArray[np.uint8], rows: Ints, group: int, floor: Floats, ceiling: Floats, scale: Floats
) -> tuple[Ints, Ints, Floats]:
    """Cells outside [floor, ceiling], valid cells, and the value farthest outside (NaN where none is); shapes (chosen,)."""
    n = len(rows)
    out, valid, far = np.zeros(n, np.int32), np.zeros(n, np.int32), np.full(n, np.nan)
    for slot in range(0, value.shape[0], group):
        for i in range(n):
            x = _cell(value, flag, rows[i], slot, group)
            if np.isnan(x):
                continue
            valid[i] += 1
            x = np.rint(x * scale[i]) / scale[i]
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
