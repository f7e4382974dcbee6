"""What the numbers in facts stand for: outlet, factor and kind of a series, id of a rule."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from engine.store.bounds import LimitBounds
from engine.store.sealed import Texts
from engine.store.table import READINGS, Rows, Table
from rules.rule import RuleSet
from sensors.reading import KINDS, Kind
from sensors.registry import Registry

KIND_NAMES = tuple(kind.name.lower() for kind in Kind)


@dataclass(frozen=True, kw_only=True)
class Names:
    """The registry and the rule set that facts of now refer to."""

    registry: Registry
    rules: RuleSet

    @cached_property
    def bounds(self) -> LimitBounds:
        """The limits that verdicts were held against."""
        return LimitBounds(self.rules.limits)


def text_columns(names: Names, rule_ids: list[str], table: Table, rows: Rows) -> Texts:
    """The words beside the numbers of a sealed file, so that it can be read alone.

    `rule_ids`: ids of the store's rules, whose numbers begin at 1.
    """
    binding = rows["series"] // KINDS if table is READINGS else rows["binding"]
    bindings = names.registry.bindings
    columns = {
        "outlet": _words(binding, [b.outlet for b in bindings]),
        "factor": _words(binding, [b.factor for b in bindings]),
    }
    if table is READINGS:
        columns["kind"] = _words(rows["series"] % KINDS, list(KIND_NAMES))
    else:
        columns["rule_id"] = _words(rows["rule"] - 1, rule_ids)
    return columns


def _words(index: NDArray[np.int32], words: list[str]) -> pa.Array:
    """Dictionary column; a number the registry does not know is null."""
    known = (index >= 0) & (index < len(words))
    return pa.DictionaryArray.from_arrays(pa.array(index, mask=~known), pa.array(words, pa.string()))
