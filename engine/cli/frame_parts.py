"""A frame of HJ 212 taken apart: length, CRC, head and factors, with everything that is wrong or was tolerated."""

from dataclasses import asdict, dataclass, field
from typing import Any

from sensors.factors import alias_2005, factor
from sensors.hj212.area import Area, read_area
from sensors.hj212.crc import crc
from sensors.hj212.frame import Cut, Verdict, cut
from sensors.hj212.header import Frame, MalformedError, read_frame
from sensors.registry import Medium


@dataclass(frozen=True, slots=True, kw_only=True)
class FramePart:
    """One frame."""

    declared: int  # length it states
    counted: int  # length it has
    crc_sent: str
    crc_right: str
    complaint: str = ""  # why length or CRC are not valid, and which wrong algorithm made the CRC
    malformed: str = ""  # why its data cannot be read
    edition: str = ""  # "2005", "2017", "2025"; "" unknown
    head: dict[str, str] = field(default_factory=dict)
    plain: dict[str, str] = field(default_factory=dict)
    factors: dict[str, dict[str, str]] = field(default_factory=dict)
    tolerated: tuple[str, ...] = ()
    disputed: tuple[str, ...] = ()  # fields given twice with different values
    broken: tuple[str, ...] = ()  # fields without "="

    def named_values(self, lang: str) -> list[tuple[str, str]]:
        """Content as (name, value), factors with what they are called."""
        rows = list(self.plain.items())
        for code, fields in self.factors.items():
            known = factor(code) or factor(alias_2005(code, Medium.WATER) or alias_2005(code, Medium.GAS) or "")
            called = (known.name_zh if lang == "zh" else known.name_en) if known else "?"
            unit = f" {known.wire_unit}" if known else ""
            rows.append((f"{code} {called}", ", ".join(f"{k}={v}" for k, v in fields.items()) + unit))
        return rows


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """All frames of a byte string."""

    frames: tuple[FramePart, ...]
    garbage: int  # bytes that belong to none

    @property
    def good(self) -> bool:
        """Whether every frame is valid and can be read."""
        return not any(part.complaint or part.malformed for part in self.frames)

    def to_json(self) -> dict[str, Any]:
        """For a program."""
        return {"valid": self.good, "frames": [asdict(part) for part in self.frames], "garbage": self.garbage}


def parts_of(raw: bytes) -> Parts:
    """Take apart whatever frames are in a byte string.

    >>> part = parts_of(b"##0087QN=20240601085857223;ST=32;CN=1011;PW=123456;MN=010000A8900016F000169DC0;"
    ...                 b"Flag=9;CP=&&&&2200").frames[0]
    >>> part.complaint, part.edition, part.head["CN"]
    ('', '2025', '1011')
    """
    cuts = cut(raw)
    return Parts(frames=tuple(_part(one) for one in cuts.frames), garbage=cuts.garbage)


def _part(one: Cut) -> FramePart:
    measured: dict[str, Any] = {
        "declared": one.declared,
        "counted": len(one.data),
        "crc_sent": one.crc_text,
        "crc_right": f"{crc(one.data):04X}",
        "complaint": "" if one.verdict is Verdict.VALID else one.complaint(),
    }
    try:
        frame = read_frame(one.data)
    except MalformedError as error:
        return FramePart(**measured, malformed=str(error), tolerated=one.tolerances)
    area = read_area(frame.area)
    return FramePart(
        **measured,
        edition=frame.edition.name.removeprefix("Y") if frame.edition is not None else "",
        head=_head(frame),
        plain=area.plain,
        factors=area.factors,
        tolerated=(*one.tolerances, *frame.tolerances, *area.tolerances),
        disputed=_disputed(area),
        broken=tuple(area.broken),
    )


def _head(frame: Frame) -> dict[str, str]:
    fields = {"QN": frame.qn, "ST": frame.st, "CN": str(frame.cn), "MN": frame.mn}
    if frame.flag is not None:
        fields["Flag"] = str(frame.flag.number)
    if frame.pnum:
        fields |= {"PNUM": str(frame.pnum), "PNO": str(frame.pno)}
    return fields


def _disputed(area: Area) -> tuple[str, ...]:
    return tuple(f"{code}-{name}={value}" for (code, name), values in area.disputed.items() for value in values)
