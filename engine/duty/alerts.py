"""Alerts as the database holds them, and questions to it."""

from dataclasses import dataclass
from typing import Any, Self

import orjson
from sqlalchemy import Row, Select, select

from engine.database.database import Database
from engine.duty.decision import Decision
from engine.duty.tables import alert, alert_action, alert_event, rule_set
from rules.alert import AlertEvent, Step
from rules.alert_json import event_from_json
from rules.alert_state import STANDING, Action, State
from rules.rule import AlertClass, RuleKind, RuleSet
from rules.ruleset_json import ruleset_from_json


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertRow:
    """Where one alert stands now. The fields are the columns of the table `alert`."""

    alert_id: str
    rule: str
    kind: RuleKind
    alert_class: AlertClass
    enterprise: str  # id, "" where the registry did not know the outlet
    outlet: str
    factor: str
    mn: str
    severity: int
    state: State
    step: Step
    seq: int
    opened_ms: int
    at_ms: int
    start_ms: int
    end_ms: int | None
    value: float | None
    ceiling: float | None
    floor: float | None
    unit: str
    source: str
    unverified: bool
    late: bool
    rule_version: str
    decision: Decision
    episode: str
    severity_told: int
    acknowledged_by: str | None = None
    acknowledged_ms: int | None = None

    @classmethod
    def of(cls, row: Row[Any]) -> Self:
        """From a row of the table."""
        raw = dict(row._mapping)
        for name, enum in ENUMS.items():
            raw[name] = enum(raw[name])
        return cls(**raw)


ENUMS = {"kind": RuleKind, "alert_class": AlertClass, "state": State, "step": Step, "decision": Decision}


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertFilter:
    """Which alerts are asked for; what is None does not matter."""

    outlet: str | None = None
    enterprise: str | None = None
    rule: str | None = None
    alert_class: AlertClass | None = None
    state: State | None = None
    standing: bool | None = None  # whether what it speaks of goes on
    severity_min: int | None = None
    since_ms: int | None = None  # log time of opening, from then on
    until_ms: int | None = None  # and before
    limit: int = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class DecidedEvent:
    """One step of an alert and what duty decided about it."""

    event: AlertEvent
    decision: Decision


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionRow:
    """What a person did to an alert."""

    action: Action
    person: str
    at_ms: int
    state_before: State
    state_after: State


def list_alerts(db: Database, wanted: AlertFilter = AlertFilter()) -> list[AlertRow]:
    """The alerts that fit, the last opened first."""
    query = _filtered(wanted).order_by(alert.c.opened_ms.desc(), alert.c.start_ms.desc(), alert.c.alert_id)
    with db.read() as connection:
        return [AlertRow.of(row) for row in connection.execute(query.limit(wanted.limit))]


def find_alerts(db: Database, prefix: str) -> list[AlertRow]:
    """The alerts whose id begins so, in the order of ids; at most ten. Letter case does not matter."""
    query = select(alert).where(alert.c.alert_id.startswith(prefix.upper(), autoescape=True)).order_by(alert.c.alert_id)
    with db.read() as connection:
        return [AlertRow.of(row) for row in connection.execute(query.limit(10))]


def load_events(db: Database, alert_id: str) -> list[DecidedEvent]:
    """All that happened to an alert, in order; empty where there is no such alert."""
    query = select(alert_event.c.body, alert_event.c.decision).where(alert_event.c.alert_id == alert_id)
    with db.read() as connection:
        found = connection.execute(query.order_by(alert_event.c.seq)).all()
    return [DecidedEvent(event=event_from_json(orjson.loads(r.body)), decision=Decision(r.decision)) for r in found]


def load_actions(db: Database, alert_id: str) -> list[ActionRow]:
    """What people did to an alert, in order."""
    query = select(alert_action).where(alert_action.c.alert_id == alert_id).order_by(alert_action.c.number)
    with db.read() as connection:
        return [
            ActionRow(
                action=Action(row.action),
                person=row.person,
                at_ms=row.at_ms,
                state_before=State(row.state_before),
                state_after=State(row.state_after),
            )
            for row in connection.execute(query)
        ]


def load_rules(db: Database, version: str) -> RuleSet | None:
    """The rule set of a version, as far as the desk was told of it."""
    with db.read() as connection:
        body = connection.execute(select(rule_set.c.body).where(rule_set.c.version == version)).scalar()
    return None if body is None else ruleset_from_json(orjson.loads(body))


def _filtered(wanted: AlertFilter) -> Select[Any]:
    c = alert.c
    query = select(alert).filter_by(**{n: getattr(wanted, n) for n in EXACT if getattr(wanted, n) is not None})
    if wanted.standing is not None:
        query = query.where(c.state.in_(STANDING) if wanted.standing else c.state.not_in(STANDING))
    if wanted.severity_min is not None:
        query = query.where(c.severity >= wanted.severity_min)
    if wanted.since_ms is not None:
        query = query.where(c.opened_ms >= wanted.since_ms)
    if wanted.until_ms is not None:
        query = query.where(c.opened_ms < wanted.until_ms)
    return query


EXACT = ("outlet", "enterprise", "rule", "alert_class", "state")
