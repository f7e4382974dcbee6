"""JSON lines: one object a line."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import orjson

from engine.replay.scan.column import Table
from engine.replay.scan.eights import LF, PAD, padded
from engine.replay.scan.json_rows import scan_json
from engine.replay.sources.blocks import blocks

LOOKED_AT = 1000
"""Lines whose keys are taken as the file's columns."""


class JsonLinesSource:
    """A file of JSON lines, plain or gz."""

    def __init__(self, file: Path, wanted: Sequence[str]) -> None:
        self.file, self.wanted = file, tuple(wanted)
        self.size = file.stat().st_size

    def names(self) -> tuple[str, ...]:
        """The keys of the first lines."""
        found: dict[str, None] = {}
        for line in next(blocks(self.file)).text.split(b"\n", LOOKED_AT)[:LOOKED_AT]:
            try:
                value = orjson.loads(line)
            except orjson.JSONDecodeError:
                continue
            if isinstance(value, dict):
                found |= dict.fromkeys(value)
        return tuple(found)

    def tables(self) -> Iterator[tuple[Table, int]]:
        """See `Source`. A key that a line lacks is a cell with nothing in it."""
        line = 1
        for block in blocks(self.file):
            data = padded(block.text)
            yield scan_json(data, first_line=line, wanted=self.wanted), block.at
            line += int(np.count_nonzero(data == LF)) - PAD  # several times as quick as to count in bytes
