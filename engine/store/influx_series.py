"""A bound on the series that the sink makes: InfluxDB pays for each with memory, for ever."""

import logging

logger = logging.getLogger(__name__)

WARN_AT = 0.8


class SeriesBound:
    """Knows the series that were written since the start, at most so many."""

    def __init__(self, most: int) -> None:
        self.most = most
        self._known: set[str] = set()
        self._warned = False

    def __len__(self) -> int:
        return len(self._known)

    def admits(self, series: str) -> bool:
        """Whether lines of a series may be written: it is known, or there is room for one more."""
        if series in self._known:
            return True
        if len(self._known) >= self.most:
            return False
        self._known.add(series)
        if len(self._known) >= WARN_AT * self.most and not self._warned:
            self._warned = True
            logger.warning(
                "InfluxDB: %s series of at most %s (store.influx.series_max)", f"{len(self._known):,}", f"{self.most:,}"
            )
        return True
