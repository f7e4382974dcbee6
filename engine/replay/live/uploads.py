"""From readings back to what a monitor sends: HJ 212-2017 frames, or JSON v1 where HJ 212 has no word for it.

Every value is written with the digits of its double and in the unit of its binding, so it is decoded to the same double.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

import orjson

from engine.replay.register import Register
from sensors import jsonv1
from sensors.hj212.commands import KINDS as COMMANDS
from sensors.hj212.commands import VALUE_FIELD
from sensors.hj212.encode import Item, encode_data
from sensors.reading import KINDS, LETTERS, Flag, Kind, ReadingBatch
from sensors.registry import Medium
from sensors.resolve import NUMBER_MAX

CODE = re.compile(r"[0-9A-Za-z]{1,8}")
"""Codes that stand in an HJ 212 frame as they are."""

CN = {kind: cn for cn, kind in COMMANDS.items()}
ST = {Medium.WATER: "32", Medium.GAS: "31", Medium.AIR: "31"}
"""System type (GB/T 16706): surface water pollution source, air pollution source."""

LETTER = {flag: letter for letter, flag in LETTERS.items()} | {Flag.UNKNOWN: "X"}
"""Of a flag no edition defines, a letter that none defines either."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload:
    """One payload: the readings of one outlet, kind and device time."""

    mn: str
    payload: bytes
    readings: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """One reading as it is written."""

    factor: str
    value: float
    text: str  # the same, without an exponent
    flag: Flag


Frame = dict[str, Said]
"""By factor: none twice."""


def uploads(instant: ReadingBatch, register: Register) -> Iterator[Upload]:
    """What is sent at one log time. A factor given twice for one device time is sent twice, in the order given."""
    known, frames = register.bindings, dict[tuple[str, int, int], list[Frame]]()
    for row in range(len(instant)):
        binding, kind = divmod(int(instant.series[row]), KINDS)
        outlet, factor = known[binding].outlet, known[binding].factor
        value = float(instant.value[row])
        said = Said(factor=factor, value=value, text=plain(value), flag=Flag(int(instant.flag[row])))
        _put(frames.setdefault((outlet, kind, int(instant.device_ms[row])), [{}]), said)
    log_ms = int(instant.log_ms[0])
    for (outlet, kind, device_ms), sent in frames.items():
        mn, st = register.mn(outlet), ST[register.outlets.medium(outlet)]
        for frame in sent:
            says = list(frame.values())
            payload = (
                hj212(mn, st, Kind(kind), device_ms, says, log_ms)
                if fits_hj212(device_ms, says)
                else json_v1(mn, Kind(kind), device_ms, says)
            )
            yield Upload(mn=mn, payload=payload, readings=len(says))


def plain(value: float) -> str:
    """The shortest digits that give the same double, without an exponent.

    >>> plain(173.8762434027778), plain(1e-07), plain(-0.5)
    ('173.8762434027778', '0.0000001', '-0.5')
    """
    return f"{Decimal(repr(value)):f}"


def fits_hj212(device_ms: int, says: list[Said]) -> bool:
    """Whether HJ 212 has a word for all of it: whole seconds, short codes, numbers of usual length."""
    return device_ms % 1000 == 0 and all(CODE.fullmatch(s.factor) and len(s.text) <= NUMBER_MAX for s in says)


def hj212(mn: str, st: str, kind: Kind, device_ms: int, says: list[Said], log_ms: int) -> bytes:
    """One upload of the 2017 edition, sent at its log time."""
    name = VALUE_FIELD[kind]
    items: list[Item] = [
        (s.factor, {name: s.text} | ({} if s.flag is Flag.UNSTATED else {"Flag": LETTER[s.flag]})) for s in says
    ]
    return encode_data(mn, CN[kind], device_ms, items, qn_ms=log_ms, st=st)


def json_v1(mn: str, kind: Kind, device_ms: int, says: list[Said]) -> bytes:
    """The same as JSON (docs/json-v1.md)."""
    readings = {s.factor: {"value": s.value, "flag": LETTER.get(s.flag, jsonv1.UNSTATED)} for s in says}
    message = {"v": jsonv1.VERSION, "mn": mn, "kind": kind.name.lower(), "time": device_ms, "readings": readings}
    return orjson.dumps(message)


def _put(sent: list[Frame], said: Said) -> None:
    """Into the first frame that does not have the factor yet."""
    for frame in sent:
        if said.factor not in frame:
            frame[said.factor] = said
            return
    sent.append({said.factor: said})
