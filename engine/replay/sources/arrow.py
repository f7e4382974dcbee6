"""Columns of Parquet files, which have types."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from engine.replay.scan.cells import Cell, CellKind, CellState, TextCells
from engine.replay.scan.column import Column, Numbers, TextColumn, Times
from engine.replay.scan.eights import padded
from engine.replay.scan.instants import EPOCHS, ISO, TimeStyle, bounded
from engine.replay.scan.numbers import NumberStyle
from engine.replay.scan.words import NOTHING, Words
from engine.replay.scan.zone import utc_of_local
from sensors.kernel import compiled

OK, BLANK, BAD = (np.uint8(s) for s in (CellState.OK, CellState.BLANK, CellState.BAD))


def column_of(array: pa.Array) -> Column:
    """A column for an Arrow array, by its type."""
    kind = array.type
    if pa.types.is_dictionary(kind):
        return DictionaryColumn(index=array.indices, values=column_of(array.dictionary))
    if pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
        return TextColumn(cells=_text(array))
    if pa.types.is_decimal(kind) or pa.types.is_boolean(kind):
        return TextColumn(cells=_text(pc.cast(array, pa.string())))
    return ArrowColumn(array=array)


@dataclass(frozen=True, slots=True, kw_only=True)
class ArrowColumn:
    """Numbers, timestamps, dates."""

    array: Any  # pa.Array

    def __len__(self) -> int:
        return len(self.array)

    def instants(self, style: TimeStyle) -> Times:
        """See `Column`. Whole numbers are ms since 1970, unless the mapping says seconds."""
        kind = self.array.type
        if pa.types.is_integer(kind) or pa.types.is_floating(kind):
            value, state = self.numbers(NumberStyle())
            if style.form not in (*EPOCHS, ISO):
                return np.zeros(len(self), np.int64), np.where(state == OK, BAD, state)
            return bounded(np.rint(value * EPOCHS.get(style.form, 1.0)), state)
        if not (pa.types.is_timestamp(kind) or pa.types.is_date(kind)):
            return np.zeros(len(self), np.int64), np.full(len(self), BAD)
        state = self._state()
        zone = getattr(kind, "tz", None)
        ms = _filled(pc.cast(self.array, pa.timestamp("ms", zone), safe=False).view(pa.int64()))
        if zone is None:
            ms, certain = utc_of_local(ms, style.zone)
            state[(state == OK) & ~certain] = BAD
        return bounded(ms, state)

    def numbers(self, style: NumberStyle) -> Numbers:
        """See `Column`. NaN stands for no value; infinity is none."""
        if not (pa.types.is_integer(self.array.type) or pa.types.is_floating(self.array.type)):
            return np.zeros(len(self)), np.full(len(self), BAD)
        value = _filled(self.array).astype(np.float64, copy=False)
        if not self.array.null_count and all_finite(value):
            state = np.zeros(len(self), np.uint8)
        else:
            state = self._state()
            state[np.isnan(value)] = BLANK
            state[np.isinf(value)] = BAD
            value = np.where(state == OK, value, 0.0)
        for blank in style.blank_numbers:
            state[value == blank] = BLANK
        return value, state

    def words(self, words: Words) -> NDArray[np.int32]:
        """See `Column`. Only whole numbers are names."""
        if pa.types.is_integer(self.array.type):
            out = words.whole_numbers(_filled(self.array))
            return np.where(self._state() == OK, out, NOTHING).astype(np.int32) if self.array.null_count else out
        if pa.types.is_nested(self.array.type):
            return np.full(len(self), NOTHING, np.int32)
        return TextColumn(cells=_text(pc.cast(self.array, pa.string()))).words(words)

    def cell(self, row: int) -> Cell:
        """See `Column`."""
        value = self.array[row].as_py()
        return value if value is None or isinstance(value, str | int | float) else str(value)

    def _state(self) -> NDArray[np.uint8]:
        state = np.zeros(len(self), np.uint8)
        if self.array.null_count:
            state[self.array.is_null().to_numpy(zero_copy_only=False)] = BLANK
        return state


@dataclass(frozen=True, slots=True, kw_only=True)
class DictionaryColumn:
    """Cells that are numbers of values."""

    index: Any  # pa.Array of whole numbers; null: nothing there
    values: Column

    def __len__(self) -> int:
        return len(self.index)

    def instants(self, style: TimeStyle) -> Times:
        """See `Column`."""
        ms, state = self.values.instants(style)
        return self._spread(ms, 0), self._spread(state, BLANK)

    def numbers(self, style: NumberStyle) -> Numbers:
        """See `Column`."""
        value, state = self.values.numbers(style)
        return self._spread(value, 0.0), self._spread(state, BLANK)

    def words(self, words: Words) -> NDArray[np.int32]:
        """See `Column`."""
        return self._spread(self.values.words(words), NOTHING)

    def cell(self, row: int) -> Cell:
        """See `Column`."""
        index = self.index[row].as_py()
        return None if index is None else self.values.cell(index)

    def _spread(self, values: NDArray[Any], none: Any) -> NDArray[Any]:
        if not len(values):
            return np.full(len(self), none, values.dtype)
        found: NDArray[Any] = values[_filled(self.index)]
        if self.index.null_count:
            found[self.index.is_null().to_numpy(zero_copy_only=False)] = none
        return found


@compiled
def all_finite(value: NDArray[np.float64]) -> bool:
    """Whether none is NaN or infinite."""
    fine = True
    for row in range(len(value)):
        fine &= value[row] - value[row] == 0.0
    return fine


def _filled(array: pa.Array) -> NDArray[Any]:
    """The values; whatever where there is none."""
    found: NDArray[Any] = (pc.fill_null(array, 0) if array.null_count else array).to_numpy(zero_copy_only=False)
    return found


def _text(array: pa.Array) -> TextCells:
    array = pc.utf8_trim_whitespace(pc.cast(array, pa.string()))
    offsets = np.frombuffer(array.buffers()[1], np.int32)[array.offset : array.offset + len(array) + 1]
    data = array.buffers()[2]
    kind = np.full(len(array), CellKind.TEXT, np.uint8)
    if array.null_count:
        kind[array.is_null().to_numpy(zero_copy_only=False)] = CellKind.MISSING
    return TextCells(
        data=padded(b"" if data is None else data.to_pybytes()), start=offsets[:-1], stop=offsets[1:], kind=kind
    )
