"""The readings that an InfluxDB holds, page by page in time order: what `engine.store.influx` wrote, or the like."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import orjson
import urllib3
from urllib3.exceptions import HTTPError

from engine.replay.scan.column import Table
from engine.replay.scan.csv_rows import scan_csv
from engine.replay.scan.eights import padded
from engine.replay.sources.blocks import NotARecordingError
from engine.store.influx_settings import InfluxSettings
from engine.store.names import KIND_NAMES
from sensors.reading import Kind

COLUMNS = ("time", "outlet", "factor", "value", "flag", "rev")
"""What a mapping may speak of. `time` is in milliseconds since 1970."""

PAGE_ROWS = 50_000
DAY_MS = 86_400_000
SPAN_MS_MAX = 400 * DAY_MS


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Rows of CSV, and where the next page begins."""

    header: tuple[str, ...]
    text: bytes
    rows: int
    next_ms: int


class InfluxSource:
    """The readings of one kind. It asks in InfluxQL, which streams rows in time order; a page is bounded in rows."""

    def __init__(self, settings: InfluxSettings, kind: Kind, wanted: Sequence[str], rows: int = PAGE_ROWS) -> None:
        self.place = f"InfluxDB {settings.url} bucket {settings.bucket_of(KIND_NAMES[kind])}"
        self.rows = rows
        self._wanted = tuple(wanted)
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
        row = 1
        for page in self._pages():
            wanted = [name for name in self._wanted if name in page.header]
            table, _, _ = scan_csv(
                padded(page.text), first_line=row, delimiter=",", header=page.header, wanted=wanted, last=True
            )
            row += page.rows
            yield table, min(row - 1, self.size)

    def _pages(self) -> Iterator[Page]:
        """Everything between the first and the last reading; a span without readings costs a question, and the next is longer."""
        at_ms, end_ms = self._edge("first"), self._edge("last") + 1
        span_ms, rows = DAY_MS, self.rows
        while at_ms < end_ms:
            page = self._page(at_ms, min(at_ms + span_ms, end_ms), rows)
            if page.next_ms == at_ms:  # more rows of one instant than a page holds
                rows *= 2
                continue
            span_ms = min(2 * span_ms, SPAN_MS_MAX) if page.rows < rows else span_ms
            at_ms, rows = page.next_ms, self.rows
            if page.rows:
                yield page

    def _page(self, from_ms: int, to_ms: int, rows: int) -> Page:
        columns = ", ".join(f'"{name}"' for name in COLUMNS[1:])
        head, _, text = self._ask(
            f'SELECT {columns} FROM "reading" WHERE "kind" = \'{self._kind}\' '
            f"AND time >= {from_ms}ms AND time < {to_ms}ms ORDER BY time LIMIT {rows}"
        ).partition(b"\n")
        lines = text.splitlines(keepends=True)
        header = tuple(head.decode().split(","))
        if len(lines) < rows:
            return Page(header=header, text=text, rows=len(lines), next_ms=to_ms)
        column = header.index("time")
        times = [line.split(b",", column + 1)[column] for line in lines]
        kept = times.index(times[-1])  # the last instant may be cut: it begins the next page
        return Page(header=header, text=b"".join(lines[:kept]), rows=kept, next_ms=int(times[-1]))

    def _count(self) -> int:
        return self._number(f'SELECT count("value") FROM "reading" WHERE "kind" = \'{self._kind}\'', "count")

    def _edge(self, which: str) -> int:
        return self._number(f'SELECT {which}("value") FROM "reading" WHERE "kind" = \'{self._kind}\'', "time")

    def _number(self, question: str, column: str) -> int:
        """A number of the only row; 0 where there is none."""
        head, _, text = self._ask(question).partition(b"\n")
        names, cells = head.decode().split(","), text.decode().strip().split(",")
        return int(cells[names.index(column)]) if len(cells) == len(names) > 1 else 0

    def _ask(self, question: str) -> bytes:
        """The answer in CSV; NotARecordingError with the server's words where there is none."""
        headers = {"Authorization": f"Token {self._token}", "Accept": "application/csv", "Accept-Encoding": "gzip"}
        fields = {"db": self._bucket, "q": question, "epoch": "ms"}
        try:
            answer = self._http.request("GET", f"{self._url}/query", fields=fields, headers=headers)
        except HTTPError as error:
            raise NotARecordingError(f"{self.place}: {error}") from error
        if answer.status != 200:
            raise NotARecordingError(f"{self.place}: HTTP {answer.status}: {_words(answer.data)}")
        if answer.data.startswith(b"error"):
            raise NotARecordingError(f"{self.place}: {answer.data.decode(errors='replace').strip()}")
        return answer.data


def _words(body: bytes) -> str:
    try:
        said = orjson.loads(body)
    except orjson.JSONDecodeError:
        return body.decode(errors="replace")
    return str(said.get("error") or said.get("message") or said) if isinstance(said, dict) else str(said)
