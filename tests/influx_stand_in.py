"""An HTTP server that answers writes as InfluxDB 2.7 was seen to: 204, 400 for the whole request, 422 for a part of it.

It is a stand-in for the write path only. It reads line protocol by a parser of its own.
"""

import gzip
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlparse

import orjson

TOKEN, BUCKET, ORG = "t0ken", "outfall", "epb"
SERIES_AND_REST = re.compile(r"((?:\\.|[^ \\])+) ((?:\"(?:\\.|[^\"\\])*\"|[^ \"])+) (-?\d+)")
FIELD = re.compile(r'([^=,]+)=("(?:\\.|[^"\\])*"|[^,"]+)(?:,|$)')
NUMBER = re.compile(r"-?\d+(\.\d+)?([eE][-+]?\d+)?")


@dataclass
class InfluxDB:
    """What was stored, and how the next requests are answered."""

    points: dict[tuple[str, int], dict[str, Any]] = field(default_factory=dict)  # (series, ms) -> fields
    oldest_ms: int = 0  # older points are beyond retention
    trouble: list[int | None] = field(default_factory=list)  # statuses of the next requests; None: as usual
    requests: list[int] = field(default_factory=list)  # lines of each request
    url: str = ""

    def write(self, query: dict[str, list[str]], token: str, body: bytes) -> tuple[int, str]:
        lines = body.decode().splitlines()
        self.requests.append(len(lines))
        status = self.trouble.pop(0) if self.trouble else None
        if status is not None:
            return status, "in trouble"
        if token != f"Token {TOKEN}":
            return 401, "unauthorized access"
        if query.get("bucket") != [BUCKET]:
            return 404, f'bucket "{query.get("bucket")}" not found'
        assert (query["org"], query["precision"]) == ([ORG], ["ms"])
        return self._take(lines)

    def _take(self, lines: list[str]) -> tuple[int, str]:
        parsed = [parse(line) for line in lines]
        if bad := [f"unable to parse '{line}'" for line, point in zip(lines, parsed, strict=True) if point is None]:
            return 400, "\n".join(bad)
        dropped = 0
        for point in parsed:
            assert point is not None
            series, at_ms, fields = point
            if at_ms < self.oldest_ms:
                dropped += 1
            else:
                self.points.setdefault((series, at_ms), {}).update(fields)
        if dropped:
            return 422, f"failure writing points to database: partial write: points beyond retention dropped={dropped}"
        return 204, ""


def parse(line: str) -> tuple[str, int, dict[str, Any]] | None:
    """(measurement and tags, ms, fields) of a line; None if it is malformed."""
    found = SERIES_AND_REST.fullmatch(line)
    if found is None:
        return None
    series, rest, at_ms = found.groups()
    pairs = FIELD.findall(rest)
    values = {name: value(text) for name, text in pairs}
    whole = ",".join(f"{name}={text}" for name, text in pairs) == rest
    return None if not whole or None in values.values() else (series, int(at_ms), values)


def value(text: str) -> Any:
    """A field's value; None if it is malformed."""
    if text.startswith('"'):
        return text[1:-1]
    if text.endswith("i"):
        return int(text[:-1])
    return float(text) if NUMBER.fullmatch(text) else None


@contextmanager
def running() -> Iterator[InfluxDB]:
    """Serve one on a free port of this machine."""
    db = InfluxDB()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self.headers.get("Content-Encoding") == "gzip":
                body = gzip.decompress(body)
            url = urlparse(self.path)
            assert url.path == "/api/v2/write"
            status, message = db.write(parse_qs(url.query), self.headers["Authorization"], body)
            answer = orjson.dumps({"code": "invalid", "message": message}) if message else b""
            self.send_response(status)
            self.send_header("Content-Type", "application/json; charset=utf-8")
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, format: str, *args: object) -> None:
            """Be quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    db.url = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield db
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
