"""The final state of every alert of a replay, and the hash that two replays are compared by."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any

import orjson

from rules.alert import AlertEvent, Evidence
from rules.alert_state import NEXT, STANDING, State

CHARTED = 200
"""The slots of so many alerts are kept, the first by `order`; those of the others would fill the memory."""


def order(event: AlertEvent) -> tuple[int, str, str, str, str]:
    """Alerts are listed by start, rule, outlet, factor and id."""
    return event.start_ms, event.rule, event.outlet, event.factor, event.alert_id


@dataclass(slots=True)
class Alerts:
    """What became of every alert so far: its last event, and its state."""

    last: dict[str, AlertEvent] = field(default_factory=dict)
    state: dict[str, State] = field(default_factory=dict)
    charted: int = CHARTED
    _with_evidence: set[str] = field(default_factory=set)

    def take(self, events: Iterable[AlertEvent]) -> None:
        """Events of one detector, in its order."""
        for event in events:
            self.last[event.alert_id] = event
            self.state[event.alert_id] = NEXT[self.state.get(event.alert_id, State.NORMAL), event.step]
            if event.evidence.slot_ms:
                self._with_evidence.add(event.alert_id)
        if len(self._with_evidence) > 2 * self.charted:
            self._forget_evidence()

    def listed(self, from_ms: int | None = None) -> list[AlertEvent]:
        """The last event of every alert that starts at `from_ms` or later, in order."""
        found = (event for event in self.last.values() if from_ms is None or event.start_ms >= from_ms)
        return sorted(found, key=order)

    def word(self, alert_id: str) -> str:
        """Its state for people: open, returned or withdrawn."""
        state = self.state[alert_id]
        return "open" if state in STANDING else "withdrawn" if state is State.WITHDRAWN else "returned"

    def _forget_evidence(self) -> None:
        ranked = sorted(self._with_evidence, key=lambda alert_id: order(self.last[alert_id]))
        for alert_id in ranked[self.charted :]:
            event = self.last[alert_id]
            counts = Evidence(n_valid=event.evidence.n_valid, n_due=event.evidence.n_due)  # the list has them
            self.last[alert_id] = replace(event, evidence=counts)
        self._with_evidence = set(ranked[: self.charted])


def limit_of(event: AlertEvent) -> float | None:
    """The bound that the value is beyond: the floor if it is below that, else the ceiling."""
    below = event.floor is not None and event.value is not None and event.value < event.floor
    return event.floor if below or event.ceiling is None else event.ceiling


def alert_json(event: AlertEvent, state: str, unit: str = "") -> dict[str, Any]:
    """One alert as it is listed and hashed. Nothing in it depends on when the input was read."""
    return {
        "id": event.alert_id,
        "rule": event.rule,
        "kind": event.kind.value,
        "class": event.alert_class.value,
        "severity": event.severity,
        "outlet": event.outlet,
        "factor": event.factor,
        "mn": event.mn,
        "start_ms": event.start_ms,
        "end_ms": event.end_ms,
        "value": event.value,
        "limit": limit_of(event),
        "floor": event.floor,
        "ceiling": event.ceiling,
        "unit": event.unit or unit,
        "n_valid": event.evidence.n_valid,
        "n_due": event.evidence.n_due,
        "state": state,
        "late": event.late,
        "source": event.source,
        "unverified": event.unverified,
    }


def sha256_of(alerts: list[dict[str, Any]]) -> str:
    """The hash of a list of alerts: SHA-256 of its canonical JSON (sorted keys, no blanks, UTF-8)."""
    return hashlib.sha256(orjson.dumps(alerts, option=orjson.OPT_SORT_KEYS)).hexdigest()
