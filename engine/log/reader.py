"""The reading side of a log: from any process, without Faust, past damage, while it is written and afterwards."""

import logging
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from pysqlite3 import dbapi2 as sqlite

from engine.log.api import Span
from engine.log.errors import Damage
from engine.log.file import Place, check_ends, offset_of, open_reader, places, slot_of
from engine.log.record import Control, ControlKind, Record, RecordKind, Topic
from engine.log.row import COLUMNS, record_of

logger = logging.getLogger(__name__)

BYTES_MAX = 8 << 20
"""One `read` ends after the record whose body reaches so many bytes in all."""


STAND_IN = b"damaged"


def is_stand_in(record: Record) -> bool:
    """Whether a record stands for a damaged one."""
    return record.kind is RecordKind.TICK and record.body == STAND_IN


def report(damage: Damage) -> None:
    """Say it in the process's log: the default of `LogReader`."""
    logger.error("damaged record: %s", damage)


class LogReader:
    """Reads the file of a log.

    A damaged record is reported once, counted in `damaged`, and replaced by a tick one millisecond after the record
    before it: offsets stay without gaps, log time keeps rising, and every reader of the same file sees the same.
    """

    def __init__(self, file: Path, on_damage: Callable[[Damage], None] = report) -> None:
        self.file = file
        self.damaged: dict[tuple[Topic, int, int], Damage] = {}
        self._on_damage = on_damage
        self._db = open_reader(file)
        self._lock = threading.Lock()
        self._no = places(self._db)
        check_ends(self._db, file)

    def close(self) -> None:
        """Let go of the file."""
        with self._lock:
            self._db.close()

    def __enter__(self) -> "LogReader":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def partitions(self, topic: Topic) -> int:
        """How many partitions the topic has."""
        return sum(1 for found, _ in self._no if found is topic)

    def span(self, topic: Topic, partition: int) -> Span:
        """The offsets that a partition holds now."""
        with self._lock:
            return self._span(topic, partition)

    def read(self, topic: Topic, partition: int, from_offset: int, limit: int) -> list[Record]:
        """Up to `limit` records from `from_offset` (or the first kept one, if that is higher), in order."""
        place = (topic, partition)
        with self._lock:
            span = self._span(topic, partition)
            start = max(from_offset, span.first)
            end = min(start + limit, span.end)
            rows, end = self._rows(place, start, end)
            if len(rows) < end - start:
                start = max(start, self._span(topic, partition).first)  # a retention went by between the two questions
            return self._records(place, rows, start, end)

    def records(self, topic: Topic, partition: int, from_offset: int = 0) -> Iterator[Record]:
        """Every record from an offset up to the present end."""
        end = self.span(topic, partition).end
        while batch := self.read(topic, partition, from_offset, min(1000, max(0, end - from_offset))):
            yield from batch
            from_offset = batch[-1].offset + 1

    def follow(
        self, topic: Topic, partition: int, from_offset: int, stop: Callable[[], bool], poll_s: float = 0.05
    ) -> Iterator[list[Record]]:
        """Records as they come, in batches, until `stop()`; asks the file every `poll_s` where nothing is new."""
        while not stop():
            batch = self.read(topic, partition, from_offset, 1000)
            if batch:
                from_offset = batch[-1].offset + 1
                yield batch
            else:
                time.sleep(poll_s)

    def last_controls(self, partition: int) -> dict[ControlKind, Control]:
        """The newest control record of each kind in a partition of FRAMES."""
        no = self._no[Topic.FRAMES, partition]
        query = f"select {COLUMNS} from record where kind = x'43' and slot between ? and ? order by slot desc"
        found: dict[ControlKind, Control] = {}
        with self._lock:
            for row in self._db.execute(query, (slot_of(no, 0), slot_of(no + 1, 0) - 1)):
                record = record_of((Topic.FRAMES, partition), row)
                if record is not None:
                    control = Control.decode(record.body)
                    found.setdefault(control.kind, control)
                if {ControlKind.REGISTRY, ControlKind.RULES} <= found.keys():
                    break
        return found

    def committed(self, group: str) -> dict[Place, int]:
        """Next offset of each partition that a consumer group committed."""
        query = "select topic, partition, g.next from group_offset g join partition using (no) where name = ?"
        with self._lock:
            return {(Topic(topic), partition): next_ for topic, partition, next_ in self._db.execute(query, (group,))}

    def _span(self, topic: Topic, partition: int) -> Span:
        query = "select first, next from partition where no = ?"
        first, end = self._db.execute(query, (self._no[topic, partition],)).fetchone()
        return Span(first=first, end=end)

    def _records(self, place: Place, rows: dict[int, Any], start: int, end: int) -> list[Record]:
        records: list[Record] = []
        for offset in range(start, end):
            row = rows.get(offset)
            record = record_of(place, row) if row else None
            if record is None:
                last_ms = records[-1].log_ms if records else self._ms_before(place, offset)
                record = self._stand_in(place, offset, last_ms + 1, found=row is not None)
            records.append(record)
        return records

    def _rows(self, place: Place, start: int, end: int) -> tuple[dict[int, Any], int]:
        """Rows by offset, and the offset up to which they were looked for (`BYTES_MAX` may end it early)."""
        rows: dict[int, Any] = {}
        size = 0
        query = f"select {COLUMNS} from record where slot >= ? and slot < ? order by slot"
        no = self._no[place]
        try:
            for row in self._db.execute(query, (slot_of(no, start), slot_of(no, end))):
                rows[offset_of(row[0])] = row
                size += len(row[5])
                if size >= BYTES_MAX:
                    return rows, offset_of(row[0]) + 1
        except (sqlite.DatabaseError, TypeError):  # a damaged page: what is behind it is asked for record by record
            for offset in range(start, end):
                if offset not in rows and (row := self._row(no, offset)):
                    rows[offset] = row
        return rows, end

    def _row(self, no: int, offset: int) -> Any:
        query = f"select {COLUMNS} from record where slot = ?"
        try:
            return self._db.execute(query, (slot_of(no, offset),)).fetchone()
        except sqlite.DatabaseError:
            return None

    def _stand_in(self, place: Place, offset: int, log_ms: int, *, found: bool) -> Record:
        topic, partition = place
        if (topic, partition, offset) not in self.damaged:
            detail = "its checksum is wrong" if found else "it is missing or cannot be read"
            damage = Damage(file=self.file, topic=topic, partition=partition, offset=offset, detail=detail)
            self.damaged[topic, partition, offset] = damage
            self._on_damage(damage)
        return Record(
            topic=topic, partition=partition, offset=offset, log_ms=log_ms, kind=RecordKind.TICK, body=STAND_IN
        )

    def _ms_before(self, place: Place, offset: int) -> int:
        """Log time of the record before an offset, as a reader from the start would have seen it."""
        no = self._no[place]
        query = "select first, before_ms from partition where no = ?"
        first, before_ms = self._db.execute(query, (no,)).fetchone()
        for distance, earlier in enumerate(range(offset - 1, first - 1, -1)):
            row = self._row(no, earlier)
            record = record_of(place, row) if row else None
            if record is not None:
                return record.log_ms + distance
        return int(before_ms) + offset - int(first)
