"""A sink on a real InfluxDB, and a look at what the server holds."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from urllib.request import Request, urlopen

from engine.store.influx import InfluxStore
from engine.store.influx_settings import InfluxSettings
from sensors.reading import Flag
from tests.servers import Influx
from tests.store_cases import COD, HOUR, MINUTE, NAMES, NOON, Row


def settings_of(influx: Influx, bucket: str, **changes: Any) -> InfluxSettings:
    """Small batches, no patience."""
    given = {"url": influx.url, "token": influx.token, "org": influx.org, "bucket": bucket, "lines_max": 8}
    return InfluxSettings(**{**given, "timeout_s": 5.0, **changes})


@contextmanager
def sink(influx: Influx, bucket: str, folder: Path, **changes: Any) -> Iterator[InfluxStore]:
    """A sink; its letters are in the folder."""
    store = InfluxStore(settings_of(influx, bucket, **changes), NAMES, folder)
    try:
        yield store
    finally:
        store.close()


def minutes(count: int, *, value: float = 1.5, log_ms: int = NOON + HOUR, start_ms: int = NOON) -> list[Row]:
    """So many normal readings of one series, a minute apart."""
    return [(COD, start_ms + n * MINUTE, value, Flag.NORMAL, log_ms) for n in range(count)]


def held(influx: Influx, bucket: str, measurement: str = "reading", field: str = "value") -> list[tuple[int, Any]]:
    """(ms, value) of every point of a field, in time order; through InfluxQL, which sees past a conflict of types."""
    asked = urlencode({"db": bucket, "q": f'SELECT "{field}" FROM "{measurement}"', "epoch": "ms"})
    request = Request(f"{influx.url}/query?{asked}", headers={"Authorization": f"Token {influx.token}"})
    with urlopen(request, timeout=10) as answer:
        (result,) = json.load(answer)["results"]
    return [(at, value) for series in result.get("series", []) for at, value in series["values"]]
