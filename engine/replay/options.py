"""What a replay is asked for, as the command line states it."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayOptions:
    """One call of `outfall replay`; `engine.replay.command.run_replay` carries it out.

    `file` is a recording (CSV, Parquet or JSON lines; .gz too), a frame log (`log.db`, or the data directory that holds
    it) or a text file of HJ 212 frames. `mapping` is needed for recordings, `config` for text files of frames.
    """

    file: Path
    mapping: Path | None = None  # says which columns are which outlet and factor, and the limits (docs/mapping.md)
    config: Path | None = None  # registry and rules for a text file of frames
    from_time: datetime | None = None  # aware; alerts that start before it are judged but left out of the result
    to_time: datetime | None = None  # aware; input at or after it is not read
    batch: int | None = None  # at least so many readings (payloads) at a time; None: what is fastest
    partitions: int = 1  # detectors that share the enterprises; the result does not depend on it
    live: bool = False  # a recording goes through the live path as well: MQTT, log, app; fails if the alerts differ
    report: Path | None = None  # HTML page to write
    refused: Path | None = None  # text file for every refused row or cell, a line each
    json: bool = False  # one JSON object on stdout instead of a table
    lang: str = "en"  # "zh" or "en"
    quiet: bool = False  # no progress bar
