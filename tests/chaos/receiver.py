"""The receiver of pages: takes every signed request and writes down which page it was."""

import contextlib
import hashlib
import hmac
import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

FILE = "received"


class Receiver:
    """An HTTP server on a free port of 127.0.0.1; one line of JSON in FOLDER/received for each request."""

    def __init__(self, folder: Path, secret: str) -> None:
        self._file = (folder / FILE).open("a", buffering=1)
        self._lock = threading.Lock()
        self.newest_ms = 0  # the latest log time of what was paged
        self.received = 0  # requests
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                timestamp, signature = self.headers["Outfall-Timestamp"], self.headers["Outfall-Signature"]
                own = hmac.new(secret.encode(), timestamp.encode() + b"." + body, hashlib.sha256).hexdigest()
                receiver.note(self.headers["Idempotency-Key"], json.loads(body), signed=signature == f"v1={own}")
                with contextlib.suppress(ConnectionError):  # a sender that was killed does not wait for the answer
                    self.send_response(200)
                    self.end_headers()
                    self.wfile.write(b'{"code": 0}')

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.port = self._server.server_port
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def note(self, page_id: str, body: dict[str, Any], *, signed: bool) -> None:
        """Write a request down."""
        line = {"page_id": page_id, "named": body["page_id"], "resend": body["resend"], "signed": signed}
        line |= {"received_ms": round(time.time() * 1000), "at_ms": body["subject"]["at_ms"]}
        self.newest_ms = max(self.newest_ms, line["at_ms"])
        with self._lock:
            self.received += 1
            self._file.write(json.dumps(line) + "\n")

    def close(self) -> None:
        """Take no more."""
        self._server.shutdown()
        self._file.close()
