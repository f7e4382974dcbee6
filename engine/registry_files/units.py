"""Units in registry files: do they measure what the factor measures?"""

from engine.config.nearest import nearest
from sensors.factors import Factor
from sensors.units import GROUPS, UnitError, conversion


def unit_wrong(text: str, factor: Factor) -> dict[str, str] | None:
    """Values for the text that refuses a unit; None where it fits the factor.

    >>> from sensors.factors import factor
    >>> unit_wrong("mg/m3", factor("w01018"))
    {'value': 'mg/m3', 'valid': 'g/L, mg/L, g/m3, ug/L, ng/L', 'factor': 'w01018'}
    >>> unit_wrong("mg/I", factor("w01018"))["valid"]
    'mg/L?'
    >>> unit_wrong("µg/l", factor("w01018")) is None
    True
    """
    try:
        conversion(text, factor.unit)
    except UnitError:
        fitting = [name for units in GROUPS.values() if factor.unit in units for name in units]
        known = any(text in units for units in GROUPS.values())
        near = "" if known else nearest(text, fitting)
        return {"value": text, "valid": f"{near}?" if near else ", ".join(fitting), "factor": factor.code}
    return None
