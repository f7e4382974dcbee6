"""DataTime and its like: local time in UTC+8 without a zone, to UTC milliseconds and back."""

from datetime import UTC, datetime, timedelta, timezone

CHINA = timezone(timedelta(hours=8))
CHINA_MS = 8 * 3600 * 1000
YEARS = range(2000, 2100)
"""Device times outside are absurd: a clock that never was set, or a misprint."""


def device_ms(text: str) -> int | None:
    """YYYYMMDDhhmmss, with or without milliseconds, as UTC ms; None if no calendar has it.

    >>> device_ms("20240101080000"), device_ms("20240101080000123"), device_ms("20240230080000"), device_ms("2024")
    (1704067200000, 1704067200123, None, None)
    """
    if len(text) not in {14, 17} or not (text.isascii() and text.isdigit()):
        return None
    month, day, hour, minute, second = (int(text[i : i + 2]) for i in range(4, 14, 2))
    year = int(text[:4])
    if year not in YEARS:
        return None
    try:
        moment = datetime(year, month, day, hour, minute, second, tzinfo=CHINA)
    except ValueError:
        return None
    return round(moment.timestamp()) * 1000 + int(text[14:] or 0)


def data_time(ms: int) -> str:
    """DataTime, BeginTime, SystemTime ...: YYYYMMDDhhmmss.

    >>> data_time(1704067200000)
    '20240101080000'
    """
    return _local(ms).strftime("%Y%m%d%H%M%S")


def qn_text(ms: int) -> str:
    """QN: the same with milliseconds."""
    return f"{data_time(ms)}{ms % 1000:03d}"


def _local(ms: int) -> datetime:
    return datetime(1970, 1, 1, tzinfo=UTC).astimezone(CHINA) + timedelta(milliseconds=ms)
