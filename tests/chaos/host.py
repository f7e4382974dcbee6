"""The host under test: `outfall run` as a process, started, killed, stopped."""

import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

from tests.chaos.district import CONFIG

READY_S, STOP_S = 60.0, 120.0


class Host:
    """One process at a time on one folder; its output goes to FOLDER/host.log."""

    def __init__(self, folder: Path, port: int) -> None:
        self._folder, self._port = folder, port
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it; it is not ready yet."""
        with (self._folder / "host.log").open("ab") as log:
            command = [str(Path(sys.executable).with_name("outfall")), "run", "--config", CONFIG, "--lang", "en"]
            self._process = subprocess.Popen(command, cwd=self._folder, stdout=log, stderr=log)

    def wait_ready(self) -> None:
        """Until it listens; RuntimeError where it ends instead, or takes too long."""
        deadline = time.monotonic() + READY_S
        while time.monotonic() < deadline:
            self._check_alive()
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self._port)) == 0:
                    return
            time.sleep(0.02)
        raise RuntimeError(f"host: expected to listen on port {self._port} within {READY_S} s: {self._folder}/host.log")

    def kill(self) -> None:
        """kill -9, whatever it is doing."""
        assert self._process is not None
        self._check_alive()
        self._process.kill()
        self._process.wait()

    def stop(self) -> int:
        """Ask it to end in order; its exit code."""
        assert self._process is not None
        self._process.send_signal(signal.SIGTERM)
        return self._process.wait(STOP_S)

    def _check_alive(self) -> None:
        assert self._process is not None
        code = self._process.poll()
        if code is not None:
            raise RuntimeError(f"host: ended by itself with code {code}: {self._folder}/host.log")
