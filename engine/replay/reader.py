"""From the tables of a recording to readings: which series, when, what, in which state. What is no reading is refused."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.replay.account import Account
from engine.replay.mapping.mapping import Mapping, Measured
from engine.replay.register import Register
from engine.replay.scan.cells import Cell, CellState, cells_of
from engine.replay.scan.column import Column, Table, TextColumn
from engine.replay.scan.instants import why_bad
from engine.replay.scan.words import Words
from engine.replay.sources.source import Source
from sensors.reading import Flag, Kind
from sensors.refusal import Reason
from sensors.units import SAME

REASONS = (
    Reason.BLANK,
    Reason.BAD_TIME,
    Reason.UNKNOWN_OUTLET,
    Reason.UNKNOWN_FACTOR,
    Reason.BAD_VALUE,
)
"""Why a cell is no reading; the first that fits counts."""

KEPT = len(REASONS)
SHOWN = 40
WORDS_SHOWN = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Read:
    """Readings of one piece of a recording, in its order, without a log time. Columns have shape (readings,)."""

    series: NDArray[np.int32]
    device_ms: NDArray[np.int64]
    value: NDArray[np.float64]
    flag: NDArray[np.uint8]
    at: int  # bytes of the file read so far

    def __len__(self) -> int:
        return len(self.series)


@dataclass(slots=True)
class Reader:
    """Reads a recording once, from the start."""

    mapping: Mapping
    source: Source
    register: Register
    account: Account
    file: str
    _flag_words: Words = field(default_factory=Words)
    _flags: NDArray[np.uint8] = field(default_factory=lambda: np.empty(0, np.uint8))

    def pieces(self) -> Iterator[Read]:
        """Readings, piece by piece. What is refused is told to `account`."""
        for table, at in self.source.tables():
            for bad in table.bad:
                self.account.refusals.add(bad.reason, [bad.line], partial(self._at, text=bad.detail), count=self._width)
            if table.rows:
                yield self._piece(table, at)

    @property
    def _width(self) -> int:
        """Readings in a row."""
        return max(1, len(self.mapping.wide))

    def _piece(self, table: Table, at: int) -> Read:
        ms, time_state = self._times(table)
        parts = [self._part(table, name, measured, ms, time_state) for name, measured in self._columns()]
        if len(parts) == 1:
            return self._kept(table, parts[0], at)
        whole = Part(**{f: np.stack([getattr(p, f) for p in parts], 1).ravel() for f in Part.__slots__})
        return self._kept(table, whole, at)

    def _columns(self) -> list[tuple[str, Measured | None]]:
        if self.mapping.wide:
            return list(self.mapping.wide)
        return [(self.mapping.value_column, self.mapping.factors.get("") if not self.mapping.factor_column else None)]

    def _part(
        self, table: Table, name: str, measured: Measured | None, ms: NDArray[np.int64], time_state: NDArray[np.uint8]
    ) -> "Part":
        """The readings of one column; where `measured` is None, the factor column tells what they are."""
        mapping, rows = self.mapping, table.rows
        outlet = self._outlets(table, measured.outlet if measured else "")
        value, state = _column(table, name).numbers(mapping.numbers)
        kind = measured.kind if measured else mapping.kind
        factor = np.zeros(rows, np.int32)
        if measured is None:
            factor = _column(table, mapping.factor_column).words(self.register.factor_words)
            series = self.register.series_of_words(factor, outlet)
            value = self._converted(value, factor)
        else:
            series = self.register.series_of(measured, outlet)
            value = value if measured.conversion == SAME else measured.conversion(value)
        if mapping.times.names_end and kind is not Kind.REALTIME:
            ms = ms - mapping.cadence_ms(kind)
        flag = self._flag(table, (measured.flag_column if measured else "") or mapping.flag_column)
        why = _why(state, time_state, series, self.register.knows(factor) if measured is None else None)
        return Part(series=series, device_ms=ms, value=value, flag=flag, why=why)

    def _kept(self, table: Table, part: "Part", at: int) -> Read:
        why = part.why
        if (why == KEPT).all():
            return Read(series=part.series, device_ms=part.device_ms, value=part.value, flag=part.flag, at=at)
        for number, reason in enumerate(REASONS):
            cells = np.flatnonzero(why == number)
            if len(cells):
                self.account.refusals.add(reason, cells.tolist(), self._describe(table, reason))
        keep = why == KEPT
        return Read(
            series=part.series[keep], device_ms=part.device_ms[keep], value=part.value[keep], flag=part.flag[keep], at=at
        )

    def _times(self, table: Table) -> tuple[NDArray[np.int64], NDArray[np.uint8]]:
        return self._time_column(table).instants(self.mapping.times.style)

    def _time_column(self, table: Table) -> Column:
        names = self.mapping.times.columns
        if len(names) == 1:
            return _column(table, names[0])
        columns = [_column(table, name) for name in names]
        joined = [" ".join(_text(c.cell(row)) for c in columns).strip() for row in range(table.rows)]
        return TextColumn(cells=cells_of(list(joined)))

    def _outlets(self, table: Table, word: str) -> NDArray[np.int32]:
        words = self.register.outlet_words
        word = word or self.mapping.outlet
        if word:
            return np.full(table.rows, words.number(word), np.int32)
        return _column(table, self.mapping.outlet_column).words(words)

    def _converted(self, value: NDArray[np.float64], factor: NDArray[np.int32]) -> NDArray[np.float64]:
        """Values of a long table in their judging units."""
        for number, word in enumerate(self.register.factor_words.texts):
            measured = self.mapping.factors.get(word)
            if measured and measured.conversion != SAME:
                rows = factor == number
                value[rows] = measured.conversion(value[rows])
        return value

    def _flag(self, table: Table, name: str) -> NDArray[np.uint8]:
        if not name:
            return np.full(table.rows, self.mapping.unstated, np.uint8)
        words = _column(table, name).words(self._flag_words)
        if len(self._flag_words) > len(self._flags):
            self._flags = np.array([self.mapping.flags.get(t, Flag.UNKNOWN) for t in self._flag_words.texts], np.uint8)
            unknown = [t for t, flag in zip(self._flag_words.texts, self._flags, strict=True) if flag == Flag.UNKNOWN]
            if unknown:
                self.account.note("unknown_flags", words=", ".join(unknown[:WORDS_SHOWN]))
        known = np.append(self._flags, np.uint8(self.mapping.flags.get("", self.mapping.unstated)))
        return known[words]  # NOTHING is -1: the last

    def _describe(self, table: Table, reason: Reason) -> Callable[[int], str]:
        def describe(cell: int) -> str:
            row, column = divmod(cell, self._width)
            name, _ = self._columns()[column]
            return self._at(table.line_of(row), self._what(table, row, name, reason))

        return describe

    def _what(self, table: Table, row: int, name: str, reason: Reason) -> str:
        mapping = self.mapping
        if reason is Reason.BAD_TIME:
            cell = self._time_column(table).cell(row)
            return f"{'+'.join(mapping.times.columns)}: {_shown(cell)}: {why_bad(cell, mapping.times.style)}"
        if reason is Reason.UNKNOWN_OUTLET:
            cell = _column(table, mapping.outlet_column).cell(row)
            return f"{mapping.outlet_column}: {_shown(cell)}: expected one of the mapping's outlets"
        if reason is Reason.UNKNOWN_FACTOR:
            cell = _column(table, mapping.factor_column).cell(row)
            return f"{mapping.factor_column}: {_shown(cell)}: expected a factor of the mapping, or an HJ 212-2017 code"
        return f"{name}: {_shown(_column(table, name).cell(row))}: expected a number"

    def _at(self, line: int, text: str) -> str:
        return f"{self.file}:{line}: {text}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """Columns of equal length before anything is refused."""

    series: NDArray[np.int32]
    device_ms: NDArray[np.int64]
    value: NDArray[np.float64]
    flag: NDArray[np.uint8]
    why: NDArray[np.uint8]  # position in REASONS, or KEPT


def _why(
    state: NDArray[np.uint8],
    time_state: NDArray[np.uint8],
    series: NDArray[np.int32],
    knows: NDArray[np.bool_] | None,
) -> NDArray[np.uint8]:
    """Why each cell is no reading, shape (cells,). `knows`: whether its factor is known; None: they all are."""
    if series.min(initial=0) >= 0 and not state.any() and not time_state.any():
        return np.full(len(state), KEPT, np.uint8)
    fine = series >= 0
    tests: list[NDArray[np.bool_]] = [
        state == CellState.BLANK,
        time_state != CellState.OK,
        ~fine if knows is None else ~fine & knows,
        ~fine,
        state != CellState.OK,
    ]
    return np.select(tests, list(range(KEPT)), KEPT).astype(np.uint8)


def _column(table: Table, name: str) -> Column:
    return table.columns[name]


def _text(cell: Cell) -> str:
    return "" if cell is None else str(cell)


def _shown(cell: Any) -> str:
    text = "nothing" if cell is None or cell == "" else repr(cell)
    return text if len(text) <= SHOWN else text[: SHOWN - 3] + "..."

