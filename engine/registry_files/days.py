"""Days as people write them, as instants."""

from datetime import date, datetime
from zoneinfo import ZoneInfo

from sensors.registry import FOREVER_MS


def start_ms(day: date | None, zone: str, *, without: int = 0) -> int:
    """The first instant of a local day, UTC ms; `without` where no day is given.

    >>> start_ms(date(2026, 1, 1), "Asia/Shanghai")
    1767196800000
    """
    if day is None:
        return without
    return int(datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(zone)).timestamp() * 1000)


def span_ms(first: date | None, end: date | None, zone: str) -> tuple[int, int]:
    """[first, end) as instants; the whole of time where neither is given."""
    return start_ms(first, zone), start_ms(end, zone, without=FOREVER_MS)
