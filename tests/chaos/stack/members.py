"""The processes of Outfall in a run, as a supervisor would keep them: one that ends by itself is started again."""

import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections import Counter
from pathlib import Path

from tests.servers.process import HOST, Server

WATCH_S = 0.2


class Member(Server):
    """`outfall run` with one configuration; `port` is where it answers over HTTP."""

    ready_s = 120.0
    stop_s = 60.0

    def __init__(self, folder: Path, name: str, config: Path) -> None:
        self.name = name
        self._config = config
        self._is_meant = False  # that it does not run
        self.ended: Counter[int] = Counter()  # exit codes with which it ended by itself
        super().__init__(folder)

    def command(self) -> list[str]:
        """The real command line."""
        return [str(Path(sys.executable).with_name("outfall")), "run", "--config", str(self._config), "--lang", "en"]

    def answers(self) -> bool:
        """Is it ready, as /ready says?"""
        try:
            with urllib.request.urlopen(f"http://{HOST}:{self.port}/ready", timeout=5) as answer:
                return bool(answer.status == 200)
        except urllib.error.HTTPError:
            return False

    def metrics(self) -> dict[str, float]:
        """What /metrics says, by name and labels."""
        with urllib.request.urlopen(f"http://{HOST}:{self.port}/metrics", timeout=10) as answer:
            lines = answer.read().decode().splitlines()
        pairs = (line.rpartition(" ") for line in lines if line and not line.startswith("#"))
        return {name: float(value) for name, _, value in pairs}

    def kill(self) -> None:
        """kill -9; the supervisor leaves it alone until it is started again."""
        self._is_meant = True
        super().kill()

    def stop(self) -> None:
        """End it in order; the supervisor leaves it alone."""
        self._is_meant = True
        super().stop()

    def start_soon(self) -> None:
        """Start it and do not wait."""
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                self.command(), stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=self.folder, start_new_session=True
            )
        self._is_meant = False

    def has_ended(self) -> int | None:
        """The code with which it ended by itself; None while it runs, or where it was killed."""
        return None if self._process is None or self._is_meant else self._process.poll()


class Supervisor:
    """Starts members again that end by themselves."""

    def __init__(self, members: list[Member]) -> None:
        self._members = members
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Watch no more."""
        self._end.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._end.wait(WATCH_S):
            for member in self._members:
                if (code := member.has_ended()) is not None:
                    member.ended[code] += 1
                    time.sleep(WATCH_S)
                    member.start_soon()
