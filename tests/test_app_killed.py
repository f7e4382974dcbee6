"""kill -9 of the whole host at any instant: every stored payload has its effect once, and is judged once, in order."""

import asyncio
import contextlib
import itertools
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

from engine.detect.facts import Facts
from engine.exit_codes import ExitCode
from engine.lifecycle import Host
from engine.log.facts_codec import encode_facts
from engine.log.record import RecordKind, Topic
from engine.log.sqlite import SqliteLog
from tests.app_parts import Shelf
from tests.app_publisher import parts_in, settings_in

ROUNDS = 5
SIGNALLED = """
import sys, time
from dataclasses import replace
from pathlib import Path
from engine.lifecycle import run_app
from tests.app_publisher import parts_in, settings_in

class Stuck:
    def write_all(self, run):
        Path(sys.argv[1], "stuck").touch()
        time.sleep(3600)

folder = Path(sys.argv[1])
parts = parts_in(folder)
sys.exit(run_app(settings_in(folder), replace(parts, store=Stuck()) if "stuck" in sys.argv else parts))
"""


def kill_a_host(folder: Path, round_: int, lines: int) -> list[str]:
    """Start a host, kill it after it stored so many payloads; what it said it had stored."""
    command = [sys.executable, "-m", "tests.app_publisher", str(folder), str(round_)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        said = list(itertools.islice(child.stdout, lines))
        child.kill()
        said += child.stdout.readlines()
    return [line.decode().strip() for line in said if line.endswith(b"\n")]


def let_it_finish(folder: Path) -> ExitCode:
    async def main() -> ExitCode:
        host = Host(settings_in(folder), parts_in(folder))
        running = asyncio.create_task(host.run())
        await asyncio.wait_for(host.ready.wait(), 20)
        host.stop()
        return await asyncio.wait_for(running, 60)

    return asyncio.run(main())


def test_kill_9_of_the_host_loses_and_doubles_nothing(tmp_path: Path) -> None:
    dice = random.Random(5)
    stored: list[str] = []
    for round_ in range(ROUNDS):
        stored += kill_a_host(tmp_path, round_, dice.randrange(1, 400))
    assert let_it_finish(tmp_path) is ExitCode.OK

    shelf = Shelf(tmp_path / "shelf.db")
    details = [str(row[0]).split() for row in shelf.rows("select detail from payload order by partition, offset, row")]
    kept = [text for text, *_ in details]
    assert len(set(kept)) == len(kept), "a payload was kept twice"
    assert set(stored) <= set(kept), "a payload that was stored had no effect"
    numbers = {p: [int(n) for _, _, n, _, q in details if q == p] for p in "01"}
    assert numbers == {p: list(range(1, len(found) + 1)) for p, found in numbers.items()}, "judged twice, or not in order"
    assert {str(id) for (id,) in shelf.rows("select id from alert")} == set(kept)
    assert shelf.rows("select * from letter") == []
    assert len(stored) > 100


def signalled(folder: Path, *words: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-c", SIGNALLED, str(folder), *words], cwd=Path(__file__).parent.parent)


def wait_for(file: Path) -> None:
    deadline = time.monotonic() + 30
    while not file.exists():
        assert time.monotonic() < deadline
        os.sched_yield()


def test_the_first_signal_ends_in_order_and_the_code_says_so(tmp_path: Path) -> None:
    child = signalled(tmp_path)
    wait_for(tmp_path / "data" / "status.json")
    child.send_signal(signal.SIGTERM)
    assert child.wait(20) == ExitCode.OK
    assert b'"stopped"' in (tmp_path / "data" / "status.json").read_bytes()


def test_the_second_signal_ends_at_once_whatever_a_stage_is_stuck_in(tmp_path: Path) -> None:
    with SqliteLog(tmp_path / "data", partitions=2) as log:
        log.append(Topic.READINGS, 0, RecordKind.DATA, encode_facts(Facts(log_ms=1))).result()
    child = signalled(tmp_path, "stuck")
    wait_for(tmp_path / "stuck")
    child.send_signal(signal.SIGTERM)
    with contextlib.suppress(subprocess.TimeoutExpired):
        child.wait(0.3)
    child.send_signal(signal.SIGTERM)
    assert child.wait(10) == ExitCode.TERMINATED
