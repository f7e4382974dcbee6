"""A backup of a log that is being written: how long it takes, and what the senders notice of it.

    python -m bench.backup                    # a log of 1 GB
    python -m bench.backup --mb 50 --json     # seconds

The log holds HJ 212 frames. Beside the backup one sender appends records of 2 kB, each after the commit of the one
before, as it did before the backup began.
"""

import contextlib
import io
import random
import tempfile
import threading
import time
from pathlib import Path

from bench._measure import Report, in_child, parser
from engine.backup.make import make_backup
from engine.backup.restore import restore_backup
from engine.cli.main import run
from engine.log.record import RecordKind, Topic
from engine.log.sqlite import SqliteLog

HEAD = b"##0119ST=32;CN=2051;PW=123456;MN=010000A8900016F000169DC0;Flag=5;CP=&&"
FRAME = HEAD + b"DataTime=20261129%06d;w01018-Avg=%.1f&&%04X\r\n"
BEFORE_S = 3.0


class Sender:
    """Appends one record after the other."""

    def __init__(self, log: SqliteLog) -> None:
        self.waited: list[float] = []
        self._log = log
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._send)
        self._thread.start()

    def _send(self) -> None:
        while not self._stop.is_set():
            began = time.perf_counter()
            self._log.append(Topic.FRAMES, 0, RecordKind.TICK, b"x" * 2000).result()
            self.waited.append(time.perf_counter() - began)

    def so_far(self) -> list[float]:
        """Milliseconds of the median and of the slowest of a hundred since it was last asked."""
        waited, self.waited = sorted(self.waited), []
        return [1000 * waited[int(len(waited) * share)] for share in (0.5, 0.99)]

    def stop(self) -> None:
        """No more."""
        self._stop.set()
        self._thread.join()


def backed_up(megabytes: int) -> dict[str, float]:
    """Make a log, back it up under load, restore it: the figures."""
    with tempfile.TemporaryDirectory() as folder:
        site, file = Path(folder) / "site", Path(folder) / "backup.tar.zst"
        with contextlib.redirect_stdout(io.StringIO()):
            run(["init", str(site), "--json"], {})
        with SqliteLog(site / "data") as log:
            _fill(log, megabytes)
            sender = Sender(log)
            time.sleep(BEFORE_S)
            before = sender.so_far()
            began = time.perf_counter()
            made = make_backup(site / "config.yaml", site / "data", file, secrets=False, log=True, told=_silent)
            took_s = time.perf_counter() - began
            during = sender.so_far()
            sender.stop()
        began = time.perf_counter()
        restore_backup(file, Path(folder) / "new", _silent)
        restored_s = time.perf_counter() - began
    return {
        "log_mb": megabytes,
        "backup_s": took_s,
        "backup_mb": made.bytes / 1e6,
        "restore_s": restored_s,
        "append_p50_ms_before": before[0],
        "append_p50_ms_during": during[0],
        "append_p99_ms_before": before[1],
        "append_p99_ms_during": during[1],
    }


def _fill(log: SqliteLog, megabytes: int) -> None:
    chance = random.Random(1)
    for _ in range(megabytes):
        frames = (FRAME % (chance.randrange(10**6), chance.random() * 100, chance.randrange(1 << 16)) for _ in range(8000))
        log.append(Topic.FRAMES, 0, RecordKind.TICK, b"".join(frames)[:1_000_000]).result()


def _silent(name: str, done: int, size: int) -> None:
    """Nobody looks."""


def main() -> None:
    """The command."""
    options = parser(__doc__)
    options.add_argument("--mb", type=int, default=1000, help="size of the log")
    given = options.parse_args()
    report = Report(bench="bench.backup", title="Backup of a log that is being written, and its restoration")
    figures, peak = in_child(backed_up, given.mb)
    report.add(**{name: round(figure, 1) for name, figure in figures.items()}, peak_mib=round(peak))
    report.show(as_json=given.json)


if __name__ == "__main__":
    main()
