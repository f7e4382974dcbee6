"""What the judge says of one log record."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from rules.alert import AlertEvent
from rules.outcome import Outcome
from rules.verdict import VerdictCode
from sensors.reading import EMPTY, ReadingBatch
from sensors.refusal import Refusal

__all__ = ["Facts", "Outcome", "VerdictCode", "Verdicts"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdicts:
    """Window verdicts as columns, one row per check and window judged. Shape of each: (verdicts,)."""

    binding: NDArray[np.int32]  # position in Registry.bindings
    rule: NDArray[np.int32]  # position in RuleSet.rules
    day: NDArray[np.bool_]  # a day window; else an hour
    start_ms: NDArray[np.int64]
    at_ms: NDArray[np.int64]  # log time of the verdict
    value: NDArray[np.float64]  # the judged value; NaN where not judgeable
    n_valid: NDArray[np.int32]
    n_due: NDArray[np.int32]
    code: NDArray[np.uint8]  # VerdictCode
    revision: NDArray[np.bool_]  # judged before

    def __len__(self) -> int:
        return len(self.binding)


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """Everything that follows from one record (or from a run of readings in a replay).

    Readings in = sum of the outcomes; payloads in = decoded + refused whole. `counts` holds the decoder's tolerances
    ("tolerance.x"), commands ("command.2011") and payload counts ("payload.in", "payload.decoded", "payload.refused").
    """

    log_ms: int
    partition: int = 0  # of the FRAMES record this follows from, set by the host
    offset: int = -1  # of that record; -1: no single record (a replay's run of readings)
    readings: ReadingBatch = EMPTY
    outcome: NDArray[np.uint8] = field(default_factory=lambda: np.empty(0, np.uint8))
    verdicts: Verdicts | None = None
    rules: str = ""  # version of the rule set that the verdicts' positions refer to; "" where there are none
    events: tuple[AlertEvent, ...] = ()
    refused: tuple[Refusal, ...] = ()
    counts: dict[str, int] = field(default_factory=dict)
