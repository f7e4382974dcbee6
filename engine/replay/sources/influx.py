"""The readings that an InfluxDB holds, page by page in time order: what `engine.store.influx` wrote, or the like."""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import orjson
import pyarrow as pa
import urllib3
from urllib3.exceptions import HTTPError

from engine.replay.scan.column import Table
from engine.replay.sources.arrow import column_of
from engine.replay.sources.blocks import NotARecordingError
from engine.store.influx_settings import InfluxSettings
from engine.store.names import KIND_NAMES
from sensors.reading import Kind

TYPES = {
    "time": pa.int64(), "outlet": pa.string(), "factor": pa.string(), "value": pa.float64(), "flag": pa.string(),
    "rev": pa.int64(),
}  # fmt: skip
"""What a mapping may speak of. `time` is in milliseconds since 1970."""

COLUMNS = tuple(TYPES)

PAGE_ROWS = 50_000
DAY_MS = 86_400_000
SPAN_MS_MAX = 400 * DAY_MS


class Page(NamedTuple):
    """Rows in time order, each with a cell for every column of COLUMNS, and where the next page begins."""

    rows: list[list[Any]]
    next_ms: int


class InfluxSource:
    """The readings of one kind. It asks in InfluxQL, which streams rows in time order; a page is bounded in rows."""

    def __init__(self, settings: InfluxSettings, kind: Kind, wanted: Sequence[str], rows: int = PAGE_ROWS) -> None:
        self.place = f"InfluxDB {settings.url} bucket {settings.bucket_of(KIND_NAMES[kind])}"
        self.rows = rows
        self._wanted = [name for name in wanted if name in COLUMNS]
        self._kind = KIND_NAMES[kind]
        self._bucket = settings.bucket_of(self._kind)
        self._url, self._token = settings.url.rstrip("/"), settings.token
        self._http = urllib3.PoolManager(timeout=60.0, retries=False)
        self.size = self._count()

    def names(self) -> tuple[str, ...]:
        """Its columns."""
        return COLUMNS

    def tables(self) -> Iterator[tuple[Table, int]]:
        """See `Source`. Its "lines" are row numbers."""
        done = 0
        for page in self._pages():
            columns = dict(zip(COLUMNS, zip(*page.rows, strict=True), strict=True))
            cells = {name: column_of(pa.array(columns[name], TYPES[name])) for name in self._wanted}
            table = Table(columns=cells, rows=len(page.rows), first_line=done + 1)
            done += len(page.rows)
            yield table, min(done, self.size)

    def _pages(self) -> Iterator[Page]:
        """From the first reading to the last; a span without readings costs a question, and the next is longer."""
        at_ms, end_ms = self._edge("first"), self._edge("last") + 1
        span_ms, rows = DAY_MS, self.rows
        while at_ms < end_ms:
            page = self._page(at_ms, min(at_ms + span_ms, end_ms), rows)
            if page.next_ms == at_ms:  # more rows of one instant than a page holds
                rows *= 2
                continue
            span_ms = min(2 * span_ms, SPAN_MS_MAX) if len(page.rows) < rows else span_ms
            at_ms, rows = page.next_ms, self.rows
            if page.rows:
                yield page

    def _page(self, from_ms: int, to_ms: int, rows: int) -> Page:
        columns = ", ".join(f'"{name}"' for name in COLUMNS[1:])
        found = self._ask(columns, f"AND time >= {from_ms}ms AND time < {to_ms}ms ORDER BY time LIMIT {rows}")
        if len(found) < rows:
            return Page(rows=found, next_ms=to_ms)
        last_ms = found[-1][0]  # this instant may be cut: it begins the next page
        return Page(rows=[row for row in found if row[0] < last_ms], next_ms=last_ms)

    def _count(self) -> int:
        found = self._ask('count("value")')
        return int(found[0][1]) if found else 0

    def _edge(self, which: str) -> int:
        found = self._ask(f'{which}("value")')
        return int(found[0][0]) if found else 0

    def _ask(self, what: str, where: str = "") -> list[list[Any]]:
        """Rows of readings, the time first; NotARecordingError with the server's words where there are none.

        In JSON: in CSV the server leaves out what went wrong.
        """
        headers = {"Authorization": f"Token {self._token}", "Accept": "application/json", "Accept-Encoding": "gzip"}
        question = f'SELECT {what} FROM "reading" WHERE "kind" = \'{self._kind}\' {where}'
        fields = {"db": self._bucket, "q": question, "epoch": "ms"}
        try:
            answer = self._http.request("GET", f"{self._url}/query", fields=fields, headers=headers)
            said = orjson.loads(answer.data)
            found = said["results"][0]
        except HTTPError as error:
            raise NotARecordingError(f"{self.place}: {error}") from error
        except (orjson.JSONDecodeError, KeyError, IndexError, TypeError) as error:
            raise NotARecordingError(f"{self.place}: HTTP {answer.status}: {_words(answer.data)}") from error
        if answer.status != 200 or "error" in found or found.get("partial"):
            raise NotARecordingError(f"{self.place}: HTTP {answer.status}: {found.get('error', 'a part of the answer')}")
        return [row for series in found.get("series", ()) for row in series["values"]]


def _words(body: bytes) -> str:
    try:
        said = orjson.loads(body)
    except orjson.JSONDecodeError:
        return body.decode(errors="replace")
    return str(said.get("error") or said.get("message") or said) if isinstance(said, dict) else str(said)
