"""Numbers: an exact compiled path for usual ones, Python for the rest, one result."""

import math
import re
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.replay.scan.cells import Cell, CellKind, CellState, TextCells
from sensors.kernel import compiled

POWERS = np.array([10.0**n for n in range(23)])
"""The powers of ten that a float64 holds exactly: a mantissa below 2**53 times or over one of them is rounded once."""

MANTISSA_END = 1 << 53
NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")
OK, BLANK, UNSURE = int(CellState.OK), int(CellState.BLANK), int(CellState.UNSURE)
MISSING, ODD = int(CellKind.MISSING), int(CellKind.ODD)


@dataclass(frozen=True, slots=True, kw_only=True)
class NumberStyle:
    """How a file writes numbers, and what it writes where there is none."""

    point: str = "."  # decimal mark
    blanks: tuple[str, ...] = ("",)  # texts that stand for no value
    blank_numbers: tuple[float, ...] = ()  # numbers that stand for no value, e.g. -9999


def numbers(cells: TextCells, style: NumberStyle) -> tuple[NDArray[np.float64], NDArray[np.uint8]]:
    """Value and CellState (OK, BLANK or BAD) of every cell; both of shape (rows,).

    >>> from engine.replay.scan.cells import cells_of
    >>> value, state = numbers(cells_of(["1.5", "", "2e-3", "n/a", "7 mg"]), NumberStyle(blanks=("", "n/a")))
    >>> value.tolist(), state.tolist()
    ([1.5, 0.0, 0.002, 0.0, 0.0], [0, 1, 0, 1, 2])
    """
    value = np.zeros(len(cells))
    state = np.zeros(len(cells), np.uint8)
    parse_numbers(cells.data, cells.start, cells.stop, cells.kind, ord(style.point), value, state)
    for row in np.flatnonzero(state == UNSURE):
        value[row], state[row] = number_of(cells.cell(int(row)), style)
    for blank in style.blank_numbers:
        state[(state == OK) & (value == blank)] = BLANK
    return value, state


def number_of(cell: Cell, style: NumberStyle) -> tuple[float, CellState]:
    """The same for one cell, in plain Python: this says what a number is.

    >>> number_of("1,5", NumberStyle(point=","))
    (1.5, <CellState.OK: 0>)
    """
    if cell is None:
        return 0.0, CellState.BLANK
    if isinstance(cell, str):
        text = cell.strip(" \t")
        if not text or text in style.blanks:
            return 0.0, CellState.BLANK
        if style.point != ".":
            text = text.replace(".", "?").replace(style.point, ".")
        if not NUMBER.fullmatch(text):
            return 0.0, CellState.BAD
        cell = float(text)
    if isinstance(cell, bool) or not math.isfinite(float(cell)):
        return 0.0, CellState.BAD
    return float(cell) + 0.0, CellState.OK  # + 0.0: minus zero is zero


@compiled
def parse_numbers(
    data: NDArray[np.uint8],
    start: NDArray[np.int32],
    stop: NDArray[np.int32],
    kind: NDArray[np.uint8],
    point: int,
    value: NDArray[np.float64],
    state: NDArray[np.uint8],
) -> None:
    """Fill `value` and `state` (OK, BLANK, UNSURE) for every cell."""
    for row in range(len(start)):
        if kind[row] == ODD:
            state[row] = UNSURE
        elif kind[row] == MISSING or start[row] == stop[row]:
            state[row] = BLANK
        else:
            found, sure = parse_number(data, start[row], stop[row], point)
            value[row] = found
            state[row] = OK if sure else UNSURE


@compiled
def parse_number(data: NDArray[np.uint8], at: int, stop: int, point: int) -> tuple[float, bool]:
    """The number in data[at:stop], and whether that is certain. No sign but '-', no blanks, no digits left out."""
    negative = data[at] == 45
    if negative:
        at += 1
    mantissa = np.uint64(0)
    first = at
    while at < stop and 48 <= data[at] <= 57:
        mantissa = mantissa * np.uint64(10) + np.uint64(data[at] - 48)
        at += 1
    digits = at - first
    exponent = 0
    if digits > 0 and at < stop and data[at] == point:
        at += 1
        dot = at
        while at < stop and 48 <= data[at] <= 57:
            mantissa = mantissa * np.uint64(10) + np.uint64(data[at] - 48)
            at += 1
        exponent = dot - at
    digits -= exponent
    if at < stop and (data[at] | 32) == 101:
        shift, at = parse_exponent(data, at + 1, stop)
        exponent += shift
    sure = at == stop and 0 < digits <= 18 and mantissa < MANTISSA_END and -22 <= exponent <= 22
    if not sure:
        return 0.0, False
    result = float(mantissa) * POWERS[exponent] if exponent >= 0 else float(mantissa) / POWERS[-exponent]
    return (-result if negative and mantissa > 0 else result), True


@compiled
def parse_exponent(data: NDArray[np.uint8], at: int, stop: int) -> tuple[int, int]:
    """Value and end of the digits after an 'e'; the end is -1 where there are none or too many."""
    negative = at < stop and data[at] == 45
    if at < stop and (data[at] == 45 or data[at] == 43):
        at += 1
    first, shift = at, 0
    while at < stop and 48 <= data[at] <= 57 and at - first < 4:
        shift = shift * 10 + (data[at] - 48)
        at += 1
    if at == first:
        return 0, -1
    return (-shift if negative else shift), at
