"""One run of alert events taken over in one transaction. What it does depends on the events and the database only."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import orjson
from sqlalchemy import Connection

from engine.duty.alerts import AlertRow
from engine.duty.decision import TO_DUTY, TO_THE_TOLD, Decision, Episode, decide
from engine.duty.ledger import Ledger
from engine.duty.paging import Outgoing
from engine.duty.roster import Person, on_duty
from engine.duty.settings import DutySettings
from engine.duty.subjects import find_outlet, make_subject
from engine.duty.tables import alert_event
from engine.logs import fields
from rules.alert import AlertEvent
from rules.alert_json import event_to_json
from rules.alert_state import NEXT, STANDING, State
from rules.rule import RuleSet
from sensors.registry import Registry

log = logging.getLogger(__name__)

PAGES_DUTY = TO_DUTY | {Decision.NOBODY_ON_DUTY}
OVER = frozenset({Decision.PAGE_RETURNED, Decision.PAGE_WITHDRAWN, Decision.END_NOT_PAGED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Standards:
    """What decisions are made by, besides the events."""

    settings: DutySettings
    registry: Registry
    rules: RuleSet | None
    perhaps_told_ms: int = 0  # pages decided up to this log time may have left from another host


class Taking:
    """The run of events; `finish` writes what follows from them."""

    def __init__(self, connection: Connection, events: Sequence[AlertEvent], by: Standards) -> None:
        self._connection = connection
        self._by = by
        self._ledger = Ledger(connection, events, by.settings.policy.episode_gap_s * 1000)
        self._outgoing = Outgoing(connection, by.settings, by.perhaps_told_ms)
        self._rows: list[dict[str, Any]] = []
        self.contradictions = 0

    def take(self, event: AlertEvent) -> None:
        """Take the next event over; one that is known changes nothing."""
        body = orjson.dumps(event_to_json(event)).decode()
        if self._is_known(event, body):
            return
        is_new = self._ledger.get(event.alert_id) is None
        row = self._follow(event)
        decision, people = self._decide(event, row)
        if is_new or decision in PAGES_DUTY:
            row = replace(row, decision=decision)
        self._tell(event, row, decision)
        if people:
            self._page(event, row, decision, people)
        self._ledger.known[event.alert_id, event.seq] = body
        self._rows.append(_event_row(event, decision, body))

    def finish(self) -> None:
        """Write alerts, events and pages."""
        self._ledger.flush()
        if self._rows:
            self._connection.execute(alert_event.insert(), self._rows)
        self._outgoing.flush()

    def _is_known(self, event: AlertEvent, body: str) -> bool:
        held = self._ledger.known.get((event.alert_id, event.seq))
        if held is not None and held != body:
            self.contradictions += 1
            about = fields(stage="duty", alert_id=event.alert_id, seq=event.seq)
            said = "alert %s step %d came again with other numbers; the first ones stand"
            log.error(said, event.alert_id, event.seq, extra=about)
        return held is not None

    def _follow(self, event: AlertEvent) -> AlertRow:
        """The alert after the event."""
        held = self._ledger.get(event.alert_id)
        row = self._new(event) if held is None else _changed(held, event)
        self._ledger.put(row)
        return row

    def _new(self, event: AlertEvent) -> AlertRow:
        before = self._ledger.before(event)
        enterprise = find_outlet(self._by.registry, event.outlet)[1]
        return AlertRow(
            alert_id=event.alert_id,
            rule=event.rule,
            kind=event.kind,
            alert_class=event.alert_class,
            enterprise=enterprise.id if enterprise else "",
            outlet=event.outlet,
            factor=event.factor,
            mn=event.mn,
            severity=event.severity,
            state=NEXT[State.NORMAL, event.step],
            step=event.step,
            seq=event.seq,
            opened_ms=event.at_ms,
            at_ms=event.at_ms,
            start_ms=event.start_ms,
            end_ms=event.end_ms,
            value=event.value,
            ceiling=event.ceiling,
            floor=event.floor,
            unit=event.unit,
            source=event.source,
            unverified=event.unverified,
            late=event.late,
            rule_version=event.rule_version,
            decision=Decision.PAGE,  # until it is decided
            episode=before.episode if before else event.alert_id,
            severity_told=0,
        )

    def _decide(self, event: AlertEvent, row: AlertRow) -> tuple[Decision, list[Person]]:
        """The decision, and whom it pages."""
        settings = self._by.settings
        decision = decide(event, self._episode(event, row), settings.policy)
        if decision in TO_DUTY:
            on, everybody = (
                self._outgoing.reachable(p) for p in (on_duty(settings.roster, event.at_ms), settings.roster.people)
            )
            if on:
                return decision, on
            return (Decision.NOBODY_ON_DUTY, everybody) if everybody else (Decision.NOBODY_TO_PAGE, [])
        if decision in TO_THE_TOLD:
            return decision, self._outgoing.reachable(self._outgoing.told(row.episode))
        return decision, []

    def _episode(self, event: AlertEvent, row: AlertRow) -> Episode:
        rows = self._ledger.episode(event, row.episode)
        return Episode(
            told=max((r.severity_told for r in rows), default=0),
            stands=row.state in STANDING,
            others_stand=any(r.state in STANDING for r in rows if r.alert_id != row.alert_id),
        )

    def _tell(self, event: AlertEvent, row: AlertRow, decision: Decision) -> None:
        """Note what people know now."""
        if decision in PAGES_DUTY:
            row = replace(row, severity_told=event.severity)
        self._ledger.put(row)
        if decision in OVER:
            for told in (r for r in self._ledger.episode(event, row.episode) if r.severity_told):
                self._ledger.put(replace(told, severity_told=0))

    def _page(self, event: AlertEvent, row: AlertRow, decision: Decision, people: Sequence[Person]) -> None:
        subject = make_subject(
            event,
            episode=row.episode,
            decision=decision,
            registry=self._by.registry,
            rules=self._by.rules,
            zone=self._by.settings.roster.zone,
        )
        self._outgoing.add(event, subject, people)


def _changed(row: AlertRow, event: AlertEvent) -> AlertRow:
    """A known alert after a new event; an event older than the last one changes nothing of it."""
    if event.seq <= row.seq:
        return row
    state = NEXT[row.state, event.step]
    reopened = state is State.UNACKNOWLEDGED
    return replace(
        row,
        state=state,
        step=event.step,
        seq=event.seq,
        at_ms=event.at_ms,
        severity=event.severity,
        end_ms=event.end_ms,
        value=event.value,
        late=event.late,
        rule_version=event.rule_version,
        acknowledged_by=None if reopened else row.acknowledged_by,
        acknowledged_ms=None if reopened else row.acknowledged_ms,
    )


def _event_row(event: AlertEvent, decision: Decision, body: str) -> dict[str, Any]:
    return {
        "alert_id": event.alert_id,
        "seq": event.seq,
        "step": event.step.value,
        "at_ms": event.at_ms,
        "decision": decision.value,
        "body": body,
    }
