"""How many payloads a batch waits for before it is committed: as many as came together of late, and not for long.

A record costs the judge the same whether it holds one payload or fifty, so a steady stream should make few records. A
client that sends one message and waits for its answer should have it at once: while it waits it sends nothing, so there
is nothing to wait for. What waited at once a moment ago tells the two apart, without knowing any client.
"""

ENOUGH = 64
"""Payloads of a batch that waits for no more: what its record costs is shared well enough."""

LINGER_S = 0.02
"""How long a batch waits for company at most."""

MEMORY_S = 1.0
"""For so long, and at most twice as long, it is remembered how many came together."""


class Company:
    """How many payloads waited together at most within the last moments.

    >>> lone, crowd = Company(), Company()
    >>> lone.saw(1, now=0.0)
    >>> lone.wanted(now=0.1)  # nobody else came: it goes at once
    1
    >>> crowd.saw(30, now=0.0)
    >>> crowd.wanted(now=0.1), crowd.wanted(now=2.5)
    (30, 1)
    >>> crowd.saw(5000, now=3.0)
    >>> crowd.wanted(now=3.0)
    64
    """

    __slots__ = ("_before", "_most", "_turns")

    def __init__(self) -> None:
        self._most = self._before = 0  # in this stretch of `MEMORY_S`, and in the one before it
        self._turns = 0.0  # when this stretch ends

    def saw(self, waiting: int, *, now: float) -> None:
        """So many payloads wait at once at `now` (seconds)."""
        self._turn(now)
        self._most = max(self._most, waiting)

    def wanted(self, *, now: float) -> int:
        """So many payloads are worth waiting for."""
        self._turn(now)
        return max(1, min(ENOUGH, max(self._most, self._before)))

    def _turn(self, now: float) -> None:
        if now < self._turns:
            return
        self._before = self._most if now < self._turns + MEMORY_S else 0
        self._most, self._turns = 0, now + MEMORY_S
