"""Local times of a zone as UTC, many at once."""

from datetime import UTC, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

FIRST_YEAR, END_YEAR = 1990, 2100
"""Times outside of these years are refused as mistakes (seconds taken for milliseconds, a clock that was never set)."""

FIRST_MS = int(datetime(FIRST_YEAR, 1, 1, tzinfo=UTC).timestamp()) * 1000
END_MS = int(datetime(END_YEAR, 1, 1, tzinfo=UTC).timestamp()) * 1000


def utc_of_local(local_ms: NDArray[np.int64], zone: str) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """UTC ms of local ms (as if UTC) of a zone, and whether there is exactly one such instant; (times,).

    >>> autumn = np.array([datetime(2024, 10, 27, h, 30, tzinfo=UTC).timestamp() * 1000 for h in (1, 2, 3)], np.int64)
    >>> utc, certain = utc_of_local(autumn, "Europe/Rome")  # half past two happens twice
    >>> ((autumn - utc) // 3_600_000).tolist(), certain.tolist()
    ([2, 1, 1], [True, False, True])
    """
    starts, offsets = _offsets(zone)
    before = np.maximum(np.searchsorted(starts, local_ms - 86_400_000, "right") - 1, 0)
    after = np.maximum(np.searchsorted(starts, local_ms + 86_400_000, "right") - 1, 0)
    utc = local_ms - offsets[after]
    if (before == after).all():
        return utc, np.ones(len(local_ms), np.bool_)
    earlier = local_ms - offsets[before]
    fits = _offset_at(utc, starts, offsets) == offsets[after]
    fits_earlier = _offset_at(earlier, starts, offsets) == offsets[before]
    certain = (fits != fits_earlier) | (utc == earlier)
    return np.where(fits, utc, earlier), certain


def _offset_at(utc_ms: NDArray[np.int64], starts: NDArray[np.int64], offsets: NDArray[np.int64]) -> NDArray[np.int64]:
    return offsets[np.maximum(np.searchsorted(starts, utc_ms, "right") - 1, 0)]


@cache
def _offsets(zone: str) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Starts (UTC ms) and offsets (ms) of the spans of equal offset, from the first year on."""
    info = ZoneInfo(zone)

    def offset(day: datetime) -> timedelta:
        return day.astimezone(info).utcoffset() or timedelta()

    at, end = datetime(FIRST_YEAR - 1, 1, 1, tzinfo=UTC), datetime(END_YEAR + 1, 1, 1, tzinfo=UTC)
    spans = [(at, offset(at))]
    while at < end:
        following = at + timedelta(days=7)
        if offset(following) != spans[-1][1]:
            low, high = at, following
            while high - low > timedelta(minutes=1):
                middle = low + (high - low) / 2
                low, high = (middle, high) if offset(middle) == spans[-1][1] else (low, middle)
            change = high.replace(second=0, microsecond=0)
            spans.append((change, offset(high)))
        at = following
    starts = np.array([int(start.timestamp()) * 1000 for start, _ in spans], np.int64)
    return starts, np.array([int(o.total_seconds()) * 1000 for _, o in spans], np.int64)
