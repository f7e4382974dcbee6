"""Kills and freezes on the whole stack, short: nothing lost, nothing doubled; and the checker is seen to fail.

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

pytestmark = pytest.mark.real


def program(name: str, *arguments: str) -> tuple[int, dict[str, Any]]:
    """Run one of the chaos programs; its exit code and its object."""
    command = [sys.executable, "-m", name, "--json", *arguments]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.stdout, done.stderr
    return done.returncode, json.loads(done.stdout)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, int, dict[str, Any]]:
    """A finished run of half a minute: its folder, exit code and report."""
    folder = tmp_path_factory.mktemp("stack")
    sizes = ("--minutes", "0.5", "--monitors", "6", "--keep", str(folder))
    code, report = program("tests.chaos.stack", "--seed", "11", *sizes)
    return folder, code, report


@pytest.mark.timeout(600)
def test_half_a_minute_of_faults_loses_and_doubles_nothing(run: tuple[Path, int, dict[str, Any]]) -> None:
    _, code, report = run
    assert (code, report["violations"]) == (0, {}), report["examples"]
    assert len(report["blows"]) >= 3
    assert report["acknowledged"] == report["payloads"] > 100
    assert report["events"] > 0 < report["pages"]
    assert report["points"] > 100


def test_a_reading_that_influxdb_lacks_is_found(run: tuple[Path, int, dict[str, Any]], tmp_path: Path) -> None:
    folder, _, _ = run
    copy = tmp_path / "copy"
    shutil.copytree(folder, copy)
    code, report = program("tests.chaos", "--check", str(copy), "--plant", "point")
    assert (code, report["violations"]["points_missing"]) == (1, 1)
