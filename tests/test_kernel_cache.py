"""Machine code kept on disk is not run when something that was compiled into it has changed."""

import subprocess
import sys
from pathlib import Path

import pytest

CALLER = "from sensors.kernel import compiled\nfrom callee import *\n\n@compiled\ndef caller(x):\n    return {body}\n"
HEAD = "import numpy as np\nfrom typing import NamedTuple\nfrom sensors.kernel import compiled\n"
CALLEE = HEAD + "@compiled\ndef callee(x):\n    return x + {}\n"
TWICE = HEAD + "@compiled\ndef inner(x):\n    return x + {}\n@compiled\ndef callee(x):\n    return inner(x)\n"
CHANGES = [
    ("a function it calls", "callee(x)", CALLEE),
    ("a function that one calls", "callee(x)", TWICE),
    ("a number it reads", "x + NUMBER", "NUMBER = {}\n"),
    ("an array it reads", "x + TABLE[0]", HEAD + "TABLE = np.array([{}])\n"),
    ("a tuple it reads", "x + PAIR[1]", "PAIR = (0, {})\n"),
]


def run(folder: Path) -> tuple[int, int]:
    """(what `caller(1)` gives in a new process, how often it was taken from disk)"""
    script = "import caller; print(caller.caller(1), sum(caller.caller.stats.cache_hits.values()))"
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True, timeout=120)
    value, hits = done.stdout.split()
    return int(value), int(hits)


@pytest.mark.parametrize(("body", "callee"), [c[1:] for c in CHANGES], ids=[c[0] for c in CHANGES])
def test_what_changes_beneath_a_compiled_function_changes_it(tmp_path: Path, body: str, callee: str) -> None:
    (tmp_path / "caller.py").write_text(CALLER.format(body=body))
    (tmp_path / "callee.py").write_text(callee.format(10))
    assert run(tmp_path) == (11, 0)
    (tmp_path / "callee.py").write_text(callee.format(200))
    assert run(tmp_path) == (201, 0)


def test_what_did_not_change_is_taken_from_disk(tmp_path: Path) -> None:
    (tmp_path / "caller.py").write_text(CALLER.format(body="callee(x)"))
    (tmp_path / "callee.py").write_text(CALLEE.format(10))
    assert [run(tmp_path), run(tmp_path)] == [(11, 0), (11, 1)]
