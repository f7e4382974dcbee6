"""Said once when the log is lost and once when it is back."""

import logging
import time

log = logging.getLogger("outfall.intake")


class Outage:
    """Whether the log takes what it is given."""

    def __init__(self, counts: dict[str, int]) -> None:
        self._counts = counts
        self._since: float | None = None

    def lost(self, reason: str, waiting: int) -> None:
        """It did not take something."""
        if self._since is None:
            self._since = time.monotonic()
            self._counts["log_outages"] += 1
            log.error("the log takes nothing, no monitor is acknowledged, %d payloads wait: %s", waiting, reason)

    def back(self, waiting: int) -> None:
        """It took something."""
        if self._since is not None:
            seconds = time.monotonic() - self._since
            self._since = None
            log.warning("the log is back after %.1f s; %d payloads waited, none is lost", seconds, waiting)
