"""Types of the words and numbers that people write in configuration and registry files, each with its bounds."""

import re
from datetime import date, datetime, timedelta
from typing import Annotated
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BeforeValidator, Field
from pydantic_core import PydanticCustomError

from engine.config.explain import OWN

ID = re.compile(r"[^\s|,;/\"'{}]{1,64}")
DAY = re.compile(r"\d{4}-\d\d-\d\d")
WALL = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d)?")


def _id(text: str) -> str:
    if not ID.fullmatch(text):
        raise PydanticCustomError("bad_id", OWN)
    return text


def _day(value: object) -> object:
    """Only the long form: a bare number would be read as seconds since 1970."""
    if isinstance(value, date) or (isinstance(value, str) and DAY.fullmatch(value) and _is_date(value)):
        return value
    raise PydanticCustomError("bad_day", OWN)


def _wall(value: object) -> object:
    if isinstance(value, datetime) or (isinstance(value, str) and WALL.fullmatch(value) and _is_date(value)):
        return value
    raise PydanticCustomError("bad_wall", OWN)


def _is_date(text: str) -> bool:
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True


def _zone(name: str) -> str:
    """A zone of the time zone database whose offsets are whole hours: hours of the day are hours of the epoch."""
    try:
        zone = ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:
        raise PydanticCustomError("unknown_zone", OWN) from error
    offsets = [datetime(2026, month, 15, tzinfo=zone).utcoffset() or timedelta() for month in (1, 7)]
    if any(offset % timedelta(hours=1) for offset in offsets):
        raise PydanticCustomError("part_hour_zone", OWN)
    return name


Id = Annotated[str, AfterValidator(_id)]
Day = Annotated[date, BeforeValidator(_day)]
Wall = Annotated[datetime, BeforeValidator(_wall)]  # naive: wall clock of the roster's zone
Zone = Annotated[str, AfterValidator(_zone)]
Text = Annotated[str, Field(min_length=1)]
Positive = Annotated[int, Field(gt=0)]
Count = Annotated[int, Field(ge=0)]
Seconds = Annotated[float, Field(gt=0)]
Share = Annotated[float, Field(ge=0, le=1)]
Port = Annotated[int, Field(ge=0, le=65535)]
