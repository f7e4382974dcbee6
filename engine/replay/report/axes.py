"""Axes: round steps for values, whole hours and days for time."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from math import ceil, floor, log10
from zoneinfo import ZoneInfo

MINUTE_MS, DAY_MS = 60_000, 86_400_000
TIME_STEPS = tuple(MINUTE_MS * m for m in (1, 5, 10, 30, 60, 180, 360, 720, 1440, 2880, 7200, 14400))


@dataclass(frozen=True, slots=True, kw_only=True)
class Axis:
    """From values to places on the page."""

    low: float
    high: float
    start: float  # place of `low`
    end: float  # place of `high`

    def __call__(self, value: float) -> float:
        """The place of a value."""
        return self.start + (value - self.low) / (self.high - self.low) * (self.end - self.start)


def round_range(low: float, high: float, steps: int = 4) -> tuple[float, float, list[float]]:
    """(low, high, marks): a range of round marks around the given one.

    >>> round_range(0.3, 8.7)
    (0.0, 10.0, [0.0, 2.5, 5.0, 7.5, 10.0])
    """
    if high <= low:
        low, high = low - (abs(low) or 1) * 0.5, high + (abs(high) or 1) * 0.5
    rough = (high - low) / steps
    power = 10.0 ** floor(log10(rough))
    step = next(m * power for m in (1, 2, 2.5, 5, 10) if m * power >= rough * 0.999)
    first, last = floor(low / step + 1e-9), ceil(high / step - 1e-9)
    marks = [round(n * step, 12) for n in range(first, last + 1)]
    return marks[0], marks[-1], marks


def time_marks(from_ms: int, to_ms: int, zone: str, most: int = 8) -> list[tuple[int, str]]:
    """(instant, label) at whole local hours, days or months, `most` or a few more; the label of midnight is the day.

    >>> [label for _, label in time_marks(1704038400000, 1704038400000 + 6 * 3600000, "Asia/Shanghai", 4)]
    ['01-01', '03:00', '06:00']
    >>> [label for _, label in time_marks(1704038400000, 1704038400000 + 400 * 86400000, "Asia/Shanghai", 4)]
    ['2024-01', '2024-05', '2024-09', '2025-01']
    """
    info = ZoneInfo(zone)
    if to_ms - from_ms > TIME_STEPS[-1] * most:
        return _months(from_ms, to_ms, info, most)
    step = next((s for s in TIME_STEPS if (to_ms - from_ms) / s <= most), TIME_STEPS[-1])
    if step >= DAY_MS:
        return _days(from_ms, to_ms, info, step // DAY_MS)
    offset = (_at(from_ms).astimezone(info).utcoffset() or timedelta()).total_seconds() * 1000
    first = int(-(-(from_ms + offset) // step) * step - offset)
    marks = []
    for ms in range(first, to_ms + 1, step):
        local = _at(ms).astimezone(info)
        marks.append((ms, f"{local:%m-%d}" if local.hour == local.minute == 0 else f"{local:%H:%M}"))
    return marks


def _days(from_ms: int, to_ms: int, zone: ZoneInfo, stride: int) -> list[tuple[int, str]]:
    """Local midnights, every second, third ... where there are many; a change of clocks does not move them."""
    first = _at(from_ms).astimezone(zone)
    midnight = datetime(first.year, first.month, first.day, tzinfo=zone)
    marks = []
    while (ms := int(midnight.timestamp() * 1000)) <= to_ms:
        if ms >= from_ms and midnight.toordinal() % stride == 0:
            marks.append((ms, f"{midnight:%m-%d}"))
        midnight += timedelta(days=1)
    return marks


def _months(from_ms: int, to_ms: int, zone: ZoneInfo, most: int) -> list[tuple[int, str]]:
    """Starts of months, every second, third ... where there are many."""
    first, last = (_at(ms).astimezone(zone) for ms in (from_ms, to_ms))
    months = range(first.year * 12 + first.month - 1, last.year * 12 + last.month)
    stride = next(s for s in (1, 2, 3, 4, 6, 12, 24, 60, 120, 600, 1200) if len(months) / s <= most or s == 1200)
    marks = []
    for month in months:
        start = datetime(month // 12, month % 12 + 1, 1, tzinfo=zone)
        ms = int(start.timestamp() * 1000)
        if month % stride == 0 and from_ms <= ms <= to_ms:
            marks.append((ms, f"{start:%Y-%m}"))
    return marks


def _at(ms: int) -> datetime:
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=ms)
