"""`python -m tests.chaos --seed S --kills N [--json]`: docs/chaos.md."""

import argparse
import json
import sys
import tempfile
import time
from dataclasses import asdict
from pathlib import Path

from tests.chaos.check import MUST_BE_ZERO, Report, check
from tests.chaos.plant import Fault, plant
from tests.chaos.run import play


def main() -> int:
    """0: nothing lost, nothing doubled. 1: a violation. 2: the run itself failed."""
    wanted = _arguments()
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="outfall-chaos-") as temporary:
        folder = wanted.check or wanted.keep or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        try:
            if wanted.check is None:
                play(folder, seed=wanted.seed, kills=wanted.kills, count=wanted.monitors, rate=wanted.rate, say=_say)
            planted = plant(folder, wanted.plant, wanted.seed) if wanted.plant else ""
        except (RuntimeError, OSError) as error:
            _say(f"chaos: {error}")
            return 2
        report = check(folder)
    _print(wanted, report, planted, time.monotonic() - began)
    return 1 if report.violations else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description="kill -9 of a host under load, and a check.")
    parser.add_argument("--seed", type=int, default=1, help="decides the instants of the kills")
    parser.add_argument("--kills", type=int, default=5)
    parser.add_argument("--monitors", type=int, default=12)
    parser.add_argument("--rate", type=float, default=60.0, help="messages a second of each monitor")
    parser.add_argument("--keep", type=Path, help="an empty folder in which the run is kept")
    parser.add_argument("--check", type=Path, help="only check the run that is kept in this folder")
    parser.add_argument("--plant", type=Fault, choices=list(Fault), help="put a fault into the run before it is checked")
    parser.add_argument("--json", action="store_true", help="one object on standard output")
    return parser.parse_args()


def _print(wanted: argparse.Namespace, report: Report, planted: str, seconds: float) -> None:
    counts = {name: value for name, value in asdict(report).items() if name != "examples"}
    head = {"seed": wanted.seed, "kills": wanted.kills, "planted": planted, "seconds": round(seconds, 1)}
    if wanted.json:
        print(json.dumps({**head, **counts, "violations": report.violations, "examples": report.examples}))
        return
    for name, value in [*head.items(), *counts.items()]:
        mark = "" if name not in MUST_BE_ZERO else "  VIOLATION" if value else "  ok"
        print(f"{name.replace('_', ' '):20}{value!s:>10}{mark}")
    for name, shown in report.examples.items():
        print(f"{name.replace('_', ' ')}: {'; '.join(shown)}")


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
