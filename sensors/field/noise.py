"""Noise that is a function of seed and time: the same instant has the same noise, in whatever order it is asked."""

import numpy as np
from numpy.typing import NDArray

MASK = (1 << 64) - 1


def uniform(seed: int, at: NDArray[np.int64]) -> NDArray[np.float64]:
    """A number in [-1, 1) for each element of `at`, same shape. Source: splitmix64 of Steele et al., 2014.

    >>> uniform(7, np.array([0, 1, 2])).round(3).tolist() == uniform(7, np.array([2, 1, 0])).round(3).tolist()[::-1]
    True
    """
    z = at.astype(np.uint64) + np.uint64(seed * 0x9E3779B97F4A7C15 & MASK)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    z ^= z >> np.uint64(31)
    return (z >> np.uint64(11)).astype(np.float64) / (1 << 52) - 1.0


def wander(seed: int, at_ms: NDArray[np.int64], every_ms: int) -> NDArray[np.float64]:
    """A smooth walk in [-1, 1): random heights `every_ms` apart, joined by a curve that is flat at each of them."""
    knot = at_ms // every_ms
    part = (at_ms % every_ms) / every_ms
    ease = part * part * (3.0 - 2.0 * part)
    return uniform(seed, knot) * (1.0 - ease) + uniform(seed, knot + 1) * ease
