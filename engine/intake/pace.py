"""How fast something may happen."""


class Pace:
    """A bound on events per second, on the average of any time longer than a burst (GCRA, ITU-T I.371 annex A).

    >>> pace = Pace(per_s=2.0, burst_s=1.0)
    >>> [pace.take(now=100.0) for _ in range(4)]
    [0.0, 0.0, 0.5, 1.0]
    """

    __slots__ = ("_burst_s", "_due", "_gap_s")

    def __init__(self, *, per_s: float, burst_s: float) -> None:
        self._gap_s = 1 / per_s
        self._burst_s = burst_s
        self._due = 0.0

    def take(self, *, now: float) -> float:
        """One event at `now` (seconds): how long to wait before the next."""
        self._due = max(self._due, now) + self._gap_s
        return max(0.0, self._due - now - self._burst_s)
