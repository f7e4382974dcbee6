"""From the numbers of a window to its verdict (docs/judging.md, sections 3 to 5)."""

from dataclasses import dataclass, fields
from enum import IntEnum
from typing import Self

import numpy as np
from numpy.typing import NDArray

from rules.hours import GAS_MINUTES_MIN, SHARE_MIN, Floats, Index, Ints
from rules.plan import MINUTES, Checks, Mode

GAS_HOURS_MIN = 20  # of a day, HJ 75-2017


class VerdictCode(IntEnum):
    """Verdict of one window."""

    NOT_JUDGEABLE = 0
    NORMAL = 1
    EXCEEDED = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowVerdicts:
    """Verdicts of windows as columns, shape (verdicts,)."""

    check: Index  # position in the plan's checks
    block: NDArray[np.int64]  # hour, or local day for day checks
    start_ms: NDArray[np.int64]
    end_ms: NDArray[np.int64]
    at_ms: NDArray[np.int64]  # log time
    value: Floats  # rounded; NaN where not judgeable
    n_valid: Ints
    n_due: Ints
    code: NDArray[np.uint8]  # VerdictCode
    revision: NDArray[np.bool_]
    measured: Floats
    o2: Floats
    from_device: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.check)

    def take(self, rows: Index | NDArray[np.bool_]) -> Self:
        """The chosen rows."""
        return type(self)(**{f.name: getattr(self, f.name)[rows] for f in fields(self)})


@dataclass(frozen=True, slots=True, kw_only=True)
class Sums:
    """Sums of the cells of windows; shape (checks chosen,)."""

    num: Floats
    den: Floats
    n_valid: Ints
    n_due: Ints
    far: Floats


def judge(checks: Checks, which: Index, sums: Sums) -> tuple[Floats, NDArray[np.uint8]]:
    """Value (NaN where not judgeable) and VerdictCode of one window of each chosen check."""
    valid = _enough(checks, which, sums) & (sums.den > 0)
    mean = sums.num / np.where(valid, sums.den, 1.0)
    ranged = checks.mode[which] == Mode.RANGE
    value = np.where(ranged, sums.far, rounded(mean, checks.scale[which]))
    over = np.where(ranged, mean > checks.share_max[which], (value > checks.ceiling[which]) | (value < checks.floor[which]))
    code = np.where(valid, np.where(over, VerdictCode.EXCEEDED, VerdictCode.NORMAL), VerdictCode.NOT_JUDGEABLE)
    return np.where(valid, value, np.nan), code.astype(np.uint8)


def rounded(value: Floats, scale: Floats) -> Floats:
    """Half to even, to 1 / scale. The noise of binary fractions goes first: a mean of 36.749999999999 is 36.75.

    >>> rounded(np.array([36.749999999999, 36.65, 0.1 + 0.2]), np.array([10.0, 10.0, 1e6]))
    array([36.8, 36.6,  0.3])
    """
    return np.rint(np.rint(value * scale * 1e6) / 1e6) / scale


def _enough(checks: Checks, which: Index, sums: Sums) -> NDArray[np.bool_]:
    # an even hour was tested when its mean was formed: den is 0 where it is not valid
    even, day, water = checks.mode[which] == Mode.EVEN, checks.day[which], checks.water[which]
    share = np.where(even & ~day, sums.den > 0, sums.n_valid >= SHARE_MIN * sums.n_due)
    if water.all():
        return share
    hours = np.where(even & day & ~water, sums.n_valid >= GAS_HOURS_MIN, share)
    ranged = (checks.mode[which] == Mode.RANGE) & ~day & ~water
    return np.where(ranged, sums.n_valid * MINUTES >= GAS_MINUTES_MIN * sums.n_due, hours)
