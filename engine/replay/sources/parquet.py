"""Parquet files."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from engine.replay.scan.column import Table
from engine.replay.sources.arrow import column_of
from engine.replay.sources.blocks import NotARecordingError

ROWS = 1 << 18
"""Rows of a piece."""

GROUP_BYTES = 64 << 20
"""A row group of more is read in pieces: memory stays bounded."""


class ParquetSource:
    """A Parquet file; only the wanted columns are read. Its "lines" are row numbers."""

    def __init__(self, file: Path, wanted: Sequence[str], rows: int = ROWS) -> None:
        self.file, self.wanted, self.rows = file, tuple(wanted), rows
        self.size = file.stat().st_size
        try:
            self._file = pq.ParquetFile(file, pre_buffer=False)
        except (pa.ArrowInvalid, OSError) as error:
            raise NotARecordingError(f"{file}: expected a Parquet file: {error}") from error

    def names(self) -> tuple[str, ...]:
        """Its columns."""
        return tuple(self._file.schema_arrow.names)

    def tables(self) -> Iterator[tuple[Table, int]]:
        """See `Source`."""
        columns = [name for name in self.wanted if name in self.names()]
        total = max(1, self._file.metadata.num_rows)
        row = 1
        try:
            for batch in self._batches(columns):
                cells = {name: column_of(batch.column(name)) for name in columns}
                done = row - 1 + batch.num_rows
                yield Table(columns=cells, rows=batch.num_rows, first_line=row), self.size * done // total
                row = done + 1
        except (pa.ArrowInvalid, OSError) as error:
            raise NotARecordingError(f"{self.file}: row {row:,}: cannot be read: {error}") from error

    def _batches(self, columns: list[str]) -> Iterator[pa.RecordBatch]:
        """A row group at once where it is not too large: a third quicker than in pieces."""
        for number in range(self._file.num_row_groups):
            if self._file.metadata.row_group(number).total_byte_size <= GROUP_BYTES:
                group = self._file.read_row_group(number, columns=columns, use_threads=False)
                yield from group.to_batches(max_chunksize=self.rows)
            else:
                yield from self._file.iter_batches(self.rows, row_groups=[number], columns=columns, use_threads=False)
