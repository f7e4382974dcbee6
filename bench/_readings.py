"""Recordings for the bench of replay: readings of so many series, as Parquet columns and as JSON lines."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

START_MS = 1_704_038_400_000  # midnight in Shanghai
CEILING = 79.94
"""Levels are even between 20 and 80: about one series in a thousand is over it."""

MAPPING = """
time: {{column: time}}
every: {every} min
outlet_column: series
factor: {{factor: a21026, unit: mg/m3}}
value_column: value
limits: [{{factor: a21026, averaging: hour, ceiling: {ceiling}, source: bench}}]
"""

SCHEMA = pa.schema([("series", pa.int32()), ("time", pa.timestamp("ms", tz="UTC")), ("value", pa.float64())])
GROUP = 1 << 20


def write_mapping(file: Path, every_min: int) -> None:
    """A mapping with the hourly rule on."""
    file.write_text(MAPPING.format(every=every_min, ceiling=CEILING), encoding="utf-8")


def write_parquet(file: Path, series: int, rows: int, every_min: int) -> int:
    """Readings in time order, two decimals, zstd, else the defaults of pyarrow; how many."""
    steps = rows // series
    rng = np.random.default_rng(1)
    level = rng.uniform(20, 80, series)
    with pq.ParquetWriter(file, SCHEMA, compression="zstd") as writer:
        for first in range(0, steps, max(1, GROUP // series)):
            count = min(max(1, GROUP // series), steps - first)
            writer.write_table(pa.table(_columns(level, first, count, every_min, rng), schema=SCHEMA))
    return steps * series


def _columns(
    level: "np.ndarray[tuple[int], np.dtype[np.float64]]", first: int, count: int, every_min: int, rng: np.random.Generator
) -> list[pa.Array]:
    series = len(level)
    ms = START_MS + (first + np.arange(count, dtype=np.int64)) * every_min * 60_000
    value = np.round(np.tile(level, count) + rng.normal(0, 0.02, count * series), 2)
    number = np.tile(np.arange(series, dtype=np.int32), count)
    return [pa.array(number), pa.array(np.repeat(ms, series), pa.timestamp("ms", tz="UTC")), pa.array(value)]


def write_json(file: Path, parquet: Path) -> int:
    """The same readings as JSON lines, one reading each; how many."""
    count = 0
    with file.open("w", encoding="ascii") as out:
        for batch in pq.ParquetFile(parquet).iter_batches(batch_size=100_000):
            number, ms, value = (batch.column(n).to_numpy() for n in range(3))
            times = np.datetime_as_string(ms, unit="s")
            rows = zip(number.tolist(), times.tolist(), value.tolist(), strict=True)
            out.writelines(f'{{"series":"s{n}","time":"{at}Z","value":{v}}}\n' for n, at, v in rows)
            count += len(number)
    return count
