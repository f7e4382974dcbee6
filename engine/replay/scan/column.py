"""A column of a table, whatever stands behind it, and the table."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from engine.replay.scan.cells import Cell, TextCells
from engine.replay.scan.instants import TimeStyle, instants
from engine.replay.scan.numbers import NumberStyle, numbers
from engine.replay.scan.words import Words
from sensors.refusal import Reason

Times = tuple[NDArray[np.int64], NDArray[np.uint8]]
"""UTC ms and CellState of every row."""

Numbers = tuple[NDArray[np.float64], NDArray[np.uint8]]
"""Value and CellState of every row."""


class Column(Protocol):
    """One column: what its cells are as times, as numbers or as words. Every result has shape (rows,)."""

    def __len__(self) -> int: ...

    def instants(self, style: TimeStyle) -> Times:
        """The cells as times."""

    def numbers(self, style: NumberStyle) -> Numbers:
        """The cells as numbers."""

    def words(self, words: Words) -> NDArray[np.int32]:
        """The cells as numbers of words; new words are added."""

    def cell(self, row: int) -> Cell:
        """One cell as plain Python, to be shown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TextColumn:
    """A column whose cells lie in text."""

    cells: TextCells

    def __len__(self) -> int:
        return len(self.cells)

    def instants(self, style: TimeStyle) -> Times:
        """See `Column`."""
        return instants(self.cells, style)

    def numbers(self, style: NumberStyle) -> Numbers:
        """See `Column`."""
        return numbers(self.cells, style)

    def words(self, words: Words) -> NDArray[np.int32]:
        """See `Column`."""
        return words.numbers(self.cells)

    def cell(self, row: int) -> Cell:
        """See `Column`."""
        return self.cells.cell(row)


@dataclass(frozen=True, slots=True, kw_only=True)
class BadRow:
    """A row that is none: it has no cells."""

    line: int
    reason: Reason
    detail: str  # what was expected and what was there


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A piece of a recording: rows in the order of the file. `bad` rows are not among the cells."""

    columns: Mapping[str, Column]
    rows: int
    first_line: int  # where `line` is None, row i is line first_line + i
    line: NDArray[np.int64] | None = None  # line (or row number) in the file, from 1; shape (rows,)
    bad: tuple[BadRow, ...] = ()

    def line_of(self, row: int) -> int:
        """The line (or row number) of a row in the file."""
        return self.first_line + row if self.line is None else int(self.line[row])
