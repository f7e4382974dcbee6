"""The bare mean of each hour and series by other engines, one thread: no rule, no limit, no verdict, no alert."""

from pathlib import Path

import numpy as np
import pyarrow.parquet as pq

HOUR_MS = 3_600_000


def by_duckdb(file: Path) -> int:
    """Rows of the result."""
    import duckdb

    connection = duckdb.connect()
    connection.execute("set threads = 1")
    query = f"select series, epoch_ms(time) // {HOUR_MS} as hour, avg(value) as mean from '{file}' group by all"
    return len(connection.execute(query).fetchnumpy()["mean"])


def by_numpy(file: Path) -> int:
    """Sums and counts by bincount, a row group at a time."""
    parquet = pq.ParquetFile(file, pre_buffer=False)
    first, last, series = _extent(parquet)
    hours = last - first + 1
    total, count = np.zeros(series * hours), np.zeros(series * hours, np.int64)
    for group in range(parquet.num_row_groups):
        table = parquet.read_row_group(group, use_threads=False)
        number, ms, value = (table.column(n).to_numpy() for n in range(3))
        hour = ms.view(np.int64) // HOUR_MS - first
        low, high = int(hour[0]), int(hour[-1])
        key = (hour - low) * series + number
        size = (high - low + 1) * series
        place = slice(low * series, (high + 1) * series)
        total[place] += np.bincount(key, value, size)
        count[place] += np.bincount(key, minlength=size)
    return int(np.count_nonzero(total / np.maximum(count, 1)))


def _extent(parquet: pq.ParquetFile) -> tuple[int, int, int]:
    """(first hour, last hour, series), from the statistics of the file."""
    meta = parquet.metadata
    groups = [meta.row_group(n) for n in range(meta.num_row_groups)]
    times = [g.column(1).statistics for g in groups]
    first, last = (int(t.timestamp()) // 3600 for t in (times[0].min, times[-1].max))
    return first, last, max(g.column(0).statistics.max for g in groups) + 1


def by_polars(file: Path) -> int:
    """Rows of the result."""
    import polars as pl

    hour = (pl.col("time").dt.epoch("ms") // HOUR_MS).alias("hour")
    return pl.scan_parquet(file).group_by("series", hour).agg(pl.col("value").mean()).collect().height


def json_by_polars(file: Path) -> int:
    """Lines read into columns, and no more."""
    import polars as pl

    return pl.read_ndjson(file).height


ENGINES = {"duckdb": by_duckdb, "numpy": by_numpy, "polars": by_polars}
