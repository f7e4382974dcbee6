"""One column of a text table: where each cell lies in the bytes, and its value as plain Python where somebody asks."""

from dataclasses import dataclass, field
from enum import IntEnum
from typing import cast

import numpy as np
import orjson
from numpy.typing import NDArray

from engine.replay.scan.eights import padded

Cell = str | int | float | bool | None
"""A cell as plain Python: what CSV or JSON says it is. None: nothing there."""


class CellKind(IntEnum):
    """What a scanner found."""

    MISSING = 0  # no such cell, or null
    TEXT = 1  # the bytes of a string
    NUMBER = 2  # the bytes of a JSON number
    ODD = 3  # left to Python; the value is in `TextCells.odd`


class CellState(IntEnum):
    """What became of a cell that should be a number or a time."""

    OK = 0
    BLANK = 1
    BAD = 2
    UNSURE = 3  # within this package only: the compiled code leaves it to Python


@dataclass(frozen=True, slots=True, kw_only=True)
class TextCells:
    """Row i lies at `data[start[i]:stop[i]]`, blanks around it cut off. `start`, `stop`, `kind` have shape (rows,)."""

    data: NDArray[np.uint8]  # padded: see `eights`
    start: NDArray[np.int32]
    stop: NDArray[np.int32]
    kind: NDArray[np.uint8]  # CellKind
    odd: dict[int, Cell] = field(default_factory=dict)  # row -> value, exactly the rows of kind ODD

    def __len__(self) -> int:
        return len(self.start)

    def cell(self, row: int) -> Cell:
        """One cell as plain Python.

        >>> cells_of(["1.50", None]).cell(0), cells_of(["1.50", None]).cell(1)
        ('1.50', None)
        """
        kind = self.kind[row]
        if kind == CellKind.ODD:
            return self.odd[row]
        if kind == CellKind.MISSING:
            return None
        raw = self.data[self.start[row] : self.stop[row]].tobytes()
        return cast(Cell, orjson.loads(raw)) if kind == CellKind.NUMBER else raw.decode("utf-8", "replace")


def cells_of_whole(values: NDArray[np.integer]) -> TextCells:
    """Whole numbers as their texts.

    >>> [cells_of_whole(np.array([7, -12])).cell(row) for row in (0, 1)]
    ['7', '-12']
    """
    texts = values.astype(np.bytes_)
    width = texts.dtype.itemsize
    start = np.arange(len(texts), dtype=np.int32) * np.int32(width)
    return TextCells(
        data=padded(texts.tobytes()),
        start=start,
        stop=start + np.char.str_len(texts).astype(np.int32),
        kind=np.full(len(texts), CellKind.TEXT, np.uint8),
    )


def cells_of(texts: list[str | None]) -> TextCells:
    """Cells of the given texts, for tests and for a few values."""
    encoded = [(t or "").encode() for t in texts]
    ends = np.cumsum([len(e) for e in encoded], dtype=np.int32) if encoded else np.empty(0, np.int32)
    return TextCells(
        data=padded(b"".join(encoded)),
        start=ends - np.array([len(e) for e in encoded], np.int32),
        stop=ends,
        kind=np.array([CellKind.MISSING if t is None else CellKind.TEXT for t in texts], np.uint8),
    )
