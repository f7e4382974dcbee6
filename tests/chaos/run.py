"""One chaos run: load, kills at random instants, and an end in order."""

import json
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from pysqlite3 import dbapi2 as sqlite

from tests.chaos.district import SECRET, found
from tests.chaos.host import Host
from tests.chaos.receiver import Receiver

SETTLE_S, QUIET_S = 3.0, 60.0
EARLY = 0.3
"""Share of the kills that come while the host still starts, mostly before it listens."""


def play(
    folder: Path, *, seed: int, kills: int, count: int, rate: float, say: Callable[[str], None] = lambda _: None
) -> None:
    """Fill an empty folder with everything that a run leaves behind."""
    dice = random.Random(seed)
    receiver = Receiver(folder, SECRET)
    port = found(folder, count=count, rate=rate, receiver_port=receiver.port)
    host = Host(folder, port)
    host.start()
    publishers = _start_publishers(folder)
    try:
        for number in range(1, kills + 1):
            after_s = _until_kill(host, dice)
            host.kill()
            say(f"kill {number}/{kills} after {after_s:.3f} s")
            host.start()
        host.wait_ready()
        time.sleep(SETTLE_S)
        publishers.send_signal(signal.SIGTERM)
        if publishers.wait(QUIET_S) != 0:
            raise RuntimeError(f"publishers: ended with code {publishers.returncode}: {folder}/publishers.log")
        say("all is said and acknowledged")
        _wait_quiet(folder)
        code = host.stop()
        if code != 0:
            raise RuntimeError(f"host: expected to stop with code 0, got {code}: {folder}/host.log")
    finally:
        publishers.kill()
        receiver.close()


def _until_kill(host: Host, dice: random.Random) -> float:
    """Wait for the instant of the next kill; how long after the start it came."""
    began = time.monotonic()
    if dice.random() < EARLY:
        time.sleep(dice.uniform(0.0, 3.0))
    else:
        pause_s = dice.uniform(0.0, 3.0)
        host.wait_ready()
        time.sleep(pause_s)
    return time.monotonic() - began


def _start_publishers(folder: Path) -> subprocess.Popen[bytes]:
    with (folder / "publishers.log").open("ab") as log:
        command = [sys.executable, "-m", "tests.chaos.publish", str(folder)]
        return subprocess.Popen(command, cwd=Path(__file__).parents[2], stdout=log, stderr=log)


def _wait_quiet(folder: Path) -> None:
    """Until silences have opened their alerts, no stage lags and no page waits; RuntimeError after a minute."""
    time.sleep(2 * SETTLE_S)
    deadline = time.monotonic() + QUIET_S
    while time.monotonic() < deadline:
        if _lag(folder) <= 2 and not _pages_waiting(folder):
            return
        time.sleep(0.2)
    raise RuntimeError(f"expected no lag and no waiting page, got {_lag(folder)} and {_pages_waiting(folder)}")


def _lag(folder: Path) -> int:
    stages = json.loads((folder / "data" / "status.json").read_text())["stages"]
    return sum(int(stage["lag"]) for stage in stages.values())


def _pages_waiting(folder: Path) -> int:
    database = sqlite.connect(str(folder / "data" / "core.db"))
    try:
        (waiting,) = database.execute("select count(*) from outbox where state in ('waiting', 'sending')").fetchone()
        return int(waiting)
    finally:
        database.close()
