"""Delimited text: CSV and its relatives."""

import csv
from collections.abc import Iterator, Sequence
from pathlib import Path

from engine.replay.mapping.mapping import TextStyle
from engine.replay.scan.column import Table
from engine.replay.scan.csv_rows import scan_csv
from engine.replay.scan.eights import padded
from engine.replay.sources.blocks import NotARecordingError, blocks

HEADER_LINES = 64
"""A line of column names may hold line breaks in quotes, up to so many."""


class DelimitedSource:
    """A file of delimited text, plain or gz."""

    def __init__(self, file: Path, style: TextStyle, wanted: Sequence[str]) -> None:
        self.file, self.style, self.wanted = file, style, tuple(wanted)
        self.size = file.stat().st_size

    def names(self) -> tuple[str, ...]:
        """The names in the first line, or those that the mapping gives."""
        first = next(blocks(self.file, self.style.encoding))
        return self._header(first.text)[0]

    def tables(self) -> Iterator[tuple[Table, int]]:
        """See `Source`."""
        names: tuple[str, ...] = ()
        line, carry = 1, b""
        for block in blocks(self.file, self.style.encoding):
            text = carry + block.text
            if not names:
                names, text, line = self._header(text)
            table, used, lines = scan_csv(
                padded(text),
                first_line=line,
                delimiter=self.style.delimiter,
                header=names,
                wanted=self._present(names),
                last=block.last,
            )
            carry, line = text[used:], line + lines
            yield table, block.at

    def _present(self, names: Sequence[str]) -> list[str]:
        return [name for name in self.wanted if name in names]

    def _header(self, text: bytes) -> tuple[tuple[str, ...], bytes, int]:
        """(names, the text after them, its first line)."""
        text = _after(text, self.style.skip_lines)
        if self.style.header:
            return self.style.header, text, self.style.skip_lines + 1
        lines = (line.decode("utf-8", "replace") for line in text.split(b"\n", HEADER_LINES)[:HEADER_LINES])
        reader = csv.reader(lines, delimiter=self.style.delimiter, skipinitialspace=True)
        names = tuple(name.strip() for name in next(reader, ()))
        if not any(names):
            raise NotARecordingError(f"{self.file}:{self.style.skip_lines + 1}: expected names of columns, got nothing")
        return names, _after(text, reader.line_num), self.style.skip_lines + reader.line_num + 1


def _after(text: bytes, lines: int) -> bytes:
    return text.split(b"\n", lines)[-1] if text.count(b"\n") >= lines else b""
