"""Units of measurement: how they are spelt, which belong together, and how a value gets from one to another."""

import difflib
from dataclasses import dataclass
from fractions import Fraction
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

Number = TypeVar("Number", float, NDArray[np.float64])


class UnitError(ValueError):
    """A unit nobody knows, or two units that do not measure the same thing."""


# The scale of each unit against the others of its group. A concentration in water and one in gas are two groups on
# purpose: "mg/m3" given for a water factor is a mistake for "mg/L", a thousand times too small, not a conversion.
GROUPS: dict[str, dict[str, Fraction]] = {
    "concentration in water": {
        "g/L": Fraction(1000), "mg/L": Fraction(1), "g/m3": Fraction(1),
        "ug/L": Fraction(1, 10**3), "ng/L": Fraction(1, 10**6),
    },
    "concentration in gas": {
        "g/m3": Fraction(1000), "mg/m3": Fraction(1), "ug/m3": Fraction(1, 10**3), "ng/m3": Fraction(1, 10**6),
    },
    "flow": {
        "m3/s": Fraction(1), "m3/min": Fraction(1, 60), "m3/h": Fraction(1, 3600), "m3/d": Fraction(1, 86400),
        "L/s": Fraction(1, 1000), "L/min": Fraction(1, 60_000), "L/h": Fraction(1, 3_600_000),
    },
    "pressure": {"MPa": Fraction(10**6), "kPa": Fraction(1000), "hPa": Fraction(100), "Pa": Fraction(1)},
    "velocity": {"m/s": Fraction(1), "km/h": Fraction(5, 18)},
    "conductivity": {"S/m": Fraction(10**4), "mS/cm": Fraction(1000), "mS/m": Fraction(10), "uS/cm": Fraction(1)},
    "area": {"m2": Fraction(1), "cm2": Fraction(1, 10**4)},
    "activity in water": {"Bq/L": Fraction(1), "mBq/L": Fraction(1, 1000)},
    "number in water": {"/L": Fraction(1), "/mL": Fraction(1000), "/100mL": Fraction(10)},
    "acidity": {"pH": Fraction(1)},
    "temperature": {"°C": Fraction(1)},
    "share": {"%": Fraction(1)},
    "angle": {"°": Fraction(1)},
    "colour": {"度": Fraction(1)},
}  # fmt: skip

SPELT = str.maketrans({"µ": "u", "μ": "u", "³": "3", "²": "2", "℃": "°C", " ": None, "·": None, "％": "%"})
OTHER_NAMES = {"-": "pH", "–": "pH", "无量纲": "pH", "[角]度": "°", "degc": "°C", "贝可[勒尔]/升": "Bq/L", "个/l": "/L"}
LONGEST = 24  # no unit is longer; keeps the search for the nearest name short
NAMES = {name.lower(): name for units in GROUPS.values() for name in units} | OTHER_NAMES


@dataclass(frozen=True, slots=True, kw_only=True)
class Conversion:
    """Multiply, then divide, both by whole numbers: 50 ug/L become exactly the double nearest to 0.05 mg/L."""

    multiply: float
    divide: float

    def __call__(self, value: Number) -> Number:
        """The value (or the array of values) in the other unit.

        >>> conversion("ug/L", "mg/L")(50.0), conversion("m3/h", "L/s")(36.0)
        (0.05, 10.0)
        """
        return value * self.multiply / self.divide


SAME = Conversion(multiply=1.0, divide=1.0)


def unit(text: str) -> str:
    """The usual name of a unit, whatever the case, blanks and special letters; UnitError if nobody knows it.

    >>> unit("µg/l"), unit("m³/h")
    ('ug/L', 'm3/h')
    >>> unit("mg/I")
    Traceback (most recent call last):
    ...
    sensors.units.UnitError: unit 'mg/I': not known; the nearest is mg/L
    """
    spelt = text[:LONGEST].translate(SPELT).lower()
    name = NAMES.get(spelt)
    if name is None or len(text) > LONGEST:
        near = difflib.get_close_matches(spelt, NAMES, 1)
        hint = f"the nearest is {NAMES[near[0]]}" if near else "expected one such as mg/L, ug/L, mg/m3, L/s, m3/h"
        raise UnitError(f"unit {text[:LONGEST]!r}: not known; {hint}")
    return name


def conversion(from_unit: str, to_unit: str) -> Conversion:
    """How to get from one unit to another; UnitError if they do not measure the same thing.

    >>> conversion("mg/m3", "mg/L")
    Traceback (most recent call last):
    ...
    sensors.units.UnitError: unit 'mg/m3': expected one that converts to mg/L (g/L, mg/L, g/m3, ug/L, ng/L)
    """
    source, target = unit(from_unit), unit(to_unit)
    for units in GROUPS.values():
        if source in units and target in units:
            scale = units[source] / units[target]
            return Conversion(multiply=float(scale.numerator), divide=float(scale.denominator))
    fitting = ", ".join(dict.fromkeys(name for units in GROUPS.values() if target in units for name in units))
    raise UnitError(f"unit {from_unit!r}: expected one that converts to {target} ({fitting})")
