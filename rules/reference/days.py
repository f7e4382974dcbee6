"""Hours and local days as windows of UTC milliseconds, from the calendar of the standard library."""

from datetime import UTC, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

from rules.limits import Averaging

HOUR_MS = 3_600_000
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

Window = tuple[int, int]
"""[start_ms, end_ms)"""


def hour_of(device_ms: int) -> Window:
    """The hour an instant lies in."""
    start = device_ms // HOUR_MS * HOUR_MS
    return start, start + HOUR_MS


def day_of(device_ms: int, zone: str) -> Window:
    """The local day an instant lies in: 23, 24 or 25 hours.

    >>> [(b - a) // HOUR_MS for a, b in [day_of(1711846800000, "Europe/Rome"), day_of(1711846800000, "Asia/Shanghai")]]
    [23, 24]
    """
    return _day(device_ms // HOUR_MS, zone)


@cache
def _day(hour: int, zone: str) -> Window:
    tz = ZoneInfo(zone)
    local = (EPOCH + timedelta(hours=hour)).astimezone(tz)
    start = datetime(local.year, local.month, local.day, tzinfo=tz)
    tomorrow = start.date() + timedelta(days=1)
    end = datetime(tomorrow.year, tomorrow.month, tomorrow.day, tzinfo=tz)
    return _ms(start), _ms(end)


def window_of(device_ms: int, averaging: Averaging, zone: str) -> Window:
    """The hour or the local day an instant lies in."""
    return hour_of(device_ms) if averaging is Averaging.HOUR else day_of(device_ms, zone)


def hours(window: Window) -> list[int]:
    """The starts of the hours of a window."""
    return list(range(window[0], window[1], HOUR_MS))


def _ms(instant: datetime) -> int:
    return (instant.astimezone(UTC) - EPOCH) // timedelta(milliseconds=1)
