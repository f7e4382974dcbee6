"""Which source a recording needs."""

from pathlib import Path

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


def source_of(file: Path, mapping: Mapping) -> Source:
    """The recording as its mapping describes it; NotARecordingError where its format is not known."""
    wanted = mapping.columns()
    match mapping.format or format_of(file):
        case "csv":
            return DelimitedSource(file, mapping.text, wanted)
        case "jsonl":
            return JsonLinesSource(file, wanted)
        case "parquet":
            return ParquetSource(file, wanted)
    raise NotARecordingError(f"{file}: expected .csv, .jsonl or .parquet (or .gz of these), or `format:` in the mapping")
