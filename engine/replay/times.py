"""Instants as the command line states them."""

from datetime import datetime


def as_ms(when: datetime | None) -> int | None:
    """UTC ms of an aware instant; None stays None."""
    return None if when is None else int(when.timestamp() * 1000)
