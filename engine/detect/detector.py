"""The detector: one log record in, facts out. No clock, no randomness; the log is all it knows."""

from collections.abc import Collection
from dataclasses import fields
from typing import Any, Self

import numpy as np
import orjson
from numpy.typing import NDArray

from engine.detect.changes import Changes
from engine.detect.facts import Facts, Verdicts
from engine.detect.snapshot import TEXTS, Position, State, head_of, load
from engine.log.log_time import LogClock
from engine.log.record import Control, ControlKind, Record, RecordKind
from rules.carry import carried
from rules.judge import Findings, Judge
from rules.kinds.monitors import Heard
from rules.outcome import Outcome
from rules.plan import Plan
from rules.planner import plan_for
from rules.rule import RuleSet
from rules.ruleset_json import ruleset_from_json, ruleset_to_json
from rules.verdict import WindowVerdicts
from sensors.decoder import Decoded, Decoder
from sensors.frames import FrameBatch
from sensors.reading import KINDS, ReadingBatch
from sensors.refusal import Reason, Refusal
from sensors.registry import Registry
from sensors.registry_json import registry_from_json, registry_to_json

REFUSED = {Outcome.FUTURE: Reason.FUTURE, Outcome.TOO_LATE: Reason.TOO_LATE}


class Detector:
    """Judges one partition of a log. Registry and rules come from the log's control records."""

    def __init__(self, partition: int = 0, partitions: int = 1) -> None:
        self.partition, self.partitions = partition, partitions
        self.next_offset = 0
        self.clock = LogClock()
        self.judge: Judge | None = None
        self._registry: Registry | None = None
        self._rules: RuleSet | None = None
        self._decoder: Decoder | None = None
        self._monitor_of = np.empty(0, np.int32)  # by series: its outlet's first monitor
        self._changes: Changes | None = None  # None: a state that nobody has kept anything of
        self._kept_texts: dict[str, object] = {}  # of which registry and rule set the text was given

    def process(self, record: Record) -> Facts:
        """Facts that follow from the record at `next_offset`; ValueError for any other (the host keeps the order).

        A record before the first registry and rule set yields no facts: there is nothing to judge by.
        """
        if record.offset != self.next_offset:
            raise ValueError(f"partition {record.partition}: expected offset {self.next_offset}, got {record.offset}")
        self.next_offset += 1
        record, nobody_listened = self.clock.read(record)
        if nobody_listened and self.judge is not None:
            self.judge.nobody_listened(record.log_ms - 1)
            self._advance(record.log_ms - 1)
        match record.kind:
            case RecordKind.CONTROL:
                return self.control(Control.decode(record.body), record.log_ms)
            case RecordKind.TICK:
                self._advance(record.log_ms)
                orphans = self._decoder.expire(record.log_ms) if self._decoder else ()
                return self._facts(record.log_ms, refused=orphans)
            case RecordKind.FRAMES:
                return self._frames(FrameBatch.decode(record.body).timed(record.log_ms), record.log_ms)
        return self._facts(record.log_ms)

    def control(self, control: Control, log_ms: int) -> Facts:
        """Facts that follow from a control record, be it in a log or in none.

        Deadlines up to `log_ms` are passed under what was in force before it.
        """
        match control.kind:
            case ControlKind.HOST_STARTED:
                if self.judge is not None:
                    self.judge.nobody_listened(log_ms)
            case ControlKind.REGISTRY:
                self._registry = registry_from_json(control.content)
            case ControlKind.RULES:
                self._rules = ruleset_from_json(control.content)
            case ControlKind.END_OF_INPUT:
                if self.judge is not None:
                    self.judge.finish()
                return self._facts(log_ms)
        self._advance(log_ms)
        facts = self._facts(log_ms)
        if control.kind in (ControlKind.REGISTRY, ControlKind.RULES) and self._registry and self._rules:
            self._take_over(plan_for(self._registry, self._rules, partition=self.partition, partitions=self.partitions))
        return facts

    def take_over(self, registry: Registry, rules: RuleSet, log_ms: int) -> Facts:
        """Facts that follow when a registry and a rule set take over together that stand in no log."""
        self._advance(log_ms)
        facts = self._facts(log_ms)
        self._registry, self._rules = registry, rules
        self._take_over(plan_for(registry, rules, partition=self.partition, partitions=self.partitions))
        return facts

    def process_readings(self, batch: ReadingBatch) -> Facts:
        """Facts that follow from a run of an imported history; a reading is a payload of its outlet's first monitor."""
        if self.judge is None or not len(batch):
            return Facts(log_ms=-1 if not len(batch) else int(batch.log_ms[-1]), readings=batch)
        watched = bool(self.judge.silences or self.judge.clocks)
        monitor = self._monitor_of[batch.series] if watched else None
        outcome = self.judge.take(batch, monitor)
        if self._changes is not None:
            self._changes.took(batch, outcome)
        if monitor is not None:
            self.judge.check_clocks(batch, outcome, monitor)
        names = self._monitor_of[batch.series] if (outcome >= Outcome.FUTURE).any() else np.empty(0, np.int32)
        refused = self._refusals(batch, outcome, names, np.full(len(batch), -1, np.int32))
        return self._facts(int(batch.log_ms[-1]), batch, outcome, refused)

    def snapshot(self) -> State:
        """All state, with the offset it goes up to."""
        pieces = {} if self.judge is None else Changes.all_pieces(self.judge)
        return State(head=self._head(), pieces={**pieces, **self._texts(TEXTS)})

    def changes(self, again: Collection[str] | None = ()) -> State:
        """The state as far as it changed since the last call, or since `restore`, and the pieces named in `again`.

        All of it where `again` is None, and after a change of registry or rules, by which every place in it moves.
        """
        if self.judge is None or self._changes is None or again is None:
            state = self.snapshot()
            self._changes = None if self.judge is None else Changes(self.judge, state.pieces)
        else:
            texts = [name for name in TEXTS if name in again or self._kept_texts.get(name) is not self._content(name)]
            pieces = {**self._changes.pieces(again), **self._texts(texts)}
            state = State(head=self._head(), pieces=pieces, whole=False)
        self._kept_texts = {name: self._content(name) for name in TEXTS}
        return state

    @classmethod
    def restore(cls, state: State) -> Self:
        """A detector as it was when the state was taken; SnapshotDamaged if a byte is wrong."""
        judge, place = load(state)
        detector = cls(place.partition, place.partitions)
        detector.next_offset = place.next_offset
        detector.clock = LogClock(place.last_ms, place.gap_ms)
        if judge is None:
            registry, rules = (state.pieces.get(name) for name in TEXTS)
            detector._registry = registry_from_json(orjson.loads(registry)) if registry else None
            detector._rules = ruleset_from_json(orjson.loads(rules)) if rules else None
            return detector
        detector._adopt(judge)
        if place.decoder is not None:
            detector._decoding(judge).restore(place.decoder)
        detector._changes = Changes(judge, state.pieces)
        detector._kept_texts = {name: detector._content(name) for name in TEXTS}
        return detector

    def _head(self) -> bytes:
        place = Position(
            partition=self.partition,
            partitions=self.partitions,
            next_offset=self.next_offset,
            last_ms=self.clock.last_ms,
            gap_ms=self.clock.gap_ms,
            decoder=self._decoder.state() if self._decoder else None,
        )
        return head_of(self.judge, place)

    def _content(self, name: str) -> Registry | RuleSet | None:
        return self._registry if name == "text.registry" else self._rules

    def _texts(self, names: Collection[str]) -> dict[str, bytes]:
        """Registry and rule set as JSON."""
        found = {}
        for name in names:
            match self._content(name):
                case Registry() as registry:
                    found[name] = orjson.dumps(registry_to_json(registry))
                case RuleSet() as rules:
                    found[name] = orjson.dumps(ruleset_to_json(rules))
        return found

    def _adopt(self, judge: Judge) -> None:
        self.judge, self._changes = judge, None
        self._registry, self._rules = judge.plan.registry, judge.plan.rules
        self._monitor_of = _monitors_by_series(self._registry)

    def _decoding(self, judge: Judge) -> Decoder:
        """The decoder for the registry that holds; made when frames come, so that readings alone do not pay for it."""
        registry = judge.plan.registry
        if self._decoder is None:
            self._decoder = Decoder(registry)
        elif self._decoder.registry is not registry:
            self._decoder = self._decoder.with_registry(registry)
        return self._decoder

    def _take_over(self, plan: Plan) -> None:
        self._adopt(Judge(plan) if self.judge is None else carried(self.judge, plan))

    def _advance(self, log_ms: int) -> None:
        if self.judge is not None:
            self.judge.advance(log_ms)

    def _frames(self, frames: FrameBatch, log_ms: int) -> Facts:
        if self.judge is None:
            return Facts(log_ms=log_ms)
        decoded = self._decoding(self.judge).decode(frames)
        outcome = self._judge_payloads(self.judge, frames, decoded)
        monitor = decoded.monitor[decoded.payload_row]
        self.judge.check_clocks(decoded.readings, outcome, monitor)
        refused = decoded.refused + self._refusals(decoded.readings, outcome, monitor, decoded.payload_row)
        return self._facts(log_ms, decoded.readings, outcome, refused, decoded.counts)

    def _judge_payloads(self, judge: Judge, frames: FrameBatch, decoded: Decoded) -> NDArray[np.uint8]:
        """Take payloads of one log time after the other (usually a record has just one)."""
        parts = [np.empty(0, np.uint8)]
        for log_ms in np.unique(frames.log_ms):
            judge.advance(int(log_ms))
            payloads = frames.log_ms == log_ms
            judge.hear(Heard(monitor=decoded.monitor[payloads], log_ms=frames.log_ms[payloads]))
            batch = decoded.readings.take(decoded.readings.log_ms == log_ms)
            parts.append(judge.take(batch))
            if self._changes is not None:
                self._changes.took(batch, parts[-1])
        return np.concatenate(parts)

    def _refusals(
        self, batch: ReadingBatch, outcome: NDArray[np.uint8], monitor: NDArray[np.int32], row: NDArray[np.int32]
    ) -> tuple[Refusal, ...]:
        """Readings refused for their time: one refusal per payload and reason, with its first reading as the example."""
        bad = np.flatnonzero(outcome >= Outcome.FUTURE)
        if not len(bad) or self._registry is None:
            return ()
        found: dict[tuple[int, int, int, Reason], list[int]] = {}
        for n in bad:
            key = int(batch.log_ms[n]), int(monitor[n]), int(row[n]), REFUSED[Outcome(int(outcome[n]))]
            found.setdefault(key, []).append(int(n))
        return tuple(self._refusal(batch, rows, *key) for key, rows in found.items())

    def _refusal(self, batch: ReadingBatch, rows: list[int], log_ms: int, monitor: int, row: int, reason: Reason) -> Refusal:
        assert self._registry is not None and self._rules is not None
        judging, first = self._rules.judging, rows[0]
        binding = self._registry.bindings[int(batch.series[first]) // KINDS]
        off_s = (int(batch.device_ms[first]) - log_ms) / 1000
        bound = f"at most {judging.future_max_s} s ahead" if off_s > 0 else f"at most {judging.late_bound_h} h back"
        detail = f"{binding.outlet} {binding.factor}: device time {off_s:+.0f} s from log time, expected {bound}"
        mn = self._registry.monitors[monitor].mn if monitor >= 0 else ""
        return Refusal(reason=reason, mn=mn, detail=detail, log_ms=log_ms, row=row, count=len(rows))

    def _facts(
        self,
        log_ms: int,
        readings: ReadingBatch | None = None,
        outcome: NDArray[np.uint8] | None = None,
        refused: tuple[Refusal, ...] = (),
        counts: dict[str, int] | None = None,
    ) -> Facts:
        found = self.judge.drain() if self.judge is not None else Findings()
        verdicts, rules = None, ""
        if self.judge is not None and found.verdicts:
            verdicts, rules = _verdicts(self.judge.plan, found.verdicts), self.judge.plan.rules.version
        if readings is None or outcome is None:
            return Facts(log_ms=log_ms, verdicts=verdicts, rules=rules, events=tuple(found.events), refused=refused)
        return Facts(
            log_ms=log_ms, readings=readings, outcome=outcome, verdicts=verdicts, rules=rules,
            events=tuple(found.events), refused=refused, counts=counts or {},
        )  # fmt: skip


def _verdicts(plan: Plan, parts: list[WindowVerdicts]) -> Verdicts:
    def column(name: str) -> NDArray[Any]:
        return np.concatenate([getattr(p, name) for p in parts])

    check = np.concatenate([p.check for p in parts])
    own: dict[str, NDArray[Any]] = {name: getattr(plan.checks, name)[check] for name in ("binding", "rule", "day")}
    return Verdicts(**own, **{f.name: column(f.name) for f in fields(Verdicts) if f.name not in own})


def _monitors_by_series(registry: Registry) -> NDArray[np.int32]:
    known = registry.columns
    return np.repeat(known.first_monitor[known.binding_outlet], KINDS)
