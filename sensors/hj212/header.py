"""The head of a data segment: QN, ST, CN, MN, Flag ... read with every departure from the grammar counted by name."""

import re
from dataclasses import dataclass, field

from sensors.hj212.edition import Edition, FlagField
from sensors.hj212.tolerance import Tolerance

ORDER = ("QN", "ST", "CN", "PW", "MN", "Flag", "PNUM", "PNO", "RF")
"""Names in the order of HJ 212-2017 6.3.2; RF is a field of the 2025 edition."""

OPAQUE = frozenset({Tolerance.QN_FORM})
"""Tolerances that strict reading has too: a QN only has to be equal to the one it answers."""

SURFACE_WATER = "21"


class MalformedError(ValueError):
    """The data segment cannot be read; the text names the place, the value and the expectation."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """One data segment, read."""

    cn: int
    mn: str
    qn: str = ""
    st: str = ""
    pw: str = field(default="", repr=False)
    flag: FlagField | None = None  # None: not sent (2005)
    pnum: int = 0  # 0: not split
    pno: int = 0
    resent: bool = False  # RF=1
    area: str = ""  # between CP=&& and &&
    tolerances: tuple[Tolerance, ...] = ()

    @property
    def edition(self) -> Edition | None:
        """The edition that Flag states; None for the surface-water protocol and for numbers nobody defined."""
        if self.flag is None:
            return Edition.Y2005
        if self.flag.version not in set(Edition) or (self.flag.version == Edition.Y2025 and self.st == SURFACE_WATER):
            return None
        return Edition(self.flag.version)


def read_frame(data: bytes, *, strict: bool = False) -> Frame:
    """The head of a data segment; MalformedError without CN, MN or CP, or if `strict` and it took a tolerance.

    >>> frame = read_frame(b"ST=32;CN=2011;PW=123456;,MN=8800;FLAG=0;CP=&&DataTime=20250312142000&&")
    >>> [str(tolerance) for tolerance in frame.tolerances]
    ['header_separator', 'name_case']
    """
    text = data.decode("utf-8", "replace")
    head, found, tail = text.partition("CP=&&")
    if not found or not tail.endswith("&&"):
        raise MalformedError("data: expected CP=&& ... && at the end")
    reader = _Head()
    reader.read(head)
    frame = reader.frame(tail[:-2])
    if strict and not OPAQUE.issuperset(frame.tolerances):
        raise MalformedError(f"strict reading: expected the exact grammar, got {', '.join(frame.tolerances)}")
    return frame


class _Head:
    """Collects the fields of one head and what had to be tolerated."""

    def __init__(self) -> None:
        self.fields: dict[str, str] = {}
        self.tolerances: dict[Tolerance, None] = {}

    def tolerate(self, name: Tolerance) -> None:
        self.tolerances[name] = None

    def read(self, head: str) -> None:
        *pieces, last = head.split(";")
        if last:
            self.tolerate(Tolerance.MISSING_SEMICOLON)
            pieces.append(last)
        for piece in pieces:
            parts = piece.split(",")
            if len(parts) > 1 or not piece:
                self.tolerate(Tolerance.HEADER_SEPARATOR)
            for part in filter(None, parts):
                self._field(part)

    def _field(self, part: str) -> None:
        name, equals, value = part.partition("=")
        if part != re.sub(r"\s", "", part):
            self.tolerate(Tolerance.BLANK)
            name, value = name.strip(), value.strip()
        if not equals:
            raise MalformedError("head: expected name=value, got a field without =")  # not shown: it may be a password
        known = name if name in ORDER else BY_LOWER.get(name.lower())
        if known is None:
            return self.tolerate(Tolerance.HEADER_UNKNOWN)
        if known != name:
            self.tolerate(Tolerance.NAME_CASE)
        if known in self.fields:
            raise MalformedError(f"head: {known}: given twice")
        self.fields[known] = value
        return None

    def frame(self, area: str) -> Frame:
        """The fields as a Frame."""
        fields = self.fields
        self._form()
        flag = FlagField.of(self._number("Flag", r"[0-9]{1,3}")) if "Flag" in fields else None
        pnum, pno = self._packet(bool(flag and flag.split))
        return Frame(
            cn=self._number("CN", r"[0-9]{4}"),
            mn=self._text("MN"),
            qn=fields.get("QN", ""),
            st=fields.get("ST", ""),
            pw=fields.get("PW", ""),
            flag=flag,
            pnum=pnum,
            pno=pno,
            resent=fields.get("RF") == "1",
            area=area,
            tolerances=tuple(self.tolerances),
        )

    def _form(self) -> None:
        """Departures that a look at all fields together shows."""
        given = [ORDER.index(name) for name in self.fields]
        if given != sorted(given):
            self.tolerate(Tolerance.HEADER_ORDER)
        if not re.fullmatch(r"[0-9]{17}", self.fields.get("QN", "0" * 17)):
            self.tolerate(Tolerance.QN_FORM)
        for name, tolerance in (("ST", Tolerance.NO_ST), ("PW", Tolerance.NO_PW)):
            if not self.fields.get(name):
                self.tolerate(tolerance)

    def _packet(self, split: bool) -> tuple[int, int]:
        """PNUM and PNO, (0, 0) if the data is not split or the numbers make no sense."""
        has_numbers = "PNUM" in self.fields and "PNO" in self.fields
        if split != has_numbers:
            self.tolerate(Tolerance.PACKET_FLAG)
        if not has_numbers:
            return 0, 0
        pnum, pno = self._number("PNUM", r"[0-9]{1,4}"), self._number("PNO", r"[0-9]{1,4}")
        if not 1 <= pno <= pnum:
            self.tolerate(Tolerance.PACKET_NUMBER)
            return 0, 0
        return pnum, pno

    def _text(self, name: str) -> str:
        value = self.fields.get(name, "")
        if not value:
            raise MalformedError(f"head: {name}: expected one, got none")
        return value

    def _number(self, name: str, form: str) -> int:
        value = self._text(name)
        if not re.fullmatch(form, value):
            raise MalformedError(f"head: {name}: expected {form}, got {value[:20]!r}")
        return int(value)


BY_LOWER = {name.lower(): name for name in ORDER}
