"""A server as a process of one's own: started, frozen, killed and started again, and always ended by its process id."""

import contextlib
import os
import random
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Self

HOST = "127.0.0.1"
PORTS = range(20_000, 32_000)
"""Below those that the kernel gives to outgoing connections: none of them takes the place of a server that is down."""

LOG_LINES = 30


def free_port() -> int:
    """A port that nobody listens on now."""
    for port in random.SystemRandom().sample(PORTS, 200):
        with socket.socket() as tried, contextlib.suppress(OSError):
            tried.bind((HOST, port))
            return port
    raise OSError(f"no free port among 200 of {PORTS.start}-{PORTS.stop}")


def listens(port: int) -> bool:
    """Does somebody take connections there?"""
    with socket.socket() as tried:
        tried.settimeout(1)
        return tried.connect_ex((HOST, port)) == 0


def family(pid: int) -> list[int]:
    """A process and what it started, itself first."""
    children: dict[int, list[int]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            parent = int(stat.read_text().rpartition(")")[2].split()[1])
            children.setdefault(parent, []).append(int(stat.parent.name))
    found = [pid]
    for one in found:
        found += children.get(one, [])
    return found


class Server:
    """A server; what is particular to one is in `prepare`, `command` and `answers`. `port` and data stay over a restart."""

    name = "server"
    ready_s = 60.0
    stop_with = signal.SIGTERM
    stop_s = 20.0

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        self._process: subprocess.Popen[bytes] | None = None
        self.prepare()

    def prepare(self) -> None:
        """Make what it needs before its first start."""

    def command(self) -> list[str]:
        """The program and its arguments."""
        raise NotImplementedError

    def answers(self) -> bool:
        """Is it ready? May raise OSError where it is not."""
        return listens(self.port)

    @classmethod
    @contextlib.contextmanager
    def running(cls, **settings: Any) -> Iterator[Self]:
        """One in a temporary directory, ready; it ends with the block. Settings are those of its class."""
        folder = Path(tempfile.mkdtemp(prefix=f"outfall-{cls.name}-"))
        try:
            server = cls(folder, **settings)
            try:
                server.start()
                yield server
            finally:
                server.stop()
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    @property
    def pid(self) -> int:
        """Its process id; it must run."""
        if self._process is None:
            raise RuntimeError(f"{self.name} does not run")
        return self._process.pid

    def start(self) -> float:
        """Start it and wait until it is ready; how long that took, s."""
        began = time.monotonic()
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                self.command(), stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=self.folder, start_new_session=True
            )
        while not self._ready():
            if self._process.poll() is not None:
                raise RuntimeError(f"{self.name} ended with {self._process.returncode} at its start:\n{self.log_tail()}")
            if time.monotonic() - began > self.ready_s:
                self.kill()
                raise RuntimeError(f"{self.name} was not ready after {self.ready_s:g} s:\n{self.log_tail()}")
            time.sleep(0.05)
        return time.monotonic() - began

    def stop(self) -> None:
        """End it in order; with force where it does not obey. Does nothing where it does not run."""
        if self._process is None:
            return
        self.thaw()
        self._process.send_signal(self.stop_with)
        try:
            self._process.wait(self.stop_s)
        except subprocess.TimeoutExpired:
            self.kill()
        self._process = None

    def kill(self) -> None:
        """kill -9, with all that it started."""
        if self._process is None:
            return
        self._signal(signal.SIGKILL)
        self._process.wait()
        self._process = None

    def restart(self) -> float:
        """Stop in order and start again; how long it took until it was ready, s."""
        self.stop()
        return self.start()

    def freeze(self) -> None:
        """SIGSTOP: it answers nothing, and its connections stay open."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """SIGCONT."""
        self._signal(signal.SIGCONT)

    def log_tail(self) -> str:
        """The last of what it said."""
        return "\n".join(self._log.read_text(errors="replace").splitlines()[-LOG_LINES:])

    @property
    def _log(self) -> Path:
        return self.folder / f"{self.name}.log"

    def _ready(self) -> bool:
        try:
            return self.answers()
        except OSError:
            return False

    def _signal(self, number: signal.Signals) -> None:
        for pid in family(self.pid):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)


def run_once(command: list[str], **how: Any) -> None:
    """Run a program that must succeed; what it said is in the error where it does not."""
    done = subprocess.run(command, capture_output=True, text=True, check=False, **how)
    if done.returncode:
        raise RuntimeError(f"{command[0]} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
