"""The quick way: whole batches of payloads in the exact grammar to columns, without an object per reading.

A payload is done here only if every frame in it is in the exact grammar, has the right length and CRC, and every
reading is accepted. Anything else leaves the payload, whole, to the tolerant reader (sensors.hj212.read).
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from sensors.frames import FrameBatch
from sensors.hj212.commands import KINDS, VALUE_FIELD
from sensors.hj212.crc import crc_of
from sensors.hj212.exact import FLAG_OF, hex4, instant, number, plain, whole, word
from sensors.hj212.tables import Bools, Bytes, Int32, Int64, Tables, code_place, mn_place, tables_of
from sensors.kernel import compiled
from sensors.lookup import Lookup
from sensors.reading import KINDS as KIND_COUNT
from sensors.reading import Flag, Kind
from sensors.rows import Columns, room, taken

QUICK_MAX = 32 * 1024
"""Longer payloads are left to the tolerant reader, which has the bounds on fields and frames."""

SHORTEST = 8
"""Bytes the shortest reading takes (`;a-Rtd=0`): bounds the readings of a batch."""

ANYBODY, NOBODY = -2, -1
"""In place of an MN number: a trusted import (or nothing claimed), and a name that is no registered MN."""


def _key(name: str) -> int:
    return int.from_bytes(name[-8:].encode(), "big")


OTHERS = ("Min", "Max", "Cou", "Rtd", "Avg", "ZsRtd", "ZsAvg", "ZsMin", "ZsMax", "ZsCou", "SampleTime")
NAMES = np.array([_key(name) for name in ("Flag", *OTHERS)])
FLAG_NAME = 0  # place in NAMES
VALUE_NAME = np.array([("Flag", *OTHERS).index(VALUE_FIELD[kind]) for kind in Kind])
COMMANDS = np.array([cn for cn, _ in sorted(KINDS.items(), key=lambda pair: pair[1])])
NORMAL, UNSTATED = int(Flag.NORMAL), int(Flag.UNSTATED)
SPLIT_BIT = 2

_TEXTS = ("QN=", "ST=", "CN=", "PW=", "MN=", "Flag=", "RF=1;", "CP=&&", "DataTime=")
QN, ST, CN, PW, MN, FLAG, RF, CP, TIME = (np.frombuffer(text.encode(), np.uint8) for text in _TEXTS)

TALLY = (
    "frame.in",
    "frame.resent",
    "field.other",
    "field.code_2005",
    "reading.in",
    *(f"command.{n}" for n in COMMANDS),
)
FRAMES, RESENT, OTHER, ALIAS, READINGS, FIRST_COMMAND = range(6)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scanned:
    """What the quick way did."""

    done: Bools  # (payloads,): the others are left to the tolerant reader, whole
    monitor: Int32  # (payloads,): of those done
    columns: Columns
    counts: dict[str, int]

    @classmethod
    def nothing(cls, payloads: int) -> "Scanned":
        """All payloads left to the tolerant reader."""
        return cls(done=np.zeros(payloads, np.bool_), monitor=np.full(payloads, -1, np.int32), columns=room(0), counts={})


class Work(NamedTuple):
    """All that the kernels read and write."""

    tables: Tables
    blob: Bytes
    start: Int64  # (payloads + 1,)
    log_ms: Int64  # (payloads,)
    login: Int32  # (payloads,) MN number, ANYBODY or NOBODY
    claimed: Int32
    out: Columns
    done: Bools
    monitor: Int32
    tally: Int64  # of payloads done, by TALLY
    trial: Int64  # of the payload at hand


class Head(NamedTuple):
    """The head of a frame; `at` is where its content begins, -1 if the head is not in the exact grammar."""

    at: int
    kind: int
    mn_start: int
    mn_end: int
    resent: bool


class Spot(NamedTuple):
    """What all readings of a frame share."""

    row: int
    kind: int
    monitor: int
    device_ms: int


class Item(NamedTuple):
    """One factor of a frame; `at` is where it ends, -1 if it is not in the exact grammar."""

    at: int
    key: int
    value: float
    flag: int
    others: int


class Scanner:
    """Scans batches against one version of the registry."""

    def __init__(self, lookup: Lookup) -> None:
        self._mn_no = lookup.mn_no
        self._tables = tables_of(lookup)

    def scan(self, batch: FrameBatch) -> Scanned:
        """All payloads that are in the exact grammar."""
        if not len(batch):
            return Scanned.nothing(0)
        name_no = np.array([self._mn_no.get(name, NOBODY) if name else ANYBODY for name in batch.names], np.int32)
        capacity = len(batch.blob) // SHORTEST + 1
        work = Work(
            tables=self._tables,
            blob=np.frombuffer(batch.blob or b"\0", np.uint8),
            start=_plain_array(batch.start),
            log_ms=_plain_array(batch.log_ms),
            login=name_no[batch.login],
            claimed=name_no[batch.claimed],
            out=room(capacity),
            done=np.zeros(len(batch), np.bool_),
            monitor=np.full(len(batch), -1, np.int32),
            tally=np.zeros(len(TALLY), np.int64),
            trial=np.zeros(len(TALLY), np.int64),
        )
        count = scan_all(work)
        counts = dict(zip(TALLY, work.tally.tolist(), strict=True))
        return Scanned(
            done=work.done,
            monitor=work.monitor,
            columns=taken(work.out, slice(count)),
            counts=counts | {"frame.decoded": counts["frame.in"]},
        )


def _plain_array(column: Int64) -> Int64:
    """Aligned and writeable, so that the kernels are compiled for one type only."""
    return np.require(column, requirements=["C", "A", "W"])


@compiled
def scan_all(work: Work) -> int:
    """Scan every payload; how many readings were written."""
    count = 0
    for row in range(len(work.done)):
        work.trial[:] = 0
        after = payload(work, row, count)
        if after >= 0:
            count = after
            work.done[row] = True
            work.tally[:] += work.trial
    return count


@compiled
def payload(work: Work, row: int, count: int) -> int:
    """Scan the frames of one payload; how many readings there are then, -1 if it is to be left."""
    at, end = work.start[row], work.start[row + 1]
    if end <= at or end - at > QUICK_MAX:
        return -1
    first = at
    while at < end:
        stop = sealed(work, at, end)
        if stop < 0:
            return -1
        spot, content = opened(work, row, at + 6, stop)
        if content < 0:
            return -1
        count = readings(work, spot, content, stop - 2, count)
        if count < 0:
            return -1
        if at == first:
            work.monitor[row] = spot.monitor
        at = min(stop + 6, end)
    return count


@compiled
def sealed(work: Work, at: int, end: int) -> int:
    """Where the data of the frame at `at` ends, -1 unless length, CRC and line end are right."""
    blob = work.blob
    if end - at < 12 or blob[at] != 35 or blob[at + 1] != 35:
        return -1
    size = whole(blob, at + 2, 4)
    stop = at + 6 + size
    if size < 2 or stop + 4 > end or blob[stop - 1] != 38 or blob[stop - 2] != 38:
        return -1
    if hex4(blob, stop) != crc_of(blob, at + 6, stop, work.tables.crc):
        return -1
    last = stop + 4
    if last != end and not (last + 2 <= end and blob[last] == 13 and blob[last + 1] == 10):
        return -1
    return stop


@compiled
def opened(work: Work, row: int, at: int, stop: int) -> tuple[Spot, int]:
    """What the readings of a frame share and where its items begin; -1 if it is to be left."""
    head = header(work.blob, at)
    nothing = Spot(row, 0, 0, 0)
    if head.at < 0 or head.at + len(TIME) + 14 > stop - 2 or not starts(work.blob, head.at, TIME):
        return nothing, -1
    monitor = speaker(work, row, head)
    ms = instant(work.blob, head.at + len(TIME))
    if monitor < 0 or ms < 0:
        return nothing, -1
    work.trial[FRAMES] += 1
    work.trial[RESENT] += head.resent
    work.trial[FIRST_COMMAND + head.kind] += 1
    return Spot(row, head.kind, monitor, ms), head.at + len(TIME) + 14


@compiled
def header(blob: Bytes, at: int) -> Head:
    """The head of the data segment at `at`: fields in the order of the standard, data of the four kinds, not split."""
    if starts(blob, at, QN):
        at = at + 21 if whole(blob, at + 3, 17) >= 0 and blob[at + 20] == 59 else -1
    at = past(blob, at, ST)
    kind = command(blob, at)
    at = past(blob, past(blob, at, CN), PW)
    mn_start = at + 3
    at = past(blob, at, MN)
    mn_end = at - 1
    at = past_flag(blob, at)
    resent = at >= 0 and starts(blob, at, RF)
    at += 5 * resent
    if at < 0 or kind < 0 or not starts(blob, at, CP):
        at = -6
    return Head(at + 5, kind, mn_start, mn_end, resent)


@compiled
def starts(blob: Bytes, at: int, text: Bytes) -> bool:
    """Whether blob[at:] begins with the text."""
    for i in range(len(text)):  # noqa: SIM110 - compiled code has no all()
        if blob[at + i] != text[i]:
            return False
    return True


@compiled
def past(blob: Bytes, at: int, name: Bytes) -> int:
    """Behind a field of the head, -1 if another one (or nothing) stands there."""
    if at < 0 or not starts(blob, at, name):
        return -1
    end = plain(blob, at + len(name))
    return end + 1 if end >= 0 and blob[end] == 59 else -1


@compiled
def past_flag(blob: Bytes, at: int) -> int:
    """Behind Flag, if there is one; -1 if it says that the data is split."""
    if at < 0 or not starts(blob, at, FLAG):
        return at
    end = past(blob, at, FLAG)
    digits = end - 1 - (at + len(FLAG))
    flag = whole(blob, at + len(FLAG), digits) if end >= 0 and digits <= 3 else -1
    return end if flag >= 0 and not flag & SPLIT_BIT else -1


@compiled
def command(blob: Bytes, at: int) -> int:
    """The kind of reading that CN stands for, -1 if it is none of the four."""
    if at < 0 or not starts(blob, at, CN) or blob[at + 7] != 59:
        return -1
    cn = whole(blob, at + 3, 4)
    for kind in range(len(COMMANDS)):
        if COMMANDS[kind] == cn:
            return kind
    return -1


@compiled
def speaker(work: Work, row: int, head: Head) -> int:
    """Position of the monitor that speaks, -1 if this MN is not known, not valid, or may not speak here."""
    tables = work.tables
    mn = tables.mn_slot[mn_place(tables.mn_slot, tables.mn_text, tables.mn_at, (work.blob, head.mn_start, head.mn_end))] - 1
    login, claimed = work.login[row], work.claimed[row]
    if mn < 0 or (login not in (ANYBODY, mn)) or (login != ANYBODY and claimed not in (ANYBODY, mn)):
        return -1
    found = -1
    for i in range(tables.mn_start[mn], tables.mn_start[mn + 1]):
        monitor = tables.mn_monitor[i]
        if tables.valid_from[monitor] <= work.log_ms[row] < tables.valid_to[monitor]:
            found = monitor
    return found


@compiled
def readings(work: Work, spot: Spot, at: int, stop: int, count: int) -> int:
    """Write the readings of one frame; how many there are then, -1 if any item is not in the exact grammar."""
    first = count
    while work.blob[at] == 59:
        one = item(work.blob, at + 1, VALUE_NAME[spot.kind])
        if one.at < 0 or not enter(work, spot, one, first, count):
            return -1
        at = one.at
        count += 1
        work.trial[OTHER] += one.others
    work.trial[READINGS] += count - first
    return count if at == stop else -1


@compiled
def item(blob: Bytes, at: int, value_name: int) -> Item:
    """One factor: fields of one code, each at most once, its value among them."""
    start = at
    key, at = word(blob, at)
    size = at - start + 1
    value, flag, seen = 0.0, 0, 0
    ok = 1 < size <= 9 and blob[at] == 45
    while ok:
        name, after = field_name(blob, at + 1)
        ok = name >= 0 and not seen >> name & 1
        seen |= 1 << max(name, 0)
        if name == value_name:
            value, at = number(blob, after)
        elif name == FLAG_NAME:
            flag, at = FLAG_OF[blob[after]], after + 1
            ok = ok and flag > 0
        else:
            at = plain(blob, after)
        if not ok or at < 0 or blob[at] != 44:
            break
        ok = same_code(blob, start, at + 1, size)
        at += size
    ok = ok and at >= 0 and (seen >> value_name & 1) == 1
    others = -1 - (seen & 1)
    for name in range(len(NAMES)):
        others += seen >> name & 1
    return Item(at if ok else -1, key, value, flag, others)


@compiled
def field_name(blob: Bytes, at: int) -> tuple[int, int]:
    """(place in NAMES of the field name, where its value begins); -1 for a name that is not there."""
    key, end = word(blob, at)
    if blob[end] == 61:
        for name in range(len(NAMES)):
            if NAMES[name] == key:
                return name, end + 1
    return -1, end


@compiled
def same_code(blob: Bytes, start: int, at: int, size: int) -> bool:
    """Whether the code and hyphen at `start` stand at `at` too."""
    for i in range(size):  # noqa: SIM110 - compiled code has no all()
        if blob[start + i] != blob[at + i]:
            return False
    return True


@compiled
def enter(work: Work, spot: Spot, one: Item, first: int, count: int) -> bool:
    """Write one reading as row `count`; False if it would be refused, or if the frame has the factor already."""
    tables, out = work.tables, work.out
    place = bound_place(work, spot.monitor, one.key)
    if place < 0:
        return False
    measure = tables.bound_measure[place]
    if abs(one.value) > tables.bound[measure]:
        return False
    series = tables.bound_binding[place] * KIND_COUNT + spot.kind
    for i in range(first, count):
        if out.series[i] == series:
            return False
    unstated = NORMAL if tables.unstated_is_normal[spot.monitor] else UNSTATED
    out.row[count], out.series[count], out.device_ms[count] = spot.row, series, spot.device_ms
    out.value[count] = one.value * tables.multiply[measure] / tables.divide[measure]
    out.flag[count] = one.flag if one.flag else unstated
    return True


@compiled
def bound_place(work: Work, monitor: int, key: int) -> int:
    """The row of bound_* for a code at the monitor's outlet, by its own name or as a 2005 code; -1 if there is none."""
    tables = work.tables
    outlet = tables.monitor_outlet[monitor]
    slot = code_place(tables.code_slot, key)
    if tables.code_slot[slot] == 0:
        return -1
    alias = tables.code_water[slot] if tables.outlet_is_water[outlet] else tables.code_gas[slot]
    direct, renamed = tables.code_direct[slot], -1
    for place in range(tables.bound_start[outlet], tables.bound_start[outlet + 1]):
        factor = tables.bound_factor[place]
        if factor == direct:
            return place
        if factor == alias:
            renamed = place
    work.trial[ALIAS] += renamed >= 0
    return renamed
