"""The health check of the container: what it asks, and the code it ends with."""

import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

SCRIPT = Path(__file__).parent.parent / "docker/health.py"


@contextmanager
def answering(status: int) -> Iterator[str]:
    """A host that answers so; its address."""

    class Host(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.end_headers()
            self.wfile.write(b'{"reasons": {"loop": "the event loop is 12 s late"}}')

        def log_message(self, *args: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Host) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/health"
        server.shutdown()


def check(address: str) -> subprocess.CompletedProcess[str]:
    """Run it."""
    command, environ = [sys.executable, str(SCRIPT)], {"OUTFALL_HEALTH": address}
    return subprocess.run(command, env=environ, capture_output=True, text=True, check=False, timeout=30)


def test_a_host_that_is_well_is_healthy() -> None:
    with answering(200) as address:
        assert check(address).returncode == 0


def test_a_host_that_is_not_says_why() -> None:
    with answering(503) as address:
        ended = check(address)
    assert ended.returncode == 1
    assert "the event loop is 12 s late" in ended.stdout


def test_nobody_there_is_not_healthy() -> None:
    with answering(200) as address:
        pass
    assert check(address).returncode == 1
