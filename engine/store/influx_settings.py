"""What the sink needs to know of an InfluxDB."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class InfluxSettings:
    """Where readings, verdicts and alerts go."""

    url: str
    token: str
    org: str
    bucket: str
    token_file: Path | None = None  # read again whenever the server refuses the token
    keep_days: Mapping[str, float] = field(default_factory=dict)  # kinds and "verdict" that have a bucket of their own
    series_max: int = 200_000  # of this sink; lines of further series become dead letters
    lines_max: int = 5000  # of one request
    bytes_max: int = 4_000_000  # of one request, before compression; the server takes any size and pays with its memory
    timeout_s: float = 10.0
    backoff_s_first: float = 1.0  # doubled with each failure ...
    backoff_s_max: float = 60.0  # ... up to this
    stopped_s: float = 60.0  # how soon it is tried again where somebody must change something first

    def __repr__(self) -> str:
        return f"InfluxSettings(url={self.url!r}, org={self.org!r}, bucket={self.bucket!r}, token=***)"

    def bucket_of(self, place: str) -> str:
        """The bucket of a kind of readings, or of verdicts and alerts."""
        return f"{self.bucket}_{place}" if place in self.keep_days else self.bucket

    @property
    def buckets(self) -> dict[str, float | None]:
        """Every bucket, and how many days it keeps what is in it; None: for ever."""
        own: dict[str, float | None] = {self.bucket_of(place): days for place, days in self.keep_days.items()}
        return {self.bucket: None, **own}
