"""Said once when the log is lost and once when it is back."""

import logging
import time

from engine.logs import fields

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
            said = "the log takes nothing, no monitor is acknowledged, %d payloads wait: %s"
            log.error(said, waiting, reason, extra=fields(waiting=waiting))

    def back(self, waiting: int) -> None:
        """It took something."""
        if self._since is not None:
            seconds = time.monotonic() - self._since
            self._since = None
            said = "the log is back after %.1f s; %d payloads waited, none is lost"
            log.warning(said, seconds, waiting, extra=fields(waited_s=round(seconds, 1)))
