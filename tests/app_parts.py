"""Small honest parts for a host: a judge that only counts, a store and a desk in one SQLite file, an intake that makes up
its own payloads."""

import asyncio
import json
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import Self

from pysqlite3 import dbapi2 as sqlite

from engine.detect.facts import Facts
from engine.detect.snapshot import State
from engine.log.api import Appended, Log, Stored
from engine.log.record import Control, Record, RecordKind
from engine.stages import DeadLetter, Retry
from rules.alert import AlertEvent, Step
from rules.rule import AlertClass, RuleKind
from sensors.frames import FrameBatch
from sensors.refusal import Reason, Refusal


class Tally:
    """Counts payloads. Each becomes a refusal with its number, and an alert event with its text; "poison" is too much."""

    def __init__(self, partition: int = 0, partitions: int = 1) -> None:
        self.partition = partition
        self.next_offset = 0
        self.payloads = 0
        self.controls: list[str] = []

    def process(self, record: Record) -> Facts:
        assert record.offset == self.next_offset
        self.next_offset += 1
        if record.kind is RecordKind.CONTROL:
            self.controls.append(Control.decode(record.body).kind)
        if record.kind is not RecordKind.FRAMES:
            return Facts(log_ms=record.log_ms)
        batch = FrameBatch.decode(record.body)
        texts = [batch.payload(row).decode() for row in range(len(batch))]
        if "poison" in texts:
            raise ArithmeticError("poison")
        refused = tuple(self._refusal(text, record.log_ms, row) for row, text in enumerate(texts))
        return Facts(log_ms=record.log_ms, refused=refused, events=tuple(event(text, record.log_ms) for text in texts))

    def _refusal(self, text: str, log_ms: int, row: int) -> Refusal:
        self.payloads += 1
        detail = f"{text} number {self.payloads} of {self.partition}"
        return Refusal(reason=Reason.BAD_CRC, mn="mn", detail=detail, log_ms=log_ms, row=row)

    def changes(self, again: Collection[str] | None = ()) -> State:
        return State(head=json.dumps([self.partition, self.next_offset, self.payloads, self.controls]).encode())

    @classmethod
    def restore(cls, state: State) -> Self:
        tally = cls()
        tally.partition, tally.next_offset, tally.payloads, tally.controls = json.loads(state.head)
        return tally


def event(alert_id: str, at_ms: int) -> AlertEvent:
    return AlertEvent(
        alert_id=alert_id, seq=0, step=Step.OPENED, at_ms=at_ms, rule="r", kind=RuleKind.OFFLINE, rule_version="1",
        alert_class=AlertClass.INTEGRITY, severity=3, outlet="o", factor="", start_ms=at_ms, end_ms=None,
    )  # fmt: skip


class Shelf:
    """Store and desk: tables `payload` (one row a fact), `alert` and `letter`. `down` makes it ask for another try."""

    def __init__(self, file: Path) -> None:
        self.down = ""
        self.tries = 0
        self._db = sqlite.connect(str(file), isolation_level=None, check_same_thread=False)
        self._db.executescript("""
            pragma journal_mode = wal;
            create table if not exists payload (partition, offset, row, detail, primary key (partition, offset, row));
            create table if not exists alert (id primary key, at_ms);
            create table if not exists letter (
                stage, topic, partition, offset, detail, primary key (topic, partition, offset)
            );
        """)

    def write_all(self, run: Sequence[Facts]) -> Retry | None:
        if self._is_down():
            return Retry(reason=self.down, after_s=0.02)
        rows = [(facts.partition, facts.offset, r.row, r.detail) for facts in run for r in facts.refused]
        self._db.executemany("insert or replace into payload values (?, ?, ?, ?)", rows)
        return None

    def refuse(self, letter: DeadLetter) -> Retry | None:
        row = (letter.stage, letter.topic.value, letter.partition, letter.offset, letter.detail)
        self._db.execute("insert or replace into letter values (?, ?, ?, ?, ?)", row)
        return None

    def take(self, events: Sequence[AlertEvent]) -> Retry | None:
        if any(event.alert_id == "unbearable" for event in events):
            raise KeyError("unbearable")
        self._db.executemany("insert or ignore into alert values (?, ?)", [(e.alert_id, e.at_ms) for e in events])
        return None

    def _is_down(self) -> bool:
        self.tries += bool(self.down)
        return bool(self.down)

    def rows(self, query: str) -> list[tuple[object, ...]]:
        return list(self._db.execute(query).fetchall())


class Hand:
    """An intake without a network: `publish` appends a payload. `fails` is raised at the start, like a port in use."""

    def __init__(self, log: Log, fails: Exception | None = None) -> None:
        self.failure: Exception | None = None
        self.counts: Mapping[str, int] = {"stored": 0}
        self.listening = False
        self._log = log
        self._fails = fails

    async def start(self) -> None:
        if self._fails:
            raise self._fails
        self.listening = True

    async def stop(self) -> None:
        self.listening = False

    async def publish(self, text: str, partition: int = 0) -> Appended:
        assert self.listening
        answer = await self._log.append_frames(partition, [("login", "mn", text.encode())])
        self.counts = {"stored": self.counts["stored"] + isinstance(answer, Stored)}
        return answer


async def until(true: Callable[[], bool], seconds: float = 20.0) -> None:
    """Wait for something that another thread or task does."""
    async with asyncio.timeout(seconds):
        while not true():
            await asyncio.sleep(0.005)
