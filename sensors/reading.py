"""Readings as columns: the form in which they travel from the decoder to the verdict."""

from dataclasses import dataclass, fields
from enum import IntEnum
from typing import Self

import numpy as np
from numpy.typing import NDArray

KINDS = 4
"""A series number is `binding * KINDS + kind`; see `sensors.registry`."""


class Kind(IntEnum):
    """What a reading stands for: an instant, or the mean of a minute, hour or day that starts at its device time."""

    REALTIME = 0
    MINUTE = 1
    HOUR = 2
    DAY = 3


class Flag(IntEnum):
    """State of the instrument behind one reading (HJ 212-2017 table 8). Only `NORMAL` counts in a mean.

    `EMPTY` marks a slot no reading has reached; it never arrives on the wire.
    `UNSTATED` is a reading sent without a flag: not normal unless its monitor is registered so.
    """

    EMPTY = 0
    NORMAL = 1  # N
    STOPPED = 2  # F, instrument stopped
    MAINTENANCE = 3  # M
    SET_VALUE = 4  # S, entered by hand
    FAULT = 5  # D
    CALIBRATION = 6  # C
    OVER_RANGE = 7  # T, above the upper range
    LINK = 8  # B, link between instrument and logger down
    POWER = 9  # P, power failure (2005 edition)
    UNSTATED = 10
    UNKNOWN = 11  # a letter no edition defines


LETTERS = {
    "N": Flag.NORMAL, "F": Flag.STOPPED, "M": Flag.MAINTENANCE, "S": Flag.SET_VALUE, "D": Flag.FAULT,
    "C": Flag.CALIBRATION, "T": Flag.OVER_RANGE, "B": Flag.LINK, "P": Flag.POWER,
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadingBatch:
    """Parallel columns of one or more log records, in log order. Every column has shape (readings,)."""

    series: NDArray[np.int32]  # registry series number
    device_ms: NDArray[np.int64]  # instant (realtime) or start of the period, UTC ms
    value: NDArray[np.float64]  # in the factor's judging unit, always finite
    flag: NDArray[np.uint8]  # Flag
    log_ms: NDArray[np.int64]  # log time of the frame it came in; never decreases along the batch

    def __len__(self) -> int:
        return len(self.series)

    def take(self, rows: slice | NDArray[np.intp] | NDArray[np.bool_]) -> Self:
        """The chosen rows as a batch of their own."""
        return type(self)(**{f.name: getattr(self, f.name)[rows] for f in fields(self)})

    @classmethod
    def concat(cls, parts: "list[ReadingBatch]") -> "ReadingBatch":
        """All rows of `parts`, in order; an empty list gives an empty batch."""
        if not parts:
            return EMPTY
        return cls(**{f.name: np.concatenate([getattr(p, f.name) for p in parts]) for f in fields(cls)})


EMPTY = ReadingBatch(
    series=np.empty(0, np.int32),
    device_ms=np.empty(0, np.int64),
    value=np.empty(0, np.float64),
    flag=np.empty(0, np.uint8),
    log_ms=np.empty(0, np.int64),
)
