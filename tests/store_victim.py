"""A process that writes and seals and says which records are safe. To be killed."""

import sys
from pathlib import Path

from engine.store.local import LocalStore
from sensors.reading import Flag
from tests.store_cases import COD, HOUR, NAMES, NOON, SO2, facts_of

STEP = HOUR // 4


def main(data_dir: Path) -> None:
    """Go on from where the store ends; print the number of each record that is safe."""
    with LocalStore(data_dir, NAMES, recent_h=3) as store:
        last = store.read.log_ms()
        n = 0 if last is None else (last - NOON) // STEP - 4  # the last records come again, as after a crash
        while True:
            n = max(n, 0)
            at = NOON + n * STEP
            facts = facts_of([(s, at + k, float(n), Flag.NORMAL, at) for s in (COD, SO2) for k in range(50)])
            if store.write(facts) is None:
                sys.stdout.write(f"{n}\n")
                sys.stdout.flush()
            n += 1


if __name__ == "__main__":
    main(Path(sys.argv[1]))
