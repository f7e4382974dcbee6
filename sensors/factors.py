"""The factor catalogue: what a code means, the unit it is sent in, the unit it is judged in, the range of its type.

The rows are in factors.csv: HJ 212-2017 annex B, tables B.1 (water) and B.2 (gas), a selection of 104.
"""

import csv
import difflib
from dataclasses import dataclass
from functools import cache
from importlib import resources

from sensors.registry import Medium


@dataclass(frozen=True, slots=True, kw_only=True)
class Factor:
    """One factor of HJ 212-2017. Codes are text: '01' (particulate matter) is not '001' (pH)."""

    code: str  # six characters, case-sensitive
    name_zh: str
    name_en: str
    alias_2005: str  # code of HJ/T 212-2005, "" if none; the same alias may mean another factor in the other medium
    medium: Medium  # WATER or GAS
    wire_unit: str  # unit on the wire where nothing else is agreed (annex B)
    emission_unit: str  # unit of the accumulated amount (-Cou), "" if none
    unit: str  # judging unit: mg/L and mg/m3 for concentrations, else the wire unit
    integer_digits: int  # of the type Nx.y
    decimals: int

    @property
    def max_abs(self) -> float:
        """The largest amount the type can write, in the wire unit.

        >>> factor("w01001").max_abs
        99.99
        """
        return float("9" * self.integer_digits + "." + "9" * self.decimals + "0")


def factor(code: str) -> Factor | None:
    """The factor of a 2017 code, None if the catalogue has none.

    >>> factor("w20111").wire_unit, factor("w20111").unit
    ('ug/L', 'mg/L')
    """
    return catalogue().get(code)


def alias_2005(code: str, medium: Medium) -> str | None:
    """The 2017 code of a 2005 code sent at an outlet of that medium (air: the gas table), None if there is none.

    >>> alias_2005("01", Medium.GAS), alias_2005("001", Medium.WATER), alias_2005("01", Medium.WATER)
    ('a34013', 'w01001', None)
    """
    return _aliases().get((code, _table(medium)))


def nearest(word: str) -> str | None:
    """The code somebody may have meant who wrote this code or name, None if nothing is near.

    >>> nearest("w1018"), nearest("nox"), nearest("化学需氣量")
    ('w01018', 'a21002', 'w01018')
    """
    found = difflib.get_close_matches(word[:LONGEST].lower(), _words(), 1)
    return _words()[found[0]] if found else None


@cache
def catalogue() -> dict[str, Factor]:
    """All factors by code, in the order of the standard."""
    text = resources.files("sensors").joinpath("factors.csv").read_text("utf-8")
    return {row["code"]: _factor(row) for row in csv.DictReader(text.splitlines())}


def _factor(row: dict[str, str]) -> Factor:
    digits, _, decimals = row["type"].removeprefix("N").partition(".")
    return Factor(
        code=row["code"],
        name_zh=row["name_zh"],
        name_en=row["name_en"],
        alias_2005=row["alias_2005"],
        medium=Medium.WATER if row["code"].startswith("w") else Medium.GAS,
        wire_unit=row["unit"],
        emission_unit=row["emission_unit"],
        unit=JUDGED_IN.get(row["unit"], row["unit"]),
        integer_digits=int(digits),
        decimals=int(decimals or 0),
    )


JUDGED_IN = {"ug/L": "mg/L", "ng/L": "mg/L", "ng/m3": "mg/m3"}
"""Limits are written in mg/L and mg/m3, whatever annex B sends."""


LONGEST = 32  # of a code or name; keeps the search for the nearest one short


def _table(medium: Medium) -> Medium:
    return Medium.WATER if medium is Medium.WATER else Medium.GAS


@cache
def _aliases() -> dict[tuple[str, Medium], str]:
    return {(f.alias_2005, f.medium): f.code for f in catalogue().values() if f.alias_2005}


@cache
def _words() -> dict[str, str]:
    words = ((word, f.code) for f in catalogue().values() for word in (f.code, f.name_zh, f.name_en))
    return {word.lower(): code for word, code in reversed(list(words))}
