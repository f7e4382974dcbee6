"""The register of an imported recording: outlets and factors as the file names them become series of a registry.

What the mapping does not name is found as the file is read; the registry then grows, and no number is ever reused.
"""

import hashlib
import re
import time
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from engine.replay.mapping.load import limits_at
from engine.replay.mapping.mapping import KnownOutlet, Mapping, Measured
from engine.replay.scan.words import Words, distinct
from rules.limits import Limit
from rules.rule import RuleSet
from rules.ruleset_json import make_ruleset
from sensors.factors import factor as catalogue
from sensors.kernel import compiled
from sensors.reading import KINDS, Kind
from sensors.registry import Binding, Enterprise, Monitor, Outlet, Registry, home_of, series_no

UNKNOWN = -1
"""No series: the outlet or the factor is not known."""

NEW = -2
MN = re.compile(r"[0-9A-Za-z._-]{1,64}")
PAIR_BITS = 32
USUAL_MINUTE, USUAL_REALTIME_S = 10, 30


@dataclass(slots=True)
class Register:
    """Bindings and limits as far as the recording has been read."""

    mapping: Mapping
    outlet_words: Words = field(default_factory=Words)
    factor_words: Words = field(default_factory=Words)
    version: int = 0  # of the registry; grows with it
    grown: bool = True  # since the last `registry()`
    setup_s: float = 0.0  # spent on outlets and factors that were new
    outlets: dict[str, KnownOutlet] = field(default_factory=dict)  # by id
    bindings: dict[tuple[str, str], int] = field(default_factory=dict)  # (outlet, factor) -> its number
    _rows: dict[tuple[str, Kind], int] = field(default_factory=dict)  # row of `_series`
    _series: NDArray[np.int32] = field(default_factory=lambda: np.full((0, 16), NEW, np.int32))
    _factor_rows: NDArray[np.int32] = field(default_factory=lambda: np.empty(0, np.int32))  # by factor word

    def series_of(self, measured: Measured, outlet: NDArray[np.int32]) -> NDArray[np.int32]:
        """Series of one column for the outlets (word numbers) of its rows, or `UNKNOWN`; shape (rows,)."""
        return self._look_up(np.array([self._row_of(measured)], np.int32), outlet)

    def series_of_words(self, factor: NDArray[np.int32], outlet: NDArray[np.int32]) -> NDArray[np.int32]:
        """Series for factor and outlet words, row by row; `UNKNOWN` where either is not known."""
        for word in self.factor_words.texts[len(self._factor_rows) :]:
            measured = self._measured(word)
            number = UNKNOWN if measured is None else self._row_of(measured)
            self._factor_rows = np.append(self._factor_rows, np.int32(number))
        if not len(self._factor_rows):
            return np.full(len(factor), UNKNOWN, np.int32)
        row = np.where(factor < 0, np.int32(UNKNOWN), self._factor_rows[factor])
        return self._look_up(row, outlet)

    def knows(self, factor: NDArray[np.int32]) -> NDArray[np.bool_]:
        """Whether factor words stand for factors, shape (rows,); asked after `series_of_words`."""
        known = np.append(self._factor_rows >= 0, False)
        return known[factor]

    def registry(self) -> Registry:
        """The registry as it is now."""
        self.grown = False
        self.version += 1
        mapping = self.mapping
        minute = mapping.cadence_s // 60 if mapping.kind is Kind.MINUTE else USUAL_MINUTE
        realtime_s = mapping.cadence_s if mapping.kind is Kind.REALTIME else USUAL_REALTIME_S
        finest = self._finest_kinds()
        enterprises = dict.fromkeys(o.enterprise for o in self.outlets.values())
        return Registry(
            version=self.version,
            enterprises=tuple(Enterprise(id=e, name=e, home=home_of(e)) for e in enterprises),
            outlets=tuple(
                Outlet(id=o.id, enterprise=o.enterprise, name=o.name, medium=o.medium) for o in self.outlets.values()
            ),
            monitors=tuple(
                Monitor(mn=self.mn(o), outlet=o, realtime_s=realtime_s, minute_min=minute) for o in self.outlets
            ),
            bindings=tuple(
                Binding(
                    outlet=outlet,
                    factor=factor,
                    judged_from=finest.get(factor, mapping.kind),
                    unit=self.unit(factor),
                )
                for outlet, factor in self.bindings
            ),
        )

    def mn(self, outlet: str) -> str:
        """The MN of an outlet's monitor: its id, or 24 hex digits of it where the id cannot stand in a frame or topic."""
        return outlet if MN.fullmatch(outlet) else hashlib.sha256(outlet.encode()).hexdigest()[:24].upper()

    def rules(self) -> RuleSet:
        """The rule set for the outlets known now."""
        factors: dict[str, set[str]] = {outlet: set() for outlet in self.outlets}
        for outlet, factor in self.bindings:
            factors[outlet].add(factor)
        limits: list[Limit] = []
        for outlet, codes in factors.items():
            limits += limits_at(outlet, codes, self.mapping.bounds)
        return make_ruleset(judging=self.mapping.judging, rules=self.mapping.rules, limits=tuple(limits))

    def homes(self) -> NDArray[np.int32]:
        """Home of every series, shape (bindings * KINDS,)."""
        home = {o.id: home_of(o.enterprise) for o in self.outlets.values()}
        return np.repeat(np.array([home[outlet] for outlet, _ in self.bindings], np.int32), KINDS)

    def unit(self, factor: str) -> str:
        """The unit a factor is judged in."""
        known = catalogue(factor)
        return known.unit if known else self.mapping.units.get(factor, "")

    def _measured(self, word: str) -> Measured | None:
        """What a word of the factor column stands for; without a list of words they are codes of the catalogue."""
        mapping = self.mapping
        if mapping.factors:
            return mapping.factors.get(word)
        known = catalogue(word)
        return Measured(factor=word, kind=mapping.kind, unit=known.unit) if known else None

    def _row_of(self, measured: Measured) -> int:
        key = measured.factor, measured.kind
        if key not in self._rows:
            self._rows[key] = len(self._rows)
            self._series = np.vstack([self._series, np.full((1, self._series.shape[1]), NEW, np.int32)])
        return self._rows[key]

    def _finest_kinds(self) -> dict[str, Kind]:
        """The finest kind in which the mapping has each factor: means are built from that."""
        finest: dict[str, Kind] = {}
        for measured in (*(m for _, m in self.mapping.wide), *self.mapping.factors.values()):
            finest[measured.factor] = min(measured.kind, finest.get(measured.factor, measured.kind))
        return finest

    def _look_up(self, row: NDArray[np.int32], outlet: NDArray[np.int32]) -> NDArray[np.int32]:
        """Series of table rows and outlet words; both of shape (rows,), or `row` of shape (1,): the same for all."""
        self._widen()
        found = np.empty(len(outlet), np.int32)
        if not look_up_series(self._series, row, outlet, found):
            missing = found == NEW
            rows = np.broadcast_to(row, outlet.shape)[missing].astype(np.int64)
            self._add(distinct(rows << PAIR_BITS | outlet[missing]))
            look_up_series(self._series, row, outlet, found)
        return found

    def _widen(self) -> None:
        width = self._series.shape[1]
        if len(self.outlet_words) > width:
            wider = np.full((len(self._series), 2 * len(self.outlet_words)), NEW, np.int32)
            wider[:, :width] = self._series
            self._series = wider

    def _add(self, pairs: NDArray[np.int64]) -> None:
        """Find out about pairs of row and outlet word, each as one number."""
        began = time.perf_counter()
        keys = list(self._rows)
        for row, word in zip((pairs >> PAIR_BITS).tolist(), (pairs & ((1 << PAIR_BITS) - 1)).tolist(), strict=True):
            outlet = self._outlet(self.outlet_words.texts[word])
            factor, kind = keys[row]
            if outlet is None:
                self._series[row, word] = UNKNOWN
                continue
            number = self.bindings.setdefault((outlet.id, factor), len(self.bindings))
            self._series[row, word] = series_no(number, kind)
            self.grown = True
        self.setup_s += time.perf_counter() - began

    def _outlet(self, word: str) -> KnownOutlet | None:
        mapping = self.mapping
        known = mapping.outlets.get(word)
        if known is None and (not mapping.outlets or not mapping.outlet_column):
            known = KnownOutlet(id=word, name=word, enterprise=word, medium=mapping.medium)
        if known is not None:
            self.outlets.setdefault(known.id, known)
        return known


@compiled
def look_up_series(
    series: NDArray[np.int32], row: NDArray[np.int32], outlet: NDArray[np.int32], found: NDArray[np.int32]
) -> bool:
    """Fill `found` from the table, UNKNOWN where row or outlet is; whether nothing in it is NEW."""
    settled, step = True, 0 if len(row) == 1 else 1
    for n in range(len(outlet)):
        at = row[n * step]
        one = series[at, outlet[n]] if at >= 0 and outlet[n] >= 0 else UNKNOWN
        found[n] = one
        settled &= one != NEW
    return settled
