"""Sealed days: one Parquet file a day and table, sorted by key, never changed in place."""

import os
from collections.abc import Callable, Iterable, Iterator
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from engine.store.table import Rows, Table
from rules.calendar import EPOCH

GROUP_ROWS = 131_072
"""Rows of a row group: what is in memory at once while a day is read or written."""

Texts = dict[str, pa.Array]
"""Columns of words to stand beside the numbers, by name."""

Describe = Callable[[Table, Rows], Texts]


def path_of(folder: Path, table: Table, day: int) -> Path:
    """Where a local day (days since 1970-01-01) of a table is sealed, e.g. sealed/reading/2026-03-01.parquet."""
    return folder / table.name / f"{EPOCH + timedelta(days=day)}.parquet"


def days(folder: Path, table: Table) -> list[int]:
    """The days that have a sealed file, in order."""
    return sorted((date.fromisoformat(p.stem) - EPOCH).days for p in (folder / table.name).glob("????-??-??.parquet"))


def write(path: Path, table: Table, chunks: Iterable[Rows], describe: Describe) -> int:
    """Put rows in key order into the file; it is there whole or not at all. The number of rows written."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_suffix(".draft")
    count = 0
    with draft.open("wb") as out:
        with _writer(out, table, describe) as writer:
            for rows in chunks:
                writer.write_table(_to_arrow(table, rows, describe), row_group_size=GROUP_ROWS)
                count += len(rows)
        out.flush()
        os.fsync(out.fileno())
    draft.replace(path)
    _sync_folder(path.parent)
    return count


def groups(path: Path, table: Table) -> Iterator[Rows]:
    """All rows, a row group at a time, in key order; nothing where there is no file."""
    if not path.exists():
        return
    with pq.ParquetFile(path) as file:
        for n in range(file.num_row_groups):
            yield _to_rows(table, file.read_row_group(n, columns=list(table.columns)))


def select(path: Path, table: Table, head: int, start_ms: int, end_ms: int) -> Rows:
    """The rows whose first key column is `head` and whose time is in [start_ms, end_ms), in key order."""
    wanted = [(table.key[0], "=", head), (table.time, ">=", start_ms), (table.time, "<", end_ms)]
    return _to_rows(table, pq.read_table(path, columns=list(table.columns), filters=wanted, partitioning=None))


def clear_drafts(folder: Path) -> None:
    """Remove what a process that died while sealing left behind."""
    for draft in folder.glob("*/*.draft"):
        draft.unlink()


def _writer(out: object, table: Table, describe: Describe) -> pq.ParquetWriter:
    times = {table.time: "DELTA_BINARY_PACKED", table.log: "DELTA_BINARY_PACKED"}
    schema = _to_arrow(table, np.empty(0, table.dtype), describe).schema
    return pq.ParquetWriter(
        out,
        schema,
        compression="zstd",
        use_dictionary=[name for name in schema.names if name not in times],
        column_encoding=times,
        sorting_columns=[pq.SortingColumn(schema.get_field_index(c)) for c in table.key],
    )


def _to_arrow(table: Table, rows: Rows, describe: Describe) -> pa.Table:
    numbers = {c: pa.array(np.ascontiguousarray(rows[c]), from_pandas=True) for c in table.columns}
    return pa.table({**describe(table, rows), **numbers})


def _to_rows(table: Table, found: pa.Table) -> Rows:
    return table.rows(**{c: found[c].to_numpy() for c in table.columns})


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
