"""A proxy in front of a real InfluxDB that answers some writes itself: what no server can be made to say on command.

That is a 429 with its Retry-After, a 503, and a 500 for one line while all others are taken. Everything else passes.
"""

import threading
import urllib.error
import urllib.request
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

Said = tuple[int, dict[str, str]]
"""(status, headers) of an answer of the proxy's own."""

HOP = ("transfer-encoding", "connection", "content-length", "date", "server")


@dataclass
class Proxy:
    """Its address, and what it says itself."""

    behind: str  # the server's address
    url: str = ""
    trouble: list[Said] = field(default_factory=list)  # to the next writes, one each
    poison: Callable[[bytes], bool] = lambda _lines: False  # writes that are answered 500
    writes: list[int] = field(default_factory=list)  # lines of each

    def answer(self, lines: bytes) -> Said | None:
        """What a write is told; None: what the server says."""
        self.writes.append(lines.count(b"\n") + 1)
        if self.trouble:
            return self.trouble.pop(0)
        return (500, {}) if self.poison(lines) else None


@contextmanager
def in_front_of(behind: str) -> Iterator[Proxy]:
    """Serve on a free port."""
    proxy = Proxy(behind)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self._pass(None)

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            packed = self.headers.get("Content-Encoding") == "gzip"
            own = proxy.answer(zlib.decompress(body, 31) if packed else body) if "/write" in self.path else None
            if own is None:
                self._pass(body)
            else:
                self._say(own[0], own[1], b'{"code":"internal error","message":"said by the proxy"}')

        def _pass(self, body: bytes | None) -> None:
            headers = {k: v for k, v in self.headers.items() if k.lower() not in ("host", "content-length")}
            request = urllib.request.Request(proxy.behind + self.path, body, headers, method=self.command)
            try:
                with urllib.request.urlopen(request, timeout=30) as answer:
                    self._say(answer.status, dict(answer.headers), answer.read())
            except urllib.error.HTTPError as error:
                self._say(error.code, dict(error.headers), error.read())

        def _say(self, status: int, headers: dict[str, str], body: bytes) -> None:
            self.send_response(status)
            for name, value in headers.items():
                if name.lower() not in HOP:
                    self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Be quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    proxy.url = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield proxy
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
