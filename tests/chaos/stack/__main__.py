"""`python -m tests.chaos.stack --seed S --minutes M [--json]`: docs/chaos.md."""

import argparse
import json
import sys
import tempfile
import time
from dataclasses import asdict
from pathlib import Path

from tests.chaos.check import Report, check
from tests.chaos.stack.run import Course, Wanted, play

ALLOWED = {"doubled"}
"""A bridge that dies between commit and acknowledgement brings a payload again: a copy, of which nothing new follows."""


def main() -> int:
    """0: nothing lost, nothing doubled. 1: a violation. 2: the run itself failed."""
    wanted = _arguments()
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="outfall-stack-") as temporary:
        folder = wanted.keep or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        try:
            course = play(folder, _wanted(wanted), _say)
        except (RuntimeError, OSError) as error:
            _say(f"chaos: {error}")
            return 2
        report = check(folder)
    violations = {name: count for name, count in report.violations.items() if name not in ALLOWED}
    _print(wanted, course, report, violations, time.monotonic() - began)
    return 1 if violations else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tests.chaos.stack",
        description="kill -9 and SIGSTOP of servers, bridge and workers in random order under load, and a check.",
    )
    parser.add_argument("--seed", type=int, default=1, help="decides the order and the instants")
    parser.add_argument("--minutes", type=float, default=10.0, help="for so long faults are begun")
    parser.add_argument("--monitors", type=int, default=12)
    parser.add_argument("--rate", type=float, default=20.0, help="messages a second of each monitor")
    parser.add_argument("--only", action="append", default=[], metavar="VICTIM", help="may be given more than once")
    parser.add_argument("--away", default="", metavar="SERVER", help="one that is away for long, before the faults begin")
    parser.add_argument("--away-s", type=float, default=600.0)
    parser.add_argument("--keep", type=Path, help="an empty folder in which the run is kept")
    parser.add_argument("--json", action="store_true", help="one object on standard output")
    return parser.parse_args()


def _wanted(given: argparse.Namespace) -> Wanted:
    return Wanted(
        seed=given.seed,
        minutes=given.minutes,
        count=given.monitors,
        rate=given.rate,
        only=tuple(given.only),
        away=given.away,
        away_s=given.away_s,
    )


def _print(wanted: argparse.Namespace, course: Course, report: Report, violations: dict[str, int], seconds: float) -> None:
    counts = {name: value for name, value in asdict(report).items() if name != "examples"}
    head = {"seed": wanted.seed, "minutes": wanted.minutes, "seconds": round(seconds, 1), "under_load_s": course.seconds}
    if wanted.json:
        more = {"violations": violations, "examples": report.examples, "ended": course.ended}
        away = course.outage and asdict(course.outage)
        print(json.dumps({**head, "blows": [asdict(blow) for blow in course.blows], "outage": away, **counts, **more}))
        return
    for name, value in (asdict(course.outage) if course.outage else {}).items():
        print(f"{name.replace('_', ' '):20}{value!s:>10}")
    print(f"{'victim':12}{'fault':10}{'times':>6}{'down s, most':>14}{'pages again s, median':>23}{'most':>8}")
    for victim, fault in sorted({(blow.victim, blow.fault) for blow in course.blows}):
        blows = [blow for blow in course.blows if (blow.victim, blow.fault) == (victim, fault)]
        paged = sorted(blow.paged_s for blow in blows)
        down = max(blow.down_s for blow in blows)
        print(f"{victim:12}{fault:10}{len(blows):>6}{down:>14}{paged[len(paged) // 2]:>23}{paged[-1]:>8}")
    for name, value in [*head.items(), *counts.items(), ("ended by themselves", course.ended or "none")]:
        print(f"{name.replace('_', ' '):20}{value!s:>10}{'  VIOLATION' if name in violations else ''}")
    for name, shown in report.examples.items():
        print(f"{name.replace('_', ' ')}: {'; '.join(shown)}")


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
