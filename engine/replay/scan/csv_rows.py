"""Rows of delimited text: where the cells of the wanted columns lie."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from engine.replay.scan.cells import Cell, CellKind, TextCells
from engine.replay.scan.column import BadRow, Column, Table, TextColumn
from engine.replay.scan.eights import LF, PAD, QUOTE
from sensors.kernel import compiled
from sensors.refusal import Reason

TEXT, ODD = int(CellKind.TEXT), int(CellKind.ODD)
CR, BLANK, TAB = 13, 32, 9
QUOTED_MAX = 65536
CUT_OFF = -2
EMPTY_LINE = -1


def scan_csv(
    data: NDArray[np.uint8],
    *,
    first_line: int,
    delimiter: str,
    header: Sequence[str],
    wanted: Sequence[str],
    last: bool,
) -> tuple[Table, int, int]:
    """The complete rows of padded whole lines, how many bytes they take, and how many lines.

    A row that goes on in the next piece (a line break in quotes) is left for it, unless this is the `last`. Lines without
    any text are no rows. Cells may stand in double quotes, with a quote written twice and with line breaks.

    >>> from engine.replay.scan.eights import padded
    >>> text = padded(b"1,'a'\\n2\\n3,c".replace(b"'", b'"'))
    >>> table, size, lines = scan_csv(text, first_line=2, delimiter=",", header=["n", "w"], wanted=["w"], last=True)
    >>> table.columns["w"].cell(0), table.columns["w"].cell(1), table.line.tolist()
    ('a', 'c', [2, 4])
    >>> table.bad[0].line, table.bad[0].detail
    (3, 'expected 2 cells, got 1')
    """
    rows = int(np.count_nonzero(data == LF))
    place = np.full(len(header), -1, np.int32)
    for number, name in enumerate(wanted):
        place[list(header).index(name)] = number
    start, stop = np.zeros((len(wanted), rows), np.int32), np.zeros((len(wanted), rows), np.int32)
    kind = np.full((len(wanted), rows), TEXT, np.uint8)
    line, cells = np.zeros(rows, np.int64), np.zeros(rows, np.int32)
    count, size, lines = scan_rows(data, ord(delimiter), place, last, start, stop, kind, line, cells)
    line, cells = line[:count] + first_line, cells[:count]
    good = cells == len(header)
    bad = tuple(
        BadRow(line=int(line[row]), reason=Reason.BAD_ROW, detail=f"expected {len(header)} cells, got {cells[row]}")
        for row in np.flatnonzero(~good & (cells != EMPTY_LINE))
    )
    keep = slice(0, count) if good.all() else np.flatnonzero(good)
    columns: dict[str, Column] = {
        name: TextColumn(cells=_with_odd(data, start[n][keep], stop[n][keep], kind[n][keep]))
        for n, name in enumerate(wanted)
    }
    kept = line[keep]
    return Table(columns=columns, rows=len(kept), first_line=first_line, line=kept, bad=bad), size, lines


def _with_odd(
    data: NDArray[np.uint8], start: NDArray[np.int32], stop: NDArray[np.int32], kind: NDArray[np.uint8]
) -> TextCells:
    """Cells with quotes written twice are unwritten here, one by one."""
    odd: dict[int, Cell] = {}
    for row in np.flatnonzero(kind == ODD):
        raw = data[start[row] : stop[row]].tobytes().decode("utf-8", "replace")
        odd[int(row)] = raw.replace('""', '"').strip(" \t")
    return TextCells(data=data, start=start, stop=stop, kind=kind, odd=odd)


@compiled
def scan_rows(
    data: NDArray[np.uint8],
    delimiter: int,
    place: NDArray[np.int32],
    last: bool,
    start: NDArray[np.int32],
    stop: NDArray[np.int32],
    kind: NDArray[np.uint8],
    line: NDArray[np.int64],
    cells: NDArray[np.int32],
) -> tuple[int, int, int]:
    """Fill the row arrays; returns (rows, bytes used, lines used). `place`: column of the file -> wanted column or -1."""
    at, row, lines, width, size = 0, 0, 0, len(place), len(data) - PAD
    while at < size:
        begin, column, breaks, ended = at, 0, 0, False
        while not ended:
            cell, end, at, quotes, inside = scan_cell(data, at, delimiter, last)
            if at == CUT_OFF:
                return row, begin, lines
            if column < width and place[column] >= 0:
                start[place[column], row], stop[place[column], row] = cell, end
                kind[place[column], row] = ODD if quotes else TEXT
            ended = data[at] == LF
            breaks += inside
            column += 1
            at += 1
        line[row] = lines
        cells[row] = EMPTY_LINE if column == 1 and cell == end and width > 1 else column
        lines += breaks + 1
        row += 1
    return row, min(at, size), lines


@compiled
def scan_cell(data: NDArray[np.uint8], at: int, delimiter: int, last: bool) -> tuple[int, int, int, bool, int]:
    """One cell at `at`: (start, stop, place of the delimiter or LF after it, whether quotes are doubled in it, LFs in it).

    A quote that is not closed within `QUOTED_MAX` bytes, or closed before more text, is a letter like any other. If the
    data ends before that can be told, and more is to come, the place is `CUT_OFF`.
    """
    while data[at] == BLANK or (data[at] == TAB and delimiter != TAB):
        at += 1
    if data[at] == QUOTE:
        stop, doubled, breaks = quoted_end(data, at + 1)
        if stop == CUT_OFF and not last:
            return at, at, CUT_OFF, False, 0
        end = stop + 1
        while stop >= 0 and (data[end] == BLANK or data[end] == CR):
            end += 1
        if stop >= 0 and (data[end] == delimiter or data[end] == LF):
            start, stop = trimmed(data, at + 1, stop)
            return start, stop, end, doubled, breaks
    start = at
    while data[at] != delimiter and data[at] != LF:
        at += 1
    start, stop = trimmed(data, start, at)
    return start, stop, at, False, 0


@compiled
def trimmed(data: NDArray[np.uint8], start: int, stop: int) -> tuple[int, int]:
    """The text without blanks, tabs and carriage returns at its ends."""
    while stop > start and (data[stop - 1] == BLANK or data[stop - 1] == TAB or data[stop - 1] == CR):
        stop -= 1
    while start < stop and (data[start] == BLANK or data[start] == TAB):
        start += 1
    return start, stop


@compiled
def quoted_end(data: NDArray[np.uint8], at: int) -> tuple[int, bool, int]:
    """Of the quoted text at `at`: (place of the closing quote, whether quotes are doubled in it, LFs in it).

    No closing quote: `CUT_OFF` if the data ends before it could be told, else -1.
    """
    first, doubled, breaks, size = at, False, 0, len(data) - PAD
    while at < size and at - first < QUOTED_MAX:
        if data[at] == QUOTE:
            if data[at + 1] != QUOTE:
                return at, doubled, breaks
            doubled = True
            at += 1
        breaks += data[at] == LF
        at += 1
    return (CUT_OFF if at >= size else -1), False, 0
