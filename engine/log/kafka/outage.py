"""Whether the brokers answer: said once when they no longer do, and once when they are back."""

import logging
import time

logger = logging.getLogger(__name__)

SILENT_S = 5.0
"""Without an answer for so long, they are away."""


class Outage:
    """Counts what was asked and not answered yet."""

    def __init__(self, place: str) -> None:
        self._place = place
        self._open = 0
        self._since: float | None = None  # the first question after the last answer
        self._told = False

    def asked(self) -> None:
        """Something is on its way."""
        self._open += 1
        self._since = time.monotonic() if self._since is None else self._since

    def answered(self) -> None:
        """An answer came: they are there."""
        if self._told:
            logger.warning("%s: answers again after %.0f s", self._place, self.away_s)
        self._open -= 1
        self._since, self._told = (time.monotonic() if self._open else None), False

    def failed(self) -> None:
        """It could not even be asked."""
        self._open -= 1

    @property
    def away_s(self) -> float:
        """For how long there has been no answer."""
        return 0.0 if self._since is None else time.monotonic() - self._since

    @property
    def blocks(self) -> bool:
        """Whether they are away and something on its way will tell when they are back."""
        return self._open > 0 and self.away_s > SILENT_S

    def look(self) -> None:
        """Called now and then: say it where it is so."""
        if not self._told and self.away_s > SILENT_S:
            logger.error("%s: no answer; nothing is acknowledged until there is one, nothing stored is lost", self._place)
            self._told = True
