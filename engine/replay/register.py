"""The register of an imported recording: outlets and factors as the file names them become series of a registry.

What the mapping does not name is found as the file is read; the registry then grows, and no number is ever reused.
"""

import hashlib
import re
import time
from dataclasses import dataclass, field, fields

import numpy as np
from numpy.typing import NDArray

from engine.replay.known import KnownOutlets, first_ones
from engine.replay.mapping.mapping import Mapping, Measured
from engine.replay.scan.words import Words, distinct
from rules.limits import Limit
from rules.rule import RuleSet
from rules.ruleset_json import make_ruleset
from sensors.factors import factor as catalogue
from sensors.kernel import compiled
from sensors.reading import KINDS, Kind
from sensors.registry import Binding, Enterprise, Monitor, Outlet, Registry, home_of
from sensors.table import Coded, Table, coded, same

UNKNOWN = -1
"""No series: the outlet or the factor is not known."""

NEW = -2
MN = re.compile(r"[0-9A-Za-z._-]{1,64}")
PAIR_BITS = 32
USUAL_MINUTE, USUAL_REALTIME_S = 10, 30
Ints = NDArray[np.int32]


@dataclass(slots=True)
class Register:
    """Bindings and limits as far as the recording has been read."""

    mapping: Mapping
    outlet_words: Words = field(default_factory=Words)
    factor_words: Words = field(default_factory=Words)
    version: int = 0  # of the registry; grows with it
    grown: bool = True  # since the last `registry()`
    setup_s: float = 0.0  # of the processor, spent on outlets and factors that were new
    outlets: KnownOutlets = field(init=False)
    _factors: dict[str, int] = field(default_factory=dict)  # -> its number
    _rows: dict[tuple[str, Kind], int] = field(default_factory=dict)  # row of `_series`
    _series: NDArray[np.int32] = field(default_factory=lambda: np.full((0, 16), NEW, np.int32))
    _factor_rows: Ints = field(default_factory=lambda: np.empty(0, np.int32))  # by factor word
    _binding: NDArray[np.int32] = field(default_factory=lambda: np.full((0, 16), NEW, np.int32))  # (factors, outlets)
    _outlet_of: Ints = field(default_factory=lambda: np.empty(0, np.int32))  # by binding
    _factor_of: Ints = field(default_factory=lambda: np.empty(0, np.int32))

    def __post_init__(self) -> None:
        self.outlets = KnownOutlets(self.mapping)

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

    @property
    def bindings(self) -> Table[Binding]:
        """All of them by number."""
        size, mapping = len(self._outlet_of), self.mapping
        finest = self._finest_kinds()
        factors = tuple(self._factors)
        columns = {
            "outlet": Coded(list(self.outlets.ids), self._outlet_of),
            "factor": Coded(factors, self._factor_of),
            "judged_from": Coded([finest.get(factor, mapping.kind) for factor in factors], self._factor_of),
            "unit": Coded([self.unit(factor) for factor in factors], self._factor_of),
        }
        return Table(Binding, size, columns)

    def registry(self) -> Registry:
        """The registry as it is now."""
        self.grown = False
        self.version += 1
        mapping = self.mapping
        ids, size = list(self.outlets.ids), len(self.outlets.ids)
        outlet = Coded(ids, np.arange(size, dtype=np.int32))
        enterprises = list(dict.fromkeys(self.outlets.enterprises))
        enterprise = Coded(enterprises, np.arange(len(enterprises), dtype=np.int32))
        minute = mapping.cadence_s // 60 if mapping.kind is Kind.MINUTE else USUAL_MINUTE
        realtime_s = mapping.cadence_s if mapping.kind is Kind.REALTIME else USUAL_REALTIME_S
        return Registry(
            version=self.version,
            enterprises=Table(Enterprise, len(enterprises), {
                "id": enterprise, "name": enterprise, "home": lambda: coded([home_of(one) for one in enterprises]),
            }),
            outlets=Table(Outlet, size, {
                "id": outlet, "enterprise": coded(self.outlets.enterprises),
                "name": Coded(list(self.outlets.names), outlet.code), "medium": coded(self.outlets.media),
            }),
            monitors=Table(Monitor, size, {
                "mn": lambda: coded([self.mn(id_) for id_ in ids]), "outlet": outlet,
                "realtime_s": same(realtime_s, size), "minute_min": same(minute, size),
            }),
            bindings=self.bindings,
        )  # fmt: skip

    def mn(self, outlet: str) -> str:
        """The MN of an outlet's monitor: its id, or 24 hex digits of it where the id cannot stand in a frame or topic."""
        return outlet if MN.fullmatch(outlet) else hashlib.sha256(outlet.encode()).hexdigest()[:24].upper()

    def rules(self) -> RuleSet:
        """The rule set for the outlets known now: the limits of one outlet after those of the other."""
        bounds, ids = self.mapping.bounds, list(self.outlets.ids)
        fits = np.zeros((len(ids), len(bounds)), np.bool_)
        for n, bound in enumerate(bounds):
            factor = self._factors.get(bound.limit.factor)
            if factor is not None:
                fits[:, n] = self._binding[factor, : len(ids)] >= 0
            if bound.outlets:
                fits[:, n] &= self.outlets.among(bound.outlets)
        outlet, which = (part.astype(np.int32) for part in np.nonzero(fits))
        columns = {f.name: Coded([getattr(bound.limit, f.name) for bound in bounds], which) for f in fields(Limit)}
        limits = Table(Limit, len(outlet), {**columns, "outlet": Coded(ids, outlet)})
        return make_ruleset(judging=self.mapping.judging, rules=self.mapping.rules, limits=limits)

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
            self._series = _one_more(self._series)
            if self._factors.setdefault(measured.factor, len(self._factors)) == len(self._binding):
                self._binding = _one_more(self._binding)
        return self._rows[key]

    def _finest_kinds(self) -> dict[str, Kind]:
        """The finest kind in which the mapping has each factor: means are built from that."""
        finest: dict[str, Kind] = {}
        for measured in (*(m for _, m in self.mapping.wide), *self.mapping.factors.values()):
            finest[measured.factor] = min(measured.kind, finest.get(measured.factor, measured.kind))
        return finest

    def _look_up(self, row: NDArray[np.int32], outlet: NDArray[np.int32]) -> NDArray[np.int32]:
        """Series of table rows and outlet words; both of shape (rows,), or `row` of shape (1,): the same for all."""
        self._series = _widened(self._series, len(self.outlet_words))
        found = np.empty(len(outlet), np.int32)
        if not look_up_series(self._series, row, outlet, found):
            missing = found == NEW
            rows = np.broadcast_to(row, outlet.shape)[missing].astype(np.int64)
            self._add(distinct(rows << PAIR_BITS | outlet[missing]))
            look_up_series(self._series, row, outlet, found)
        return found

    def _add(self, pairs: NDArray[np.int64]) -> None:
        """Find out about pairs of row and outlet word, each as one number."""
        began = time.process_time()
        row, word = pairs >> PAIR_BITS, pairs & ((1 << PAIR_BITS) - 1)
        outlet = self.outlets.of_words(word, self.outlet_words.texts)
        factor = np.array([self._factors[code] for code, _ in self._rows], np.int32)[row]
        kind = np.array([kind for _, kind in self._rows], np.int32)[row]
        self._bind(factor[outlet >= 0], outlet[outlet >= 0])
        self._series[row, word] = np.where(outlet < 0, UNKNOWN, self._binding[factor, outlet] * KINDS + kind)
        self.setup_s += time.process_time() - began

    def _bind(self, factor: Ints, outlet: Ints) -> None:
        """Give numbers to the bindings that are new, in the order in which they come."""
        self._binding = _widened(self._binding, len(self.outlets.ids))
        new = self._binding[factor, outlet] == NEW
        factor, outlet = factor[new], outlet[new]
        first = first_ones(factor.astype(np.int64) << PAIR_BITS | outlet)
        factor, outlet = factor[first], outlet[first]
        self._binding[factor, outlet] = len(self._outlet_of) + np.arange(len(first), dtype=np.int32)
        self._outlet_of = np.concatenate([self._outlet_of, outlet])
        self._factor_of = np.concatenate([self._factor_of, factor])
        self.grown |= len(first) > 0


def _one_more(table: NDArray[np.int32]) -> NDArray[np.int32]:
    return np.vstack([table, np.full((1, table.shape[1]), NEW, np.int32)])


def _widened(table: NDArray[np.int32], width: int) -> NDArray[np.int32]:
    """With room for so many columns."""
    if width <= table.shape[1]:
        return table
    wider = np.full((len(table), 2 * width), NEW, np.int32)
    wider[:, : table.shape[1]] = table
    return wider


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
