"""Driving the streaming judge with the histories that the oracle is given: as frames or as columns, in any batches."""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import groupby

import numpy as np
import orjson

from engine.detect.detector import Detector
from engine.detect.facts import Facts, VerdictCode
from engine.detect.snapshot import State
from engine.log.record import Control, ControlKind, Record, RecordKind, Topic
from rules.alert import AlertEvent
from rules.outcome import Outcome
from rules.reference import Entry, Mark, Payload, Sent
from rules.rule import RuleKind, RuleSet
from rules.ruleset_json import ruleset_to_json
from sensors.frames import FrameBatch
from sensors.reading import LETTERS, ReadingBatch
from sensors.registry import Registry, series_no
from sensors.registry_json import registry_to_json

LETTER = {flag: letter for letter, flag in LETTERS.items()}
Row = tuple[object, ...]


@dataclass
class Said:
    """All that a detector said of a history."""

    outcomes: list[Outcome] = field(default_factory=list)
    verdicts: list[Row] = field(default_factory=list)
    events: list[AlertEvent] = field(default_factory=list)

    def take(self, facts: Facts, registry: Registry, rules: RuleSet) -> None:
        """Add the facts of one record."""
        self.outcomes += [Outcome(int(code)) for code in facts.outcome]
        self.events += facts.events
        self.verdicts += _verdict_rows(facts, registry, rules)

    @property
    def hash(self) -> str:
        """Of every event with all its evidence, in an order that does not depend on how the log was cut."""
        ordered = sorted(self.events, key=lambda e: (e.at_ms, e.alert_id, e.seq))
        return hashlib.sha256("\n".join(map(repr, ordered)).encode()).hexdigest()


@dataclass
class Drive:
    """One detector and the history it is driven through.

    `batch`: so many entries go in at once. `columns`: readings go in as columns, not as frames. `restore_every`: after
    so many calls the detector is thrown away and made again from its snapshot (0: never), of which only what changed is
    taken anew.
    """

    batch: int = 1
    columns: bool = False
    restore_every: int = 0
    partition: int = 0
    partitions: int = 1

    def through(self, history: Sequence[Entry]) -> Said:
        """What the detector says of the entries that concern its partition."""
        detector, said = Detector(partition=self.partition, partitions=self.partitions), Said()
        kept: State | None = None
        registry, rules = Registry(), None
        for calls, run in enumerate(self._runs(self._own(history))):
            facts = self._call(detector, run, registry)
            if rules is not None:
                said.take(facts, registry, rules)
            last = run[-1].said  # takes over after what was due before it
            registry = last if isinstance(last, Registry) else registry
            rules = last if isinstance(last, RuleSet) else rules
            if self.restore_every and calls % self.restore_every == 0:
                kept = merged(kept, detector.changes())
                detector = Detector.restore(kept)
        return said

    def _own(self, history: Iterable[Entry]) -> Iterator[Entry]:
        """Marks and control records for every partition, payloads for the home of their monitor."""
        registry = Registry()
        for entry in history:
            registry = entry.said if isinstance(entry.said, Registry) else registry
            if not isinstance(entry.said, tuple):
                yield entry
                continue
            own = tuple(p for p in entry.said if registry.home_of_mn(p.mn) % self.partitions == self.partition)
            if own:
                yield Entry(log_ms=entry.log_ms, said=own)

    def _runs(self, history: Iterable[Entry]) -> Iterator[list[Entry]]:
        """Entries that go in at once: up to `batch` with payloads that take the same way, or one of another kind."""
        for way, entries in groupby(history, key=self._way):
            run = list(entries)
            size = self.batch if way else 1
            yield from (run[at : at + size] for at in range(0, len(run), size))

    def _way(self, entry: Entry) -> str:
        if not entry.payloads:
            return ""
        # A payload that nobody can decode has no columns.
        return "columns" if self.columns and all(p.readings for p in entry.payloads) else "frames"

    def _call(self, detector: Detector, run: list[Entry], registry: Registry) -> Facts:
        if self._way(run[0]) == "columns":
            return detector.process_readings(_columns(run, registry))
        kind, body = _body(run)
        return detector.process(
            Record(
                topic=Topic.FRAMES,
                partition=self.partition,
                offset=detector.next_offset,
                log_ms=run[-1].log_ms,
                kind=kind,
                body=body,
            )
        )


def merged(kept: State | None, new: State) -> State:
    """What a store holds after another snapshot."""
    pieces = new.pieces if kept is None or new.whole else {**kept.pieces, **new.pieces}
    return State(head=new.head, pieces={name: body for name, body in pieces.items() if body})


def _body(run: list[Entry]) -> tuple[RecordKind, bytes]:
    said = run[0].said
    if said is Mark.TICK:
        return RecordKind.TICK, b""
    if isinstance(said, Mark):
        return RecordKind.CONTROL, Control(kind=ControlKind(said.value)).encode()
    if isinstance(said, Registry):
        return RecordKind.CONTROL, Control(kind=ControlKind.REGISTRY, content=registry_to_json(said)).encode()
    if isinstance(said, RuleSet):
        return RecordKind.CONTROL, Control(kind=ControlKind.RULES, content=ruleset_to_json(said)).encode()
    rows = [(e.log_ms, p.mn, p.mn, message) for e in run for p in e.payloads for message in messages(p)]
    return RecordKind.FRAMES, FrameBatch.of(rows).encode()


def messages(payload: Payload) -> Iterator[bytes]:
    """A payload as JSON v1, one message for each kind and device time; junk where it holds no readings.

    >>> next(messages(Payload(mn="A")))
    b'junk'
    """
    for (kind, device_ms), readings in groupby(payload.readings, key=lambda r: (r.kind, r.device_ms)):
        sent = {r.factor: {"value": r.value, "flag": LETTER[r.flag]} for r in readings}
        head = {"v": 1, "mn": payload.mn, "kind": kind.name.lower(), "time": _rfc3339(device_ms)}
        yield orjson.dumps({**head, "readings": sent})
    if not payload.readings:
        yield b"junk"


def _rfc3339(ms: int) -> str:
    whole = datetime.fromtimestamp(ms // 1000, UTC).strftime("%Y-%m-%dT%H:%M:%S")
    return f"{whole}.{ms % 1000:03d}Z"


def _columns(run: list[Entry], registry: Registry) -> ReadingBatch:
    rows = [(entry.log_ms, sent) for entry in run for payload in entry.payloads for sent in payload.readings]

    def series(sent: Sent) -> int:
        binding = registry.binding_no(sent.outlet, sent.factor)
        assert binding is not None
        return series_no(binding, sent.kind)

    return ReadingBatch(
        series=np.array([series(sent) for _, sent in rows], np.int32),
        device_ms=np.array([sent.device_ms for _, sent in rows], np.int64),
        value=np.array([sent.value for _, sent in rows], np.float64),
        flag=np.array([sent.flag for _, sent in rows], np.uint8),
        log_ms=np.array([log_ms for log_ms, _ in rows], np.int64),
    )


def _verdict_rows(facts: Facts, registry: Registry, rules: RuleSet) -> Iterator[Row]:
    v = facts.verdicts
    for n in range(0 if v is None else len(v)):
        assert v is not None
        binding, rule = registry.bindings[int(v.binding[n])], rules.rules[int(v.rule[n])]
        code = VerdictCode(int(v.code[n]))
        value = round(float(v.value[n]), 6) if has_value(code.name, rule.kind) else None
        head = (rule.id, binding.outlet, binding.factor, int(v.start_ms[n]), int(v.at_ms[n]))
        yield (*head, code.name, value, int(v.n_valid[n]), int(v.n_due[n]), bool(v.revision[n]))


def has_value(code: str, kind: RuleKind) -> bool:
    """Whether the law says which value a verdict has: not of a window that is not judgeable, nor of a normal range."""
    return code == "EXCEEDED" or (code == "NORMAL" and kind is RuleKind.EXCEEDANCE)
