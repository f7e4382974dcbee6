"""What a replay read and what came of it."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from engine.detect.facts import Facts, Outcome, VerdictCode
from engine.replay.alerts import Alerts, alert_json, sha256_of
from engine.replay.refusals import Refusals
from sensors.refusal import Refusal
from sensors.registry import Binding

Progress = Callable[[int, int], None]
"""Told (bytes or records done, of how many) now and then."""


def silent(done: int, total: int) -> None:
    """Progress that nobody looks at."""


@dataclass(slots=True, kw_only=True)
class Account:
    """Readings in = readings + refused. `listen` is told every fact as it comes."""

    readings: int = 0
    refusals: Refusals = field(default_factory=Refusals)
    whole: Refusals = field(default_factory=Refusals)  # frames and payloads in which no reading could be counted
    alerts: Alerts = field(default_factory=Alerts)
    payloads: Counter[str] = field(default_factory=Counter)  # of a frame log: "in", "decoded", "refused"
    judged: Counter[str] = field(default_factory=Counter)  # verdicts by code
    rule_versions: list[str] = field(default_factory=list)
    notes: dict[str, dict[str, str]] = field(default_factory=dict)  # text in replay.yaml -> its values
    units: dict[str, str] = field(default_factory=dict)  # of factors that are not in the catalogue
    bindings: Sequence[Binding] = ()  # by number, as far as known
    names: dict[str, str] = field(default_factory=dict)  # of factors that are not in the catalogue
    span_ms: tuple[int, int] | None = None  # log times of the first and the last readings
    zone: str = "Asia/Shanghai"  # where days begin
    listen: Callable[[Facts], None] | None = None
    setup_s: float = 0.0  # of the processor, spent on registry and rules, not on readings

    def take(self, facts: Facts) -> None:
        """Facts of one batch and partition."""
        self.readings += int(np.count_nonzero(facts.outcome < Outcome.FUTURE))
        if len(facts.readings):
            first, last = (int(facts.readings.log_ms[n]) for n in (0, -1))
            self.span_ms = (self.span_ms or (first, last))[0], last
        for refusal in facts.refused:
            self._refuse(refusal)
        self.payloads.update({k.removeprefix("payload."): n for k, n in facts.counts.items() if k.startswith("payload.")})
        self.alerts.take(facts.events)
        if facts.verdicts is not None:
            for code, n in enumerate(np.bincount(facts.verdicts.code, minlength=len(VerdictCode)).tolist()):
                if n:
                    self.judged[VerdictCode(code).name.lower()] += n
        if self.listen is not None:
            self.listen(facts)

    def _refuse(self, refusal: Refusal) -> None:
        """A refused reading counts for itself; a frame or payload whose readings nobody can count, for itself."""
        place = self.refusals if refusal.count else self.whole
        place.add(refusal.reason, [0], lambda _: refusal.detail, count=refusal.count or 1)

    def note(self, key: str, **values: str) -> None:
        """Something that whoever reads the result should know; said once."""
        self.notes[key] = values

    def anew(self, note: str) -> "Account":
        """An account for a second try, which says why there is one."""
        new = Account(refusals=Refusals(sink=self.refusals.fresh_sink()), listen=self.listen)
        new.note(note)
        return new

    def result(self, from_ms: int | None = None) -> dict[str, Any]:
        """The object that `outfall replay --json` ends with."""
        listed = self.alerts.listed(from_ms)
        alerts = [alert_json(e, self.alerts.word(e.alert_id), self.units.get(e.factor, "")) for e in listed]
        return {
            "readings": self.readings,
            "refused": self.refusals.by_reason(),
            "refused_whole": self.whole.by_reason(),
            "payloads": dict(sorted(self.payloads.items())),
            "verdicts": dict(sorted(self.judged.items())),
            "from_ms": self.span_ms and self.span_ms[0],
            "to_ms": self.span_ms and self.span_ms[1],
            "rule_versions": self.rule_versions,
            "examples": {**self.whole.shown(), **self.refusals.shown()},
            "notes": self.notes,
            "alerts": alerts,
            "alerts_sha256": sha256_of(alerts),
        }
