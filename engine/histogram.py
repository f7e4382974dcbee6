"""How long something took, counted by bounds: what Prometheus calls a histogram."""

from bisect import bisect_left
from collections.abc import Iterator, Sequence

SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)


class Histogram:
    """Counts values by upper bounds (inclusive), with their number and sum. One thread adds, any may read.

    >>> took = Histogram((0.1, 1.0))
    >>> for seconds in (0.05, 0.1, 0.5, 7.0):
    ...     took.add(seconds)
    >>> list(took.cumulative()), took.sum
    ([(0.1, 2), (1.0, 3), (inf, 4)], 7.65)
    """

    def __init__(self, bounds: Sequence[float] = SECONDS) -> None:
        self.bounds = tuple(bounds)
        self.sum = 0.0
        self._counts = [0] * (len(self.bounds) + 1)

    def add(self, value: float) -> None:
        """One more value."""
        self._counts[bisect_left(self.bounds, value)] += 1
        self.sum += value

    def cumulative(self) -> Iterator[tuple[float, int]]:
        """(bound, how many values are not above it), the last bound being infinite."""
        total = 0
        for bound, count in zip((*self.bounds, float("inf")), tuple(self._counts), strict=True):
            total += count
            yield bound, total
