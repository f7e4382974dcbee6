"""Every bench has its place in docs/benchmarks.md, and a small run of one prints one JSON object."""

import subprocess
import sys
from pathlib import Path

import orjson
import pytest

ROOT = Path(__file__).parent.parent
BENCHES = sorted(file.stem for file in (ROOT / "bench").glob("*.py") if not file.stem.startswith("_"))
PAGE = (ROOT / "docs" / "benchmarks.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("bench", BENCHES)
def test_a_bench_has_a_heading_and_the_command_that_runs_it(bench: str) -> None:
    assert f"\n## bench.{bench}\n" in PAGE
    assert f"`python -m bench.{bench}`" in PAGE


def test_a_small_run_prints_one_object_with_peak_memory_beside_every_figure() -> None:
    command = [sys.executable, "-m", "bench.flow", "--outlets", "30", "--minutes", "61", "--json"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, check=True)
    told = orjson.loads(done.stdout)
    assert told["bench"] == "bench.flow" and told["command"].startswith("python -m bench.flow")
    assert told["rows"][-1]["stage"] == "all stages"
    assert all(row["peak_mib"] > 0 for row in told["rows"])
    assert sum(row["share"] for row in told["rows"][:-1]) == pytest.approx(1, abs=0.01)
