"""Times on the command line: what people write, and what they are shown, in one zone."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import click

FORMATS = ("%Y-%m-%d", "%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S")
ZONE = "Asia/Shanghai"
WHEN = click.DateTime(FORMATS)


def instant_ms(wall: datetime | None, zone: str = ZONE) -> int | None:
    """A time as written, in a zone, as an instant.

    >>> instant_ms(datetime(2026, 1, 1))
    1767196800000
    """
    return None if wall is None else int(wall.replace(tzinfo=ZoneInfo(zone)).timestamp() * 1000)


def shown(ms: int | None, zone: str = ZONE) -> str:
    """An instant as people read it; "" for none.

    >>> shown(1767196800000)
    '2026-01-01 00:00:00'
    """
    if ms is None:
        return ""
    return f"{datetime(1970, 1, 1, tzinfo=UTC).astimezone(ZoneInfo(zone)) + timedelta(milliseconds=ms):%Y-%m-%d %H:%M:%S}"
