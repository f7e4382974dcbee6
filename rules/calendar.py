"""Local days of a zone, as runs of whole hours."""

from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
EPOCH = date(1970, 1, 1)


class Calendar:
    """Days and hours of one zone. A day is the number of days since 1970-01-01; an hour is `ms // HOUR_MS` (UTC).

    Only offsets of whole hours are accepted: hours are judged as UTC hours.

    >>> Calendar("Asia/Shanghai").hours(19723)  # 2024-01-01: 24 hours from 2023-12-31T16:00Z
    (473344, 473368)
    >>> first, end = Calendar("Europe/Rome").hours(19812)  # 2024-03-30 is usual, the next day has 23 hours
    >>> end - first, Calendar("Europe/Rome").hours(19813)[1] - end
    (24, 23)
    """

    def __init__(self, zone: str) -> None:
        self.zone = ZoneInfo(zone)
        self._hours = lru_cache(maxsize=4096)(self._find_hours)
        self._day = lru_cache(maxsize=4096)(self._find_day)

    def day(self, hour: int) -> int:
        """The local day an hour belongs to."""
        return self._day(hour)

    def hours(self, day: int) -> tuple[int, int]:
        """Hours [first, end) of a local day."""
        return self._hours(day)

    def start_ms(self, day: int) -> int:
        """Where a local day begins."""
        return self.hours(day)[0] * HOUR_MS

    def end_ms(self, day: int) -> int:
        """Where a local day ends."""
        return self.hours(day)[1] * HOUR_MS

    def days_of(self, device_ms: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Local day of each instant and ms since its start; both of the input's shape."""
        hours, back = np.unique(device_ms // HOUR_MS, return_inverse=True)
        days = np.array([self.day(int(h)) for h in hours], np.int64)
        starts = np.array([self.start_ms(int(d)) for d in days], np.int64)
        return days[back], device_ms - starts[back]

    def _find_day(self, hour: int) -> int:
        return (datetime.fromtimestamp(hour * 3600, UTC).astimezone(self.zone).date() - EPOCH).days

    def _find_hours(self, day: int) -> tuple[int, int]:
        return self._first_hour(EPOCH + timedelta(days=day)), self._first_hour(EPOCH + timedelta(days=day + 1))

    def _first_hour(self, day: date) -> int:
        seconds = datetime(day.year, day.month, day.day, tzinfo=self.zone).timestamp()
        return int(seconds // 3600)
