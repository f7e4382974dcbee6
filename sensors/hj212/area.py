"""The content of a frame, between CP=&& and &&: plain fields, and factors merged by code; departures are counted."""

import re
from collections import Counter
from dataclasses import dataclass, field

from sensors.hj212.tolerance import Tolerance
from sensors.reading import LETTERS

ATTRIBUTES = ("Rtd", "Avg", "Min", "Max", "Cou", "Flag", "ZsRtd", "ZsAvg", "ZsMin", "ZsMax", "ZsCou", "SampleTime")
KNOWN = frozenset(ATTRIBUTES)
BLANK = re.compile(r"\s")
BY_LOWER = {name.lower(): name for name in ATTRIBUTES}


@dataclass(slots=True, kw_only=True)
class Area:
    """What stands in one CP."""

    plain: dict[str, str] = field(default_factory=dict)  # DataTime, BeginTime, RestartTime, QnRtn ...
    factors: dict[str, dict[str, str]] = field(default_factory=dict)  # code -> field -> text, merged by code
    disputed: dict[tuple[str, str], list[str]] = field(default_factory=dict)  # (code, field): texts unlike the first
    broken: list[str] = field(default_factory=list)  # fields without '='
    tolerances: Counter[Tolerance] = field(default_factory=Counter)


def read_area(text: str) -> Area:
    """Everything between CP=&& and &&.

    >>> area = read_area("DataTime=20250312202809;a34001-Rtd=87;Flag=N;a34001-ZsRtd=90;")
    >>> area.factors, [str(tolerance) for tolerance in area.tolerances]
    ({'a34001': {'Rtd': '87', 'Flag': 'N', 'ZsRtd': '90'}}, ['flag_without_code', 'empty_item'])
    """
    reader = _Reader()
    for item in text.split(";") if text else ():
        reader.item(item)
    return reader.area


class _Reader:
    """Reads items one after the other; a field without a code may belong to the factor before it."""

    def __init__(self) -> None:
        self.area = Area()
        self.code = ""  # of the last factor

    def item(self, item: str) -> None:
        codes = {self._field(part) for part in item.split(",")} - {""}
        if len(codes) > 1:
            self.area.tolerances[Tolerance.ITEM_COMMA] += 1

    def _field(self, part: str) -> str:
        """Read one field; the code it belongs to, "" for a plain one."""
        name, equals, value = part.partition("=")
        if not part.strip():
            return self._tolerate(Tolerance.EMPTY_ITEM)
        if not equals:
            self.area.broken.append(part)
            return ""
        if BLANK.search(part):
            self._tolerate(Tolerance.BLANK)
            name, value = "".join(name.split()), value.strip()
        code, hyphen, attribute = name.rpartition("-")
        if not hyphen:
            return self._plain(name, value)
        if code.endswith("-"):
            code = code.rstrip("-")
            self._tolerate(Tolerance.DOUBLE_HYPHEN)
        return self._set(code, self._attribute(attribute), value)

    def _attribute(self, name: str) -> str:
        known = name if name in KNOWN else BY_LOWER.get(name.lower(), name)
        if known != name:
            self._tolerate(Tolerance.NAME_CASE)
        return known

    def _plain(self, name: str, value: str) -> str:
        if self.code and name.lower() == "flag":
            self._tolerate(Tolerance.FLAG_WITHOUT_CODE)
            return self._set(self.code, "Flag", value)
        if name == self.code and value in LETTERS:  # NOIS=N for NOIS-Flag=N
            self._tolerate(Tolerance.FLAG_WITHOUT_NAME)
            return self._set(self.code, "Flag", value)
        self._put(self.area.plain, "", name, value)
        return ""

    def _set(self, code: str, attribute: str, value: str) -> str:
        self.code = code
        self._put(self.area.factors.setdefault(code, {}), code, attribute, value)
        return code

    def _put(self, fields: dict[str, str], code: str, name: str, value: str) -> None:
        if name not in fields:
            fields[name] = value
        elif fields[name] == value:
            self._tolerate(Tolerance.REPEATED_FIELD)
        else:
            self.area.disputed.setdefault((code, name), []).append(value)

    def _tolerate(self, name: Tolerance) -> str:
        self.area.tolerances[name] += 1
        return ""
