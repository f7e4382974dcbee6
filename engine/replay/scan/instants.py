"""Times: ISO 8601, strptime patterns and epochs, compiled for the usual shapes, Python for the rest, one result."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray

from engine.replay.scan.calendar import parse_iso, parse_pattern
from engine.replay.scan.cells import Cell, CellKind, CellState, TextCells
from engine.replay.scan.eights import eights
from engine.replay.scan.numbers import NumberStyle, number_of, numbers, parse_number
from engine.replay.scan.words import again
from engine.replay.scan.zone import END_MS, END_YEAR, FIRST_MS, FIRST_YEAR, utc_of_local
from sensors.kernel import compiled

OK, BLANK, BAD, UNSURE = (int(s) for s in (CellState.OK, CellState.BLANK, CellState.BAD, CellState.UNSURE))
MISSING, NUMBER, ODD = int(CellKind.MISSING), int(CellKind.NUMBER), int(CellKind.ODD)
EPOCHS = {"epoch_s": 1000.0, "epoch_ms": 1.0}
ISO = "iso"
ISO_TEXT = re.compile(
    r"(\d{4})[-/](\d{1,2})[-/](\d{1,2})(?:[T ](\d{1,2}):(\d{2})(?::(\d{2})(?:[.,](\d{1,9}))?)?)?"
    r" ?(Z|[+-]\d{2}(?::?\d{2})?)?",
    re.ASCII,
)
ISO_EXPECTED = "a time such as 2024-01-31 08:00:00 or 2024-01-31T08:00:00+08:00"


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeStyle:
    """How a file writes times."""

    form: str = ISO  # "iso" (a JSON number: ms since 1970), "epoch_s", "epoch_ms" or a strptime pattern
    zone: str = "Asia/Shanghai"  # of times that carry no offset
    blanks: tuple[str, ...] = ("",)

    @property
    def expected(self) -> str:
        """What a time should look like, for people."""
        return {ISO: ISO_EXPECTED, "epoch_s": "seconds since 1970", "epoch_ms": "milliseconds since 1970"}.get(
            self.form, f"a time like {self.form}"
        )


def instants(cells: TextCells, style: TimeStyle) -> tuple[NDArray[np.int64], NDArray[np.uint8]]:
    """UTC ms and CellState (OK, BLANK or BAD) of every cell; both of shape (rows,).

    >>> from engine.replay.scan.cells import cells_of
    >>> ms, state = instants(cells_of(["2024-01-01 08:00", "2024-01-01T00:00:00.5Z", "", "soon"]), TimeStyle())
    >>> ms.tolist(), state.tolist()
    ([1704067200000, 1704067200500, 0, 0], [0, 0, 1, 2])
    """
    if style.form in EPOCHS:
        amount, state = numbers(cells, NumberStyle(blanks=style.blanks))
        return bounded(np.rint(amount * EPOCHS[style.form]), state)
    ms = np.zeros(len(cells), np.int64)
    state = np.zeros(len(cells), np.uint8)
    local = np.zeros(len(cells), np.bool_)
    ops = pattern_ops(style.form)
    parse_instants(
        cells.data, eights(cells.data), cells.start, cells.stop, cells.kind, ops, style.form == ISO, ms, local, state
    )
    for row in np.flatnonzero(state == UNSURE):
        ms[row], local[row], state[row] = instant_of(cells.cell(int(row)), style)
    if local.any():
        utc, certain = utc_of_local(ms[local], style.zone)
        ms[local] = utc
        state[np.flatnonzero(local)[~certain]] = BAD
    return bounded(ms, state)


def instant_of(cell: Cell, style: TimeStyle) -> tuple[int, bool, CellState]:
    """(ms, whether they are local, state) of one cell, in plain Python: this says what a time is."""
    text = "" if cell is None else str(cell).strip(" \t")
    if not text or text in style.blanks:
        return 0, False, CellState.BLANK
    if style.form == ISO and not isinstance(cell, str):
        amount, state = number_of(cell, NumberStyle())
        return (round(amount), False, state) if abs(amount) < END_MS else (0, False, CellState.BAD)
    try:
        parsed = _from_iso(text) if style.form == ISO else datetime.strptime(text, style.form)
    except (ValueError, OverflowError):
        return 0, False, CellState.BAD
    aware = parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)
    seconds = (aware.replace(microsecond=0) - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds()
    return int(seconds) * 1000 + aware.microsecond // 1000, parsed.tzinfo is None, CellState.OK


def why_bad(cell: Cell, style: TimeStyle) -> str:
    """What was expected of a time that was refused, for people."""
    found, local, state = instant_of(cell, style) if style.form not in EPOCHS else (0, False, CellState.BAD)
    if style.form in EPOCHS:
        amount, state = number_of(cell, NumberStyle(blanks=style.blanks))
        found = int(amount * EPOCHS[style.form])
    if state != CellState.OK:
        return f"expected {style.expected}"
    if not FIRST_MS <= found < END_MS:
        return f"expected a year from {FIRST_YEAR} to {END_YEAR - 1}"
    return f"expected a time that {style.zone} has once (clocks change)" if local else f"expected {style.expected}"


def pattern_ops(form: str) -> NDArray[np.int64]:
    """A strptime pattern as codes for `parse_pattern`; empty for ISO and for patterns left to Python.

    A literal is its byte; a directive is -1 - its place in "YmdHMS".

    >>> pattern_ops("%Y.%m").tolist(), pattern_ops("%b %Y").tolist(), pattern_ops("%H:%M").tolist()
    ([-1, 46, -2], [], [])
    """
    ops = []
    for directive, literal in re.findall(r"%(.)|([!-~ ])|.", form):
        if (directive and directive not in "YmdHMS") or not (directive or literal):
            return np.empty(0, np.int64)
        ops.append(-1 - "YmdHMS".index(directive) if directive else ord(literal))
    return np.array(ops if -1 in ops else [], np.int64)  # without a year Python decides


def bounded(
    ms: NDArray[np.int64] | NDArray[np.float64], state: NDArray[np.uint8]
) -> tuple[NDArray[np.int64], NDArray[np.uint8]]:
    """Times outside of the years that are believed become BAD; `state` is changed."""
    whole = ms.astype(np.int64, copy=False)
    if believable(whole, state):
        return whole, state
    outside = (state == OK) & ~((ms >= FIRST_MS) & (ms < END_MS))
    state[outside] = BAD
    return np.where(state == OK, whole, 0), state


@compiled
def believable(ms: NDArray[np.int64], state: NDArray[np.uint8]) -> bool:
    """Whether all are OK and within the years that are believed."""
    fine = True
    for row in range(len(ms)):
        fine &= state[row] == OK and ms[row] >= FIRST_MS and ms[row] < END_MS
    return fine


def _from_iso(text: str) -> datetime:
    found = ISO_TEXT.fullmatch(text)
    if not found:
        raise ValueError(text)
    *numbers_, fraction, offset = found.groups()
    parts = [int(n or 0) for n in numbers_]
    micro = int((fraction or "").ljust(6, "0")[:6])
    zone = None
    if offset:
        zone = datetime.strptime("+0000" if offset == "Z" else offset.replace(":", "").ljust(5, "0"), "%z").tzinfo
    year, month, day, hour, minute, second = parts
    return datetime(year, month, day, hour, minute, second, micro, tzinfo=zone)


@compiled
def parse_instants(
    data: NDArray[np.uint8],
    eight: NDArray[np.uint64],
    start: NDArray[np.int32],
    stop: NDArray[np.int32],
    kind: NDArray[np.uint8],
    ops: NDArray[np.int64],
    iso: bool,
    ms: NDArray[np.int64],
    local: NDArray[np.bool_],
    state: NDArray[np.uint8],
) -> None:
    """Fill `ms`, `local` and `state` (OK, BLANK, UNSURE) for every cell; ISO where `iso`.

    Neighbours often have the same time: a cell that is the one above it again is not read.
    """
    parts = np.zeros(6, np.int64)
    for row in range(len(start)):
        if row > 0 and kind[row] == kind[row - 1] and kind[row] != ODD and again(eight, start, stop, row):
            ms[row], local[row], state[row] = ms[row - 1], local[row - 1], state[row - 1]
            continue
        if kind[row] == MISSING or (kind[row] != ODD and start[row] == stop[row]):
            state[row] = BLANK
            continue
        found, is_local, sure = 0, True, False
        if kind[row] == NUMBER and iso:
            amount, sure = parse_number(data, start[row], stop[row], 46)
            found, is_local, sure = int(amount), False, sure and amount == np.floor(amount)
        elif kind[row] != ODD and iso:
            found, is_local, sure = parse_iso(data, start[row], stop[row])
        elif kind[row] != ODD and len(ops):
            found, sure = parse_pattern(data, start[row], stop[row], ops, parts)
        ms[row] = found
        local[row] = is_local and sure
        state[row] = OK if sure else UNSURE
