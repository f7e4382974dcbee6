"""What an analyser shows at an instant: a level, a daily pattern, a slow walk and a little jitter."""

import zlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sensors.field.happenings import Surge
from sensors.field.noise import uniform, wander

LOCAL_MS = 8 * 3_600_000
"""The clocks of the field are Beijing time, UTC+8 without daylight saving."""

DAY_MS = 86_400_000
WANDER_MS = 5_400_000
SURGE_SHAPE = 0.2


@dataclass(frozen=True, slots=True, kw_only=True)
class Signal:
    """One factor at one outlet. Swing, walk and jitter are shares of the level; together they stay below 1."""

    code: str  # HJ 212-2017 factor code
    level: float  # in the unit of HJ 212-2017 annex B
    swing: float = 0.12  # of the daily pattern
    peak_h: float = 14.0  # local hour at which the daily pattern is highest
    walk: float = 0.08
    jitter: float = 0.02
    decimals: int = 1  # as sent
    hold_min: int = 0  # a batch analyser shows the same result so long; 0: it measures all the time


def sample(signal: Signal, seed: int, at_ms: NDArray[np.int64], surges: Sequence[Surge] = ()) -> NDArray[np.float64]:
    """The shown values at the instants `at_ms`, any shape; unrounded.

    A held result is that of the start of its hold. In a surge the pattern is flatter (`SURGE_SHAPE`).
    """
    at = at_ms // (signal.hold_min * 60_000) * (signal.hold_min * 60_000) if signal.hold_min else at_ms
    own = zlib.crc32(f"{seed}|{signal.code}".encode())
    turn = ((at + LOCAL_MS) % DAY_MS / DAY_MS - signal.peak_h / 24.0) * 2.0 * np.pi
    shape = signal.swing * np.cos(turn) + signal.walk * wander(own, at, WANDER_MS) + signal.jitter * uniform(own, at)
    value: NDArray[np.float64] = signal.level * (1.0 + shape)
    for surge in surges:
        if signal.code == surge.code:
            now = (surge.from_ms <= at) & (at < surge.to_ms)
            value = np.where(now, surge.level * (1.0 + SURGE_SHAPE * shape), value)
    return value
