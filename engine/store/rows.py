"""From facts to the rows a store keeps."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from engine.detect.facts import Facts, Outcome, Verdicts
from engine.store.table import READINGS, VERDICTS, Rows, in_order, same_key
from sensors.reading import Flag


def reading_rows(run: Sequence[Facts]) -> Rows:
    """The readings that were not refused, ordered by device time and series, those of one key in log order.

    Of several with one key in one record only the last normal one is left, or the last, where none is normal: then the
    order of log times is the order of the rows, and rows that come twice can be told from rows that are new.
    """
    rows = np.concatenate([_kept(facts) for facts in run])
    rows = rows[np.lexsort([rows["flag"] == Flag.NORMAL, rows["log_ms"], rows["series"], rows["device_ms"]])]
    last = np.ones(len(rows), np.bool_)
    last[:-1] = ~same_key(READINGS, rows[1:], rows[:-1]) | (rows["log_ms"][1:] != rows["log_ms"][:-1])
    return rows[last]


def _kept(facts: Facts) -> Rows:
    batch = facts.readings.take((facts.outcome != Outcome.FUTURE) & (facts.outcome != Outcome.TOO_LATE))
    return READINGS.rows(
        series=batch.series, device_ms=batch.device_ms, value=batch.value, flag=batch.flag, log_ms=batch.log_ms, rev=0
    )


def verdict_rows(verdicts: Verdicts, rule_numbers: NDArray[np.int32]) -> Rows:
    """The verdicts in the order of their windows. `rule_numbers`: the store's number of each rule of the rule set.

    Where several limits of one rule speak of a window, the worst of their verdicts is left.
    """
    rows = VERDICTS.rows(
        binding=verdicts.binding,
        rule=rule_numbers[verdicts.rule],
        day=verdicts.day,
        start_ms=verdicts.start_ms,
        at_ms=verdicts.at_ms,
        value=verdicts.value,
        n_valid=verdicts.n_valid,
        n_due=verdicts.n_due,
        code=verdicts.code,
        rev=0,
    )
    rows = in_order(VERDICTS, rows, *VERDICTS.disk_key, "at_ms", "code")
    worst = np.ones(len(rows), np.bool_)
    worst[:-1] = ~same_key(VERDICTS, rows[1:], rows[:-1]) | (rows["at_ms"][1:] != rows["at_ms"][:-1])
    return rows[worst]
