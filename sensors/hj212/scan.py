"""The quick way: whole batches of payloads in the exact grammar to columns, without an object per reading.

A payload is done here only if every frame in it is in the exact grammar, has the right length and CRC, and every
reading is accepted. Anything else leaves the payload, whole, to the tolerant reader (sensors.hj212.read).
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sensors.frames import FrameBatch
from sensors.hj212.exact import Bytes
from sensors.hj212.exact_frame import COMMANDS, Frame, opened
from sensors.hj212.exact_item import VALUE_NAME, bare, item
from sensors.hj212.tables import (
    ANYBODY,
    BINDING,
    BOUND,
    DIVIDE,
    MEASURE,
    MULTIPLY,
    NOBODY,
    UNSTATED,
    Bindings,
    Int32,
    Int64,
    Tables,
    bound_place,
    mn_of,
    speaker,
    tables_of,
)
from sensors.kernel import compiled
from sensors.lookup import Lookup
from sensors.reading import KINDS as KIND_COUNT
from sensors.rows import Columns, room, taken

QUICK_MAX = 32 * 1024
"""Longer payloads are left to the tolerant reader, which has the bounds on fields and frames."""

SHORTEST = 8
"""Bytes the shortest reading takes (`;a-Rtd=0`): bounds the readings of a batch."""

TALLY = (
    "frame.in",
    "frame.resent",
    "field.other",
    "field.code_2005",
    "reading.in",
    *(f"command.{n}" for n in COMMANDS),
)
FRAMES, RESENT, OTHER, ALIASES, READINGS, FIRST_COMMAND = range(6)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scanned:
    """What the quick way did."""

    done: NDArray[np.bool_]  # (payloads,): the others are left to the tolerant reader, whole
    monitor: Int32  # (payloads,): of those done
    columns: Columns
    strange: Int64  # (.., 4): see Sink
    counts: dict[str, int]

    @classmethod
    def nothing(cls, payloads: int) -> "Scanned":
        """All payloads left to the tolerant reader."""
        return cls(
            done=np.zeros(payloads, np.bool_),
            monitor=np.full(payloads, -1, np.int32),
            columns=room(0),
            strange=np.empty((0, 4), np.int64),
            counts={},
        )


class Sink(NamedTuple):
    """Where kernels write. Few arrays on purpose: what goes into a call of a kernel costs time for each of them."""

    out: Columns
    strange: Int64  # (.., 4) readings of factors that the outlet does not have: row, frame, monitor, packed code
    trial: Int64  # counts of the payload at hand, by TALLY


class Work(NamedTuple):
    """All that a scan reads and writes."""

    tables: Tables
    blob: Bytes
    start: Int64  # (payloads + 1,)
    log_ms: Int64  # (payloads,)
    login: Int32  # (payloads,) MN number, ANYBODY or NOBODY
    claimed: Int32
    sink: Sink
    done: NDArray[np.bool_]
    monitor: Int32
    tally: Int64  # of all payloads done


class Written(NamedTuple):
    """How many rows of the sink are written; -1: the payload is to be left."""

    readings: int
    strange: int


NOTHING_YET, NOTHING = Written(0, 0), Written(-1, -1)


class Scanner:
    """Scans batches against one version of the registry."""

    def __init__(self, lookup: Lookup) -> None:
        self._mn_no = lookup.mn_no
        self._tables = tables_of(lookup)

    def scan(self, batch: FrameBatch) -> Scanned:
        """All payloads that are in the exact grammar."""
        if not len(batch):
            return Scanned.nothing(0)
        if batch.start[0] != 0 or batch.start[-1] != len(batch.blob) or (np.diff(batch.start) < 0).any():
            raise ValueError(f"frame batch: expected starts that rise from 0 to {len(batch.blob)}")  # kernels check no index
        name_no = np.array([self._mn_no.get(name, NOBODY) if name else ANYBODY for name in batch.names], np.int32)
        room_for = len(batch.blob) // SHORTEST + 1
        work = Work(
            tables=self._tables,
            blob=np.frombuffer(batch.blob or b"\0", np.uint8),
            start=_plain_array(batch.start),
            log_ms=_plain_array(batch.log_ms),
            login=name_no[batch.login],
            claimed=name_no[batch.claimed],
            sink=Sink(
                out=room(room_for),
                strange=np.empty((room_for, 4), np.int64),
                trial=np.zeros(len(TALLY), np.int64),
            ),
            done=np.zeros(len(batch), np.bool_),
            monitor=np.full(len(batch), -1, np.int32),
            tally=np.zeros(len(TALLY), np.int64),
        )
        count, strange = scan_all(work)
        counts = dict(zip(TALLY, work.tally.tolist(), strict=True))
        return Scanned(
            done=work.done,
            monitor=work.monitor,
            columns=taken(work.sink.out, slice(count)),
            strange=work.sink.strange[:strange].copy(),
            counts=counts | {"frame.decoded": counts["frame.in"]},
        )


def _plain_array(column: Int64) -> Int64:
    """Aligned and writeable, so that the kernels are compiled for one type only."""
    return np.require(column, requirements=["C", "A", "W"])


@compiled
def scan_all(work: Work) -> Written:
    """Scan every payload."""
    written = NOTHING_YET
    for row in range(len(work.done)):
        work.sink.trial[:] = 0
        first, end = work.start[row], work.start[row + 1]
        after, at = written, first if end - first <= QUICK_MAX else end
        while at < end:
            frame, head = opened(work.blob, at, end, row)
            speaks = (work.log_ms[row], work.login[row], work.claimed[row])
            mn = mn_of(work.tables.names, work.blob, head.mn_start, head.mn_end) if head.at >= 0 else -1
            monitor = speaker(work.tables, mn, speaks)
            if monitor < 0:
                break
            work.monitor[row] = monitor if at == first else work.monitor[row]
            after = readings(work.blob, work.tables.bindings, work.tables.monitors, (frame, monitor, after), work.sink)
            if after.readings < 0:
                break
            work.sink.trial[RESENT] += head.resent
            at = min(frame.stop + 8, end)
        if at == end and work.monitor[row] >= 0:
            written = after
            work.done[row] = True
            work.tally[:] += work.sink.trial
    return written


@compiled
def readings(blob: Bytes, bindings: Bindings, monitors: Int64, job: tuple[Frame, int, Written], sink: Sink) -> Written:
    """Write the readings of one frame, if all of it is in the exact grammar and would be accepted."""
    frame, monitor, before = job
    speaks = monitors[monitor]
    count, strange, at = before.readings, before.strange, frame.items
    while blob[at] == 59:
        one = item(blob, at + 1, VALUE_NAME[frame.kind])
        place, alias = bound_place(bindings, speaks, one.key)
        if place >= 0 and one.at >= 0:
            series = bindings.bound[place, BINDING] * KIND_COUNT + frame.kind
            measure = bindings.measures[bindings.bound[place, MEASURE]]
            if abs(one.value) > measure[BOUND] or has(sink.out.series, series, before.readings, count):
                return NOTHING
            sink.out.row[count], sink.out.series[count], sink.out.device_ms[count] = frame.row, series, frame.device_ms
            sink.out.value[count] = one.value * measure[MULTIPLY] / measure[DIVIDE]
            sink.out.flag[count] = one.flag if one.flag else speaks[UNSTATED]
            count += 1
        elif one.at >= 0 and new_key(sink.strange, one.key, before.strange, strange) and not bare(blob, at + 1):
            sink.strange[strange, 0], sink.strange[strange, 1] = frame.row, frame.at
            sink.strange[strange, 2], sink.strange[strange, 3] = monitor, one.key
            strange += 1
        else:
            return NOTHING
        at = one.at
        sink.trial[OTHER] += one.others
        sink.trial[ALIASES] += alias
    sink.trial[FRAMES] += 1
    sink.trial[FIRST_COMMAND + frame.kind] += 1
    sink.trial[READINGS] += count - before.readings
    return Written(count, strange) if at == frame.stop else NOTHING


@compiled
def has(column: Int32, value: int, first: int, end: int) -> bool:
    """Whether the value is in column[first:end]."""
    for i in range(first, end):  # noqa: SIM110 - compiled code has no any()
        if column[i] == value:
            return True
    return False


@compiled
def new_key(strange: Int64, key: int, first: int, end: int) -> bool:
    """Whether no row of strange[first:end] has the key."""
    for i in range(first, end):  # noqa: SIM110 - compiled code has no all()
        if strange[i, 3] == key:
            return False
    return True
