"""Frames of one payload read with tolerance: what each says, whether it may say it, and what is refused of it."""

import re
from collections.abc import Iterable

from sensors.hj212.area import Area, read_area
from sensors.hj212.commands import ANSWERS, KINDS, MEANING, VALUE_FIELD, may_be_encrypted
from sensors.hj212.edition import Edition
from sensors.hj212.frame import FRAMES_MAX, Cut, Verdict, cut
from sensors.hj212.header import OPAQUE, Frame, MalformedError, read_frame
from sensors.hj212.packets import Assembler, Orphan
from sensors.hj212.times import device_ms
from sensors.hj212.tolerance import Tolerance
from sensors.ledger import Ledger, Payload, Refused, Sent, Upload
from sensors.lookup import Lookup
from sensors.reading import LETTERS, Flag, Kind
from sensors.refusal import Reason, Refusal
from sensors.resolve import resolve, speaker


def read_payload(payload: Payload, lookup: Lookup, assembler: Assembler, ledger: Ledger) -> bool:
    """Enter all frames of a payload into the ledger. True if at least one was accepted."""
    found = cut(payload.data)
    if not found.frames:
        begin = payload.data[:2].decode("ascii", "backslashreplace")  # no more: a password may follow
        got = f"{len(payload.data)} bytes that begin with {begin!r}"
        raise Refused(Reason.NOT_A_FRAME, f"payload: expected ## and a frame, or JSON, got {got}")
    if found.too_many:
        raise Refused(Reason.TOO_LARGE, f"payload: expected at most {FRAMES_MAX} frames")
    ledger.tolerate([Tolerance.GARBAGE] * bool(found.garbage))
    return sum([_FrameReader(payload, lookup, assembler, ledger).read(one) for one in found.frames]) > 0


def report(orphans: Iterable[Orphan], ledger: Ledger) -> None:
    """Enter groups of packets that stayed incomplete; what waited in them is refused."""
    for orphan in orphans:
        kind = KINDS.get(orphan.cn)
        lost = sum(_readings(read_area(text), kind) for text in orphan.waiting)
        ledger.counts["reading.in"] += lost
        ledger.counts["reading.refused"] += lost
        ledger.refused.append(
            Refusal(reason=Reason.ORPHAN_PACKET, mn=orphan.mn, detail=orphan.complaint(), log_ms=orphan.at_ms, count=lost)
        )


class _FrameReader:
    """Reads the frames of one payload."""

    def __init__(self, payload: Payload, lookup: Lookup, assembler: Assembler, ledger: Ledger) -> None:
        self.payload = payload
        self.lookup = lookup
        self.assembler = assembler
        self.ledger = ledger

    def read(self, one: Cut) -> bool:
        """Enter one frame; True if it was accepted."""
        counts = self.ledger.counts
        counts["frame.in"] += 1
        mn = self.payload.login or named_mn(one.data)
        try:
            frame = self._open(one)
            mn = frame.mn
            self._accept(frame)
        except Refused as refused:
            self.ledger.refuse(refused.reason, self.payload, mn, str(refused), refused.readings)
            counts["frame.refused"] += 1
            return False
        counts["frame.decoded"] += 1
        return True

    def _open(self, one: Cut) -> Frame:
        """The frame if length and CRC are right (or wrong in the way its monitor is registered for)."""
        self.ledger.tolerate(one.tolerances)
        verdict = one.verdict
        if verdict is Verdict.WRONG_LENGTH:
            raise Refused(Reason.BAD_LENGTH, one.complaint())
        try:
            frame = read_frame(one.data)
        except MalformedError as error:
            if verdict is not Verdict.VALID:
                raise Refused(Reason.BAD_CRC, one.complaint()) from error
            raise Refused(Reason.BAD_GRAMMAR, str(error)) from error
        if verdict is Verdict.MODBUS_CRC and self._modbus_agreed(frame.mn):
            self.ledger.tolerate([Tolerance.CRC_MODBUS])
        elif verdict is not Verdict.VALID:
            raise _wrong_crc(one, frame)
        self.ledger.tolerate(frame.tolerances)
        return frame

    def _modbus_agreed(self, mn: str) -> bool:
        monitor = self.lookup.monitor(mn, self.payload.log_ms)
        return monitor >= 0 and self.lookup.registry.monitors[monitor].modbus_crc

    def _accept(self, frame: Frame) -> None:
        monitor = speaker(frame.mn, self.payload, self.lookup, lambda: _readings_of(frame))
        if frame.cn not in MEANING:
            raise Refused(Reason.UNKNOWN_COMMAND, f"CN: no edition of HJ 212 has {frame.cn}")
        if frame.cn in ANSWERS and not OPAQUE.issuperset(frame.tolerances):
            raise Refused(Reason.BAD_GRAMMAR, f"CN {frame.cn} is read strictly, got {', '.join(frame.tolerances)}")
        kind = KINDS.get(frame.cn)
        if kind is not None:
            self._data(frame, kind, monitor)
        self.ledger.counts[f"command.{frame.cn}"] += 1
        self.ledger.counts["frame.resent"] += frame.resent

    def _data(self, frame: Frame, kind: Kind, monitor: int) -> None:
        area = read_area(frame.area)
        time = area.plain.get("DataTime", "")
        if ("", "DataTime") in area.disputed:
            raise Refused(Reason.BAD_TIME, "DataTime: given twice", _readings(area, kind))
        if time and device_ms(time) is None:
            detail = f"DataTime: expected YYYYMMDDhhmmss of 2000 to 2099, got {time[:40]!r}"
            raise Refused(Reason.BAD_TIME, detail, _readings(area, kind))
        areas = [area]
        if frame.pnum > 1:
            placed = self.assembler.add(frame, time, self.payload.log_ms)
            report(placed.orphans, self.ledger)
            if placed.full:
                raise Refused(Reason.ORPHAN_PACKET, "too many packets wait for a DataTime", _readings(area, kind))
            time, areas = placed.time, [area, *map(read_area, placed.freed)]
            if not time:
                self.ledger.counts["frame.waiting"] += 1
                return
        if not time and area.factors:
            raise Refused(Reason.BAD_TIME, f"CN {frame.cn}: expected a DataTime, got none", _readings(area, kind))
        for each in areas:
            self._enter(each, frame.mn, kind, time, monitor)

    def _enter(self, area: Area, mn: str, kind: Kind, time: str, monitor: int) -> None:
        """The readings of one content."""
        self.ledger.tolerate(area.tolerances.elements())
        self.ledger.tolerate([Tolerance.DATATIME_MS] * (len(time) == 17))
        sent = [self._sent(code, fields, area, kind) for code, fields in area.factors.items()]
        self.ledger.counts["field.other"] += len(area.plain) - ("DataTime" in area.plain)
        self._complain(area, kind, mn)
        upload = Upload(mn=mn, kind=kind, device_ms=device_ms(time) or 0, sent=[s for s in sent if s])
        resolve(upload, monitor, self.payload, self.lookup, self.ledger)

    def _sent(self, code: str, fields: dict[str, str], area: Area, kind: Kind) -> Sent | None:
        """The reading of one factor, None if the field that would be it is not there."""
        value = fields.get(VALUE_FIELD[kind])
        if value is None:
            self.ledger.counts["field.other"] += len(fields)
            return None
        self.ledger.counts["field.other"] += len(fields) - 1 - ("Flag" in fields)
        flag = Flag.UNKNOWN if (code, "Flag") in area.disputed else self._flag(fields.get("Flag"))
        return Sent(code=code, number=value, flag=flag)

    def _flag(self, text: str | None) -> Flag:
        if not text:
            self.ledger.tolerate([Tolerance.FLAG_EMPTY] * (text is not None))
            return Flag.UNSTATED
        if text.upper() != text:
            self.ledger.tolerate([Tolerance.FLAG_CASE])
        return LETTERS.get(text.upper(), Flag.UNKNOWN)

    def _complain(self, area: Area, kind: Kind, mn: str) -> None:
        """Refuse fields that cannot be read, and values that contradict the first."""
        complaints: dict[Reason, list[str]] = {}
        for field in area.broken:
            complaints.setdefault(Reason.BAD_GRAMMAR, []).append(f"field {field[:24]!r}: expected name=value")
        for (code, name), texts in area.disputed.items():
            if name == VALUE_FIELD[kind]:
                again = [f"{code[:24]!r}: given again, as {text[:24]!r}" for text in texts]
                complaints.setdefault(Reason.BAD_VALUE, []).extend(again)
            else:
                self.ledger.tolerate([Tolerance.REPEATED_FIELD] * len(texts))
        self.ledger.refuse_all(complaints, self.payload, mn)


def _wrong_crc(one: Cut, frame: Frame) -> Refused:
    """Encrypted content has the CRC of its plain text, so it can only be told by its look."""
    plain = all(" " <= c <= "~" for c in frame.area)
    if frame.edition is Edition.Y2025 and may_be_encrypted(frame.cn) and not plain:
        return Refused(Reason.ENCRYPTED, f"CN {frame.cn}: expected plain text, got content encrypted with SM4")
    return Refused(Reason.BAD_CRC, one.complaint())


def _readings_of(frame: Frame) -> int:
    return _readings(read_area(frame.area), KINDS.get(frame.cn))


def _readings(area: Area, kind: Kind | None) -> int:
    """How many readings a content would have been."""
    return 0 if kind is None else sum(VALUE_FIELD[kind] in fields for fields in area.factors.values())


MN = re.compile(rb'(?:MN=\s{0,4}|"mn"\s{0,9}:\s{0,9}")([^;,&"\s]{1,64})')


def named_mn(data: bytes) -> str:
    """The first MN that can be read in a payload, however broken the rest is; "" if there is none."""
    found = MN.search(data)
    return found[1].decode("utf-8", "replace") if found else ""
