"""Readings around the alerts that are drawn, from a second pass over the input."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rules.alert import AlertEvent
from sensors.reading import KINDS, ReadingBatch
from sensors.registry import Binding
from sensors.table import column_of

HOUR_MS = 3_600_000
PAD_MAX_MS = 24 * HOUR_MS
PAD_FEW_MS = 8 * HOUR_MS
FEW = 12
"""A window of fewer slots says little alone: more is shown around it."""

POINTS_MAX = 3000
"""Drawn beside one alert; of more, every second, third ... is taken."""

Series = tuple[str, str]
"""(outlet, factor)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Points:
    """Readings in time order; columns of shape (points,)."""

    ms: NDArray[np.int64]
    value: NDArray[np.float64]
    flag: NDArray[np.uint8]


NO_POINTS = Points(ms=np.empty(0, np.int64), value=np.empty(0), flag=np.empty(0, np.uint8))


def view_of(event: AlertEvent) -> tuple[int, int]:
    """The time an alert's chart shows, [from, to): its window, and up to twice as much before and after."""
    end_ms = event.end_ms if event.end_ms is not None else event.start_ms + HOUR_MS
    few = len(event.evidence.slot_ms) < FEW
    pad_ms = min(max(2 * (end_ms - event.start_ms), PAD_FEW_MS if few else 0), PAD_MAX_MS)
    return event.start_ms - pad_ms, end_ms + pad_ms


class Surroundings:
    """Collects the readings of the views of some alerts."""

    def __init__(self, alerts: Iterable[AlertEvent]) -> None:
        self.views: dict[Series, list[tuple[int, int]]] = {}
        for event in alerts:
            if event.factor:
                self.views.setdefault((event.outlet, event.factor), []).append(view_of(event))
        self._found: dict[tuple[Series, int], list[ReadingBatch]] = {}
        self._wanted = np.empty(0, np.bool_)  # by binding

    def take(self, readings: ReadingBatch, bindings: Sequence[Binding]) -> None:
        """Keep what lies in a view. `bindings`: by number."""
        if len(bindings) != len(self._wanted):
            self._wanted = self._viewed(bindings)
        if not len(readings) or not self._wanted.any():
            return
        rows = np.flatnonzero(self._wanted[readings.series // KINDS])
        for number in np.unique(readings.series[rows]):
            binding = bindings[int(number) // KINDS]
            series = binding.outlet, binding.factor
            own = readings.take(rows[readings.series[rows] == number])
            inside = np.zeros(len(own), np.bool_)
            for from_ms, to_ms in self.views[series]:
                inside |= (own.device_ms >= from_ms) & (own.device_ms < to_ms)
            if inside.any():
                self._found.setdefault((series, int(number) % KINDS), []).append(own.take(inside))

    def _viewed(self, bindings: Sequence[Binding]) -> NDArray[np.bool_]:
        """By binding: whether there is a view of it."""
        outlets = {outlet for outlet, _ in self.views}
        wanted = column_of(bindings, "outlet").numbers(outlets.__contains__, np.bool_)
        for n in np.flatnonzero(wanted).tolist():
            wanted[n] = (bindings[n].outlet, bindings[n].factor) in self.views
        return wanted

    def points(self, event: AlertEvent) -> Points:
        """The readings in the view of one alert, of the kind it has most of."""
        from_ms, to_ms = view_of(event)
        best = NO_POINTS
        for (series, _), parts in sorted(self._found.items()):
            if series == (event.outlet, event.factor):
                whole = ReadingBatch.concat(parts)
                rows = np.flatnonzero((whole.device_ms >= from_ms) & (whole.device_ms < to_ms))
                rows = rows[np.argsort(whole.device_ms[rows], kind="stable")]
                if len(rows) > len(best.ms):
                    own = whole.take(rows[:: -(-len(rows) // POINTS_MAX)])
                    best = Points(ms=own.device_ms, value=own.value, flag=own.flag)
        return best
