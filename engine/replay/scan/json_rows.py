"""JSON lines, one object each: where the values of the wanted keys lie."""

from collections.abc import Sequence

import numpy as np
import orjson
from numpy.typing import NDArray

from engine.replay.scan.cells import Cell, CellKind, TextCells
from engine.replay.scan.column import BadRow, Column, Table, TextColumn
from engine.replay.scan.eights import LF, TOPS, eights
from engine.replay.scan.json_scan import scan_lines
from sensors.refusal import Reason


def scan_json(data: NDArray[np.uint8], *, first_line: int, wanted: Sequence[str]) -> Table:
    """The rows of padded whole lines. The last line may lack its line feed.

    Whatever the compiled scanner is not sure of (escapes, nested values, a key given twice, errors) is left to orjson.

    >>> from engine.replay.scan.eights import padded
    >>> text = padded(b'{"v":1.50,"x":[]}\\n[]\\n{"v":2}\\n')
    >>> table = scan_json(text, first_line=1, wanted=["v"])
    >>> table.columns["v"].cell(0), table.columns["v"].cell(1), table.line.tolist()
    (1.5, 2, [1, 3])
    >>> table.bad[0].line, table.bad[0].detail
    (2, 'expected an object, got []')
    """
    rows = int(np.count_nonzero(data == LF))
    keys = [name.encode() for name in wanted]
    key_end = np.cumsum([len(k) for k in keys]).astype(np.int64)
    key_data = np.frombuffer(b"".join(keys), np.uint8)
    start, stop = np.zeros((len(keys), rows), np.int32), np.zeros((len(keys), rows), np.int32)
    kind, sure = np.zeros((len(keys), rows), np.uint8), np.zeros(rows, np.bool_)
    line, span = np.zeros(rows, np.int64), np.zeros((rows, 2), np.int32)
    high = np.uint64(0) if _is_utf8(data) else TOPS
    count = scan_lines(data, eights(data), high, key_data, key_end, start, stop, kind, sure, line, span)
    line = line[:count] + first_line
    odd: list[dict[int, Cell]] = [{} for _ in keys]
    bad: dict[int, str] = {}
    for row in np.flatnonzero(~sure[:count]):
        values = _by_orjson(data[span[row, 0] : span[row, 1]].tobytes(), wanted)
        if isinstance(values, str):
            bad[int(row)] = values
            continue
        for n, value in enumerate(values):
            kind[n, row] = CellKind.ODD
            odd[n][int(row)] = value
    refused = tuple(BadRow(line=int(line[row]), reason=Reason.BAD_JSON, detail=text) for row, text in bad.items())
    columns: dict[str, Column] = {}
    for n, name in enumerate(wanted):
        cells = TextCells(data=data, start=start[n, :count], stop=stop[n, :count], kind=kind[n, :count], odd=odd[n])
        columns[name] = TextColumn(cells=_without(cells, bad))
    line = np.delete(line, list(bad)) if bad else line
    return Table(columns=columns, rows=len(line), first_line=first_line, line=line, bad=refused)


def _is_utf8(data: NDArray[np.uint8]) -> bool:
    """Whether all is UTF-8, so that strings need no second look."""
    text = data.tobytes()
    if text.isascii():
        return True
    try:
        text.decode()
    except UnicodeDecodeError:
        return False
    return True


def _by_orjson(text: bytes, wanted: Sequence[str]) -> list[Cell] | str:
    """The wanted values of one line, or what is wrong with it."""
    try:
        found = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        return f"expected a JSON object, got {_short(text)}: {error}"
    if not isinstance(found, dict):
        return f"expected an object, got {_short(text)}"
    values = [found.get(name) for name in wanted]
    nested = [name for name, value in zip(wanted, values, strict=True) if isinstance(value, dict | list)]
    if nested:
        return f"{nested[0]}: expected a text or a number, got {_short(orjson.dumps(found[nested[0]]))}"
    return values


def _short(text: bytes) -> str:
    shown = text[:60].decode("utf-8", "replace")
    return shown + ("..." if len(text) > 60 else "")


def _without(cells: TextCells, rows: dict[int, str]) -> TextCells:
    if not rows:
        return cells
    gone = np.array(sorted(rows))
    return TextCells(
        data=cells.data,
        start=np.delete(cells.start, gone),
        stop=np.delete(cells.stop, gone),
        kind=np.delete(cells.kind, gone),
        odd={row - int(np.searchsorted(gone, row)): value for row, value in cells.odd.items()},
    )
