"""Which source a recording needs."""

from pathlib import Path

from engine.config.problem import BadFile, Place, Problem
from engine.replay.mapping.mapping import Mapping
from engine.replay.sources.blocks import NotARecordingError
from engine.replay.sources.delimited import DelimitedSource
from engine.replay.sources.json_lines import JsonLinesSource
from engine.replay.sources.parquet import ParquetSource
from engine.replay.sources.source import Source

ENDINGS = {
    "csv": "csv", "tsv": "csv", "txt": "csv", "parquet": "parquet", "pq": "parquet",
    "jsonl": "jsonl", "ndjson": "jsonl", "json": "jsonl",
}  # fmt: skip


def format_of(file: Path) -> str:
    """The format a file's name speaks of, "" if it speaks of none.

    >>> format_of(Path("a/Effluent 2024.CSV.gz")), format_of(Path("b.db"))
    ('csv', '')
    """
    endings = file.name.lower().split(".")[1:]
    return next((ENDINGS[e] for e in reversed(endings) if e in ENDINGS), "")


INFLUX = Path("influx")
"""In place of a file: the InfluxDB that a configuration names."""


def is_influx(file: Path) -> bool:
    """Whether no file is meant, but the InfluxDB of a configuration."""
    return file == INFLUX and not file.exists()


def source_of(file: Path, mapping: Mapping, config: Path | None = None) -> Source:
    """The recording as its mapping describes it; NotARecordingError where its format is not known."""
    wanted = mapping.columns()
    if is_influx(file):
        return _influx(mapping, config)
    match mapping.format or format_of(file):
        case "csv":
            return DelimitedSource(file, mapping.text, wanted)
        case "jsonl":
            return JsonLinesSource(file, wanted)
        case "parquet":
            return ParquetSource(file, wanted)
    raise NotARecordingError(f"{file}: expected .csv, .jsonl or .parquet (or .gz of these), or `format:` in the mapping")


def _influx(mapping: Mapping, config: Path | None) -> Source:
    from engine.config.load import load_config  # a configuration and a server: only where they are asked for
    from engine.replay.sources.influx import InfluxSource

    place = load_config(config).influx if config else None
    if place is None:
        where = Place(file=str(config or INFLUX))
        raise BadFile([Problem(place=where, path="store.influx", key="no_influx_config")])
    return InfluxSource(place.settings(), mapping.kind, mapping.columns())
