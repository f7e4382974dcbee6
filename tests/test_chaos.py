"""kill -9 of `outfall run` under load, short: nothing is lost or doubled, and the checker is seen to fail on planted faults.

The long one: docs/chaos.md.
"""

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]


def chaos(*arguments: str) -> tuple[int, dict[str, Any]]:
    """Run the program; its exit code and its object."""
    command = [sys.executable, "-m", "tests.chaos", "--json", *arguments]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.stdout, done.stderr
    return done.returncode, json.loads(done.stdout)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, int, dict[str, Any]]:
    """A finished run with three kills: its folder, exit code and report."""
    folder = tmp_path_factory.mktemp("chaos")
    code, report = chaos("--seed", "7", "--kills", "3", "--monitors", "6", "--keep", str(folder))
    return folder, code, report


def test_three_kills_lose_and_double_nothing(run: tuple[Path, int, dict[str, Any]]) -> None:
    _, code, report = run
    assert (code, report["violations"]) == (0, {})
    assert report["acknowledged"] == report["payloads"] > 100
    assert report["events"] > 0 < report["pages"]
    assert report["received"] >= report["pages"]


FAULTS = {
    "loss": "lost",
    "double": "doubled",
    "alert": "events_missing",
    "page": "pages_repeated",
}


@pytest.mark.parametrize(("fault", "violation"), FAULTS.items(), ids=FAULTS.keys())
def test_a_planted_fault_is_found(run: tuple[Path, int, dict[str, Any]], tmp_path: Path, fault: str, violation: str) -> None:
    folder, _, _ = run
    copy = shutil.copytree(folder, tmp_path / "copy")
    code, report = chaos("--check", str(copy), "--plant", fault)
    assert (code, report["violations"][violation], len(report["examples"][violation])) == (1, 1, 1)
