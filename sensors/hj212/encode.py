"""Frames made: data uploads, answers and commands."""

from collections.abc import Iterable, Mapping, Sequence
from decimal import ROUND_HALF_EVEN, Decimal

from sensors.factors import factor
from sensors.hj212.crc import crc
from sensors.hj212.edition import Edition, FlagField
from sensors.hj212.times import data_time, qn_text

DATA_MAX = 1024  # bytes between the length field and the CRC; more is split
PACKETS_MAX = 9999
PASSWORD = "123456"
SYSTEM_ANSWERS = "91"

Item = tuple[str, Mapping[str, str]]
"""One factor and its fields: ("w01018", {"Avg": "38.6", "Flag": "N"}); a code of "" makes fields without a code."""


def seal(data: str) -> bytes:
    """A data segment with its length, CRC and end of line.

    >>> seal("QN=20240601085857223;ST=32;CN=1011;PW=123456;MN=010000A8900016F000169DC0;Flag=9;CP=&&&&")[-8:]
    b'&&2200\\r\\n'
    """
    body = data.encode()
    if len(body) > 9999:
        raise ValueError(f"data segment: expected at most 9999 bytes, got {len(body)}")
    return b"##%04d%b%04X\r\n" % (len(body), body, crc(body))


def encode_data(
    mn: str,
    cn: int,
    data_time_ms: int,
    items: Iterable[Item],
    *,
    qn_ms: int,
    st: str = "32",
    edition: Edition = Edition.Y2017,
    pw: str = PASSWORD,
    answer: bool = True,
    resend: bool = False,
) -> bytes:
    """A data upload (2011, 2051, 2061, 2031 ...): one frame, or several where the data is longer than 1024 bytes.

    Times are UTC ms and are written in UTC+8. Each packet of a split upload has the DataTime and its own QN, one
    millisecond after the one before (HJ 212-2017 annex C). `resend` writes RF=1, which only the 2025 edition has.

    >>> encode_data("010000A8900016F000169DC0", 2011, 0, [("w01018", {"Rtd": "38.6", "Flag": "N"})], qn_ms=0)[79:-6]
    b'Flag=5;CP=&&DataTime=19700101080000;w01018-Rtd=38.6,w01018-Flag=N&&'
    """
    if resend and edition is not Edition.Y2025:
        raise ValueError(f"resend: RF is a field of the 2025 edition, got {edition.name}")
    time = ("", {"DataTime": data_time(data_time_ms)})
    extra = "RF=1;" if resend else ""

    def head(split: bool, no: int, of: int) -> str:
        flag = FlagField(version=edition, split=split, answer=answer and edition is not Edition.Y2005)
        numbers = f"PNUM={of};PNO={no};" if split else ""
        return _head(flag, qn_ms=qn_ms + no - 1, st=st, cn=cn, pw=pw, mn=mn) + numbers + extra

    whole = _segment(head(False, 1, 1), [time, *items])
    if len(whole) <= DATA_MAX:
        return seal(whole)
    groups = _packets([_item(i) for i in items], DATA_MAX - len(_segment(head(True, 1, PACKETS_MAX), [time])) - 4)
    parts = [f"{head(True, no, len(groups))}CP=&&{_item(time)};{';'.join(g)}&&" for no, g in enumerate(groups, 1)]
    return b"".join(map(seal, parts))


def encode_answer(
    cn: int, *, mn: str, qn: str, st: str = SYSTEM_ANSWERS, edition: Edition = Edition.Y2017, pw: str = PASSWORD
) -> bytes:
    """The answer to a notice (9013) or to data (9014), with the QN it answers; 2005 puts the QN into CP.

    >>> encode_answer(9014, mn="010000A8900016F000169DC0", qn="20240101110500000")
    b'##0087QN=20240101110500000;ST=91;CN=9014;PW=123456;MN=010000A8900016F000169DC0;Flag=4;CP=&&&&1DC0\\r\\n'
    """
    if edition is Edition.Y2005:
        return seal(f"ST={st};CN={cn};PW={pw};MN={mn};Flag=0;CP=&&{f'QN={qn}' if qn else ''}&&")
    return seal(f"{f'QN={qn};' if qn else ''}ST={st};CN={cn};PW={pw};MN={mn};Flag={edition << 2};CP=&&&&")


def encode_command(
    cn: int,
    *,
    mn: str,
    qn_ms: int,
    st: str = "32",
    fields: Sequence[tuple[str, str]] = (),
    edition: Edition = Edition.Y2017,
    pw: str = PASSWORD,
    answer: bool = True,
) -> bytes:
    """A command to a device, or a notice of one: 1012 with SystemTime, 2061 with BeginTime and EndTime, 3015 ...

    >>> mn = "010000A8900016F000169DC0"
    >>> encode_command(1062, mn=mn, qn_ms=1470013137223, pw="100000", fields=[("RtdInterval", "30")])[-34:]
    b'Flag=5;CP=&&RtdInterval=30&&1C80\\r\\n'
    """
    flag = FlagField(version=edition, split=False, answer=answer)
    head = _head(flag, qn_ms=qn_ms, st=st, cn=cn, pw=pw, mn=mn)
    return seal(_segment(head, [("", {name: text}) for name, text in fields]))


def value_text(code: str, value: float, decimals: int | None = None) -> str:
    """A value as the type of its factor writes it, rounded half to even (of the decimal digits one sees).

    >>> value_text("w01018", 38.65), value_text("w01018", 38.75), value_text("w01012", 7.0)
    ('38.6', '38.8', '7')
    """
    known = factor(code)
    places = decimals if decimals is not None else known.decimals if known else 4
    return f"{Decimal(repr(value)).quantize(Decimal(1).scaleb(-places), ROUND_HALF_EVEN):f}"


def _head(flag: FlagField, *, qn_ms: int, st: str, cn: int, pw: str, mn: str) -> str:
    no_qn = flag.version == Edition.Y2005 and not flag.answer
    qn = "" if no_qn else f"QN={qn_text(qn_ms)};"
    flags = "" if no_qn and not flag.split else f"Flag={flag.number};"
    return f"{qn}ST={st};CN={cn:04d};PW={pw};MN={mn};{flags}"


def _segment(head: str, items: Iterable[Item]) -> str:
    return f"{head}CP=&&{';'.join(map(_item, items))}&&"


def _item(item: Item) -> str:
    code, fields = item
    prefix = f"{code}-" if code else ""
    return ",".join(f"{prefix}{name}={text}" for name, text in fields.items())


def _packets(items: Sequence[str], room: int) -> list[list[str]]:
    """The items in groups of at most `room` characters, separators included."""
    groups: list[list[str]] = [[]]
    left = room
    for item in items:
        if len(item) + 1 > room:
            raise ValueError(f"item {item[:40]!r}: expected at most {room - 1} bytes, got {len(item)}")
        if len(item) + 1 > left:
            groups.append([])
            left = room
        groups[-1].append(item)
        left -= len(item) + 1
    return groups
