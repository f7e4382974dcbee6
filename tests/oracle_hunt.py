"""Hunt for histories on which the streaming judge and the oracle do not agree.

`python -m tests.oracle_hunt --seed S --cases N [--batch B]`: each disagreement is printed with the smallest history that
shows it. Exit code 1 if there is one.
"""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import replace

from hypothesis import HealthCheck, Phase, given, seed, settings

from rules.reference import Entry, judge
from tests.comparing import differences, smaller
from tests.driving import Drive
from tests.histories import Case, cases


def hunt(seed_: int, count: int, drive: Drive) -> list[Case]:
    """The cases, made small, that show a disagreement."""
    found: list[Case] = []

    def disagrees(history: Sequence[Entry]) -> bool:
        return bool(differences(drive.through(history), judge(history)))

    @seed(seed_)
    @settings(
        max_examples=count, deadline=None, database=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck)
    )
    @given(cases())
    def look(case: Case) -> None:
        if disagrees(case.history):
            found.append(replace(case, history=smaller(case.history, disagrees)))

    look()
    return found


def main() -> int:
    """0: no disagreement."""
    parser = argparse.ArgumentParser(prog="python -m tests.oracle_hunt")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--cases", type=int, default=200)
    parser.add_argument("--batch", type=int, default=500, help="entries of the history that go in at once")
    wanted = parser.parse_args()
    drive = Drive(columns=True, batch=wanted.batch)
    found = hunt(wanted.seed, wanted.cases, drive)
    for case in found:
        print(case, *differences(drive.through(case.history), judge(case.history)), "", sep="\n")
    print(f"seed {wanted.seed}, {wanted.cases} cases, {len(found)} disagreements")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
