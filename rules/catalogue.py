"""The catalogue of standards: the limits of each class, and the YAML files of standards and packs in the package."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib import resources

from rules.limits import Averaging, Basis, Limit, Weighting
from rules.precedence import Level
from sensors.registry import FOREVER_MS, Medium


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One limit of a standard, for any outlet it applies to. Fields as in `rules.limits.Limit`."""

    factor: str
    averaging: Averaging
    ceiling: float | None = None
    floor: float | None = None
    basis: Basis = Basis.MEASURED
    reference_o2: float | None = None
    weighting: Weighting = Weighting.EVEN
    decimals: int | None = None
    note: str = ""  # a condition of the text that is not applied; quoted with the source
    unverified: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class StandardClass:
    """One class (level, table, kind of plant) of a standard: what an outlet refers to as `standard/class`."""

    ref: str  # "GB 18918-2002/1A"
    level: Level  # NATIONAL or LOCAL
    medium: Medium
    title_zh: str
    title_en: str
    figures: tuple[Figure, ...]

    def limits(
        self, outlet: str, factors: frozenset[str], *, valid_from_ms: int = 0, valid_to_ms: int = FOREVER_MS
    ) -> Iterator[Limit]:
        """Its limits for the factors that an outlet measures."""
        for figure in self.figures:
            if figure.factor in factors:
                yield Limit(
                    outlet=outlet,
                    factor=figure.factor,
                    averaging=figure.averaging,
                    ceiling=figure.ceiling,
                    floor=figure.floor,
                    basis=figure.basis,
                    reference_o2=figure.reference_o2,
                    weighting=figure.weighting,
                    decimals=figure.decimals,
                    source=f"{self.ref} ({figure.note})" if figure.note else self.ref,
                    unverified=figure.unverified,
                    valid_from_ms=valid_from_ms,
                    valid_to_ms=valid_to_ms,
                )


Catalogue = Mapping[str, StandardClass]
"""Every class by its reference."""


def standard_texts() -> dict[str, str]:
    """The YAML files of the standards that come with the package: file name -> text."""
    return _texts("standards")


def pack_texts() -> dict[str, str]:
    """The YAML files of the rule packs that come with the package: file name -> text."""
    return _texts("packs")


def _texts(folder: str) -> dict[str, str]:
    files = resources.files("rules").joinpath(folder).iterdir()
    return {f.name: f.read_text("utf-8") for f in sorted(files, key=lambda f: f.name) if f.name.endswith(".yaml")}
