"""kill -9 of a process that writes and seals: what it said was safe is there, once."""

import random
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np

from engine.store.reader import open_reader
from tests.store_cases import COD, DAY, NOON, SO2
from tests.store_victim import STEP

ROOT = Path(__file__).parent.parent


def run_and_kill(data_dir: Path, records: int) -> int:
    """Let the victim write so many records and kill it in the midst of the next; the last record it called safe."""
    command = [sys.executable, "-m", "tests.store_victim", str(data_dir)]
    victim = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT)
    assert victim.stdout is not None
    said = [int(victim.stdout.readline()) for _ in range(records)]
    victim.send_signal(signal.SIGKILL)
    said += [int(line) for line in victim.stdout.read().splitlines()]
    victim.wait()
    return said[-1]


def test_a_killed_store_has_what_it_called_safe_once(tmp_path: Path) -> None:
    dice = random.Random(7)
    for _ in range(4):
        safe = run_and_kill(tmp_path, dice.randint(40, 200))
        reader = open_reader(tmp_path)
        for series in (COD, SO2):
            found = reader.readings(series, NOON, NOON + 1000 * DAY)
            whole = np.repeat(np.arange(safe + 1), 50)
            assert len(np.unique(found.device_ms)) == len(found)
            assert found.value[: len(whole)].tolist() == whole.tolist()
            assert len(found) in (len(whole), len(whole) + 50)
            assert not found.rev.any()
            assert found.device_ms[-1] // STEP >= NOON // STEP + safe
        reader.close()
    assert len(list(tmp_path.rglob("*.parquet"))) > 3
