"""A piece of a text table: cells of named columns, and the place of each row in the file."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.replay.scan.cells import TextCells
from sensors.refusal import Reason


@dataclass(frozen=True, slots=True, kw_only=True)
class BadRow:
    """A row that is not one: it has no cells."""

    line: int
    reason: Reason
    detail: str  # what was expected and what was there


@dataclass(frozen=True, slots=True, kw_only=True)
class TextTable:
    """Rows in the order of the file. `bad` rows are not among the cells."""

    columns: Mapping[str, TextCells]
    line: NDArray[np.int64]  # line of the file each row begins in, from 1; shape (rows,)
    bad: tuple[BadRow, ...] = ()
