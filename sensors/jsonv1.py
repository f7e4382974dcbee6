"""JSON v1: readings as JSON, one device time or many. The format is specified in docs/json-v1.md."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson

from sensors.hj212.times import YEARS
from sensors.ledger import Refused, Sent, Upload
from sensors.reading import LETTERS, Flag, Kind
from sensors.refusal import Reason

VERSION = 1
READINGS_MAX = 10_000
KINDS = {kind.name.lower(): kind for kind in Kind}
COMMON = {"v", "mn", "kind"}
ONE = {*COMMON, "time", "readings"}
MANY = {*COMMON, "times", "columns"}
READING = {"value", "flag", "unit"}
COLUMN = {"values", "flags", "unit"}
UNSTATED = "-"
_NAME = re.compile(rb'"\s*:')


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One message: who speaks, and one upload for each device time."""

    mn: str
    uploads: tuple[Upload, ...]


def is_json(data: bytes) -> bool:
    """Whether a payload can only be JSON: it begins with a brace."""
    return data[:64].lstrip()[:1] == b"{"


def read_message(data: bytes) -> Message:
    """One message; Refused if any part of it is not as specified."""
    message = _load(data)
    if message.get("v") != VERSION or isinstance(message["v"], bool):
        raise Refused(Reason.BAD_JSON, f"v: expected {VERSION}, got {_shown(message.get('v'))}")
    many = "columns" in message
    _names(message, MANY if many else ONE, "")
    mn = _text(message, "mn")
    kind = KINDS.get(_text(message, "kind"))
    if kind is None:
        raise Refused(Reason.BAD_JSON, f"kind: expected {', '.join(KINDS)}, got {_shown(message['kind'])}")
    read = _columns(message) if many else _readings(message)
    return Message(mn=mn, uploads=tuple(Upload(mn=mn, kind=kind, device_ms=ms, sent=sent) for ms, sent in read))


def _load(data: bytes) -> dict[str, Any]:
    try:
        message = orjson.loads(data)
    except orjson.JSONDecodeError as error:
        raise Refused(Reason.BAD_JSON, f"payload: {str(error)[:80]}") from error
    if not isinstance(message, dict):
        raise Refused(Reason.BAD_JSON, "payload: expected an object")
    inner = [part for part in message.values() if isinstance(part, dict)]
    fields = [field for part in inner for field in part.values() if isinstance(field, dict)]
    if len(_NAME.findall(data)) != len(message) + sum(map(len, inner)) + sum(map(len, fields)):
        raise Refused(Reason.BAD_JSON, "payload: a name is given twice, or objects stand too deep")
    return message


def _readings(message: dict[str, Any]) -> Iterator[tuple[int, list[Sent]]]:
    """One device time."""
    readings = _object(message, "readings")
    if len(readings) > READINGS_MAX:
        raise Refused(Reason.TOO_MANY_FACTORS, f"readings: expected at most {READINGS_MAX}, got {len(readings)}")
    ms = _time(message["time"], "time")
    sent = []
    for code, reading in readings.items():
        place = f"readings.{code[:24]}"
        _names(_object(readings, code, "readings."), READING, f"{place}.", required={"value"})
        flag = _flag(reading.get("flag", UNSTATED), f"{place}.flag")
        sent.append(Sent(code=code, number=reading["value"], flag=flag, unit=_unit(reading, place)))
    yield ms, sent


def _columns(message: dict[str, Any]) -> Iterator[tuple[int, list[Sent]]]:
    """Many device times; null in a column: nothing was measured at that time."""
    times, columns = message["times"], _object(message, "columns")
    if not isinstance(times, list):
        raise Refused(Reason.BAD_JSON, "times: expected a list")
    if len(times) * len(columns) > READINGS_MAX:
        got = f"{len(columns)} columns of {len(times)}"
        raise Refused(Reason.TOO_MANY_FACTORS, f"columns: expected at most {READINGS_MAX} readings, got {got}")
    instants = [_time(time, f"times[{n}]") for n, time in enumerate(times)]
    read = [_column(columns, code, len(times)) for code in columns]
    for n, ms in enumerate(instants):
        yield ms, [column[n] for column in read if column[n].number is not None]


def _column(columns: dict[str, Any], code: str, size: int) -> list[Sent]:
    place = f"columns.{code[:24]}"
    column = _object(columns, code, "columns.")
    _names(column, COLUMN, f"{place}.", required={"values"})
    values, flags = column["values"], column.get("flags", UNSTATED * size)
    if not isinstance(values, list) or len(values) != size:
        raise Refused(Reason.BAD_JSON, f"{place}.values: expected a list of {size}, one for each time")
    if not isinstance(flags, str) or len(flags) != size:
        raise Refused(Reason.BAD_JSON, f"{place}.flags: expected a text of {size} letters, one for each time")
    unit = _unit(column, place)
    letters = {letter: _flag(letter, f"{place}.flags") for letter in set(flags)}
    return [
        Sent(code=code, number=value, flag=letters[letter], unit=unit) for value, letter in zip(values, flags, strict=True)
    ]


def _names(fields: Mapping[str, Any], known: set[str], place: str, *, required: set[str] | None = None) -> None:
    needed = known if required is None else required
    if needed <= fields.keys() <= known:
        return
    unknown = [name for name in fields if name not in known]
    missing = sorted(needed - fields.keys())
    if unknown:
        raise Refused(Reason.BAD_JSON, f"{place}{unknown[0][:24]}: expected one of {', '.join(sorted(known))}")
    if missing:
        raise Refused(Reason.BAD_JSON, f"{place}{missing[0]}: expected one, got none")


def _object(fields: dict[str, Any], name: str, place: str = "") -> dict[str, Any]:
    value = fields.get(name)
    if not isinstance(value, dict):
        raise Refused(Reason.BAD_JSON, f"{place}{name[:24]}: expected an object, got {_shown(value)}")
    return value


def _text(fields: dict[str, Any], name: str) -> str:
    value = fields[name]
    if not isinstance(value, str) or not value:
        raise Refused(Reason.BAD_JSON, f"{name}: expected a text, got {_shown(value)}")
    return value


def _unit(fields: dict[str, Any], place: str) -> str:
    unit = fields.get("unit", "")
    if not isinstance(unit, str):
        raise Refused(Reason.BAD_JSON, f"{place}.unit: expected a text, got {_shown(unit)}")
    return unit


def _flag(letter: Any, place: str) -> Flag:
    if not isinstance(letter, str) or len(letter) != 1:
        raise Refused(Reason.BAD_JSON, f"{place}: expected one letter, got {_shown(letter)}")
    return Flag.UNSTATED if letter == UNSTATED else LETTERS.get(letter, Flag.UNKNOWN)


def _time(value: Any, place: str) -> int:
    """Whole milliseconds since 1970 UTC, or RFC 3339 with an offset; only years of 2000 to 2099."""
    ms = value if isinstance(value, int) and not isinstance(value, bool) else _rfc3339(value)
    if ms is None or not FIRST_MS <= ms < END_MS:
        raise Refused(Reason.BAD_TIME, f"{place}: expected ms since 1970, or RFC 3339 with an offset, got {_shown(value)}")
    return ms


def _rfc3339(value: Any) -> int | None:
    if not isinstance(value, str) or not re.fullmatch(r"[0-9TtZz.:+-]{20,35}", value):
        return None
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        return None
    return None if moment.tzinfo is None else round(moment.timestamp() * 1000)


FIRST_MS = round(datetime.fromisoformat(f"{YEARS.start}-01-01T00:00:00+08:00").timestamp()) * 1000
END_MS = round(datetime.fromisoformat(f"{YEARS.stop}-01-01T00:00:00+08:00").timestamp()) * 1000


def _shown(value: object) -> str:
    return repr(str(value)[:40]) if isinstance(value, str | int | float) else type(value).__name__
