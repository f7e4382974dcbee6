"""Alerts in memory during one transaction: read in bulk, changed, written back in bulk."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, TypeVar

from sqlalchemy import Connection, Row, bindparam, or_, select

from engine.duty.alerts import AlertRow
from engine.duty.tables import alert, alert_event
from rules.alert import AlertEvent
from rules.alert_state import STANDING, State

AT_ONCE = 400
"""Ids asked for in one query."""

UPDATE = (
    alert.update()
    .where(alert.c.alert_id == bindparam("new_alert_id"))
    .values({c.name: bindparam(f"new_{c.name}") for c in alert.c if c.name != "alert_id"})
)

COLUMNS = tuple(c.name for c in alert.c)

T = TypeVar("T")

Subject = tuple[str, str, str, str]
"""(rule, outlet, factor, MN): alerts of one subject can form an episode."""


def subject_of(event: AlertEvent | AlertRow) -> Subject:
    """What the alert is about, besides its window."""
    return event.rule, event.outlet, event.factor, event.mn


class Ledger:
    """The alerts that a run of events is about, and those of the same subjects that matter to them."""

    def __init__(self, connection: Connection, events: Sequence[AlertEvent], gap_ms: int) -> None:
        self._connection = connection
        self._gap_ms = gap_ms  # an alert that begins so long after the end of another belongs to its episode
        self._rows: dict[str, AlertRow] = {}
        self._subjects: dict[Subject, set[str]] = {}
        self._stored: set[str] = set()
        self._changed: set[str] = set()
        ids = sorted({event.alert_id for event in events})
        self.known = dict(self._known(ids))
        for part in _parts(ids):
            self._remember(connection.execute(select(alert).where(alert.c.alert_id.in_(part))))
        self._load_subjects([e for e in events if (e.alert_id, e.seq) not in self.known])

    def get(self, alert_id: str) -> AlertRow | None:
        """An alert one of the events is about; None if it is new."""
        return self._rows.get(alert_id)

    def put(self, row: AlertRow) -> None:
        """The alert stands like this from now on."""
        self._rows[row.alert_id] = row
        self._subjects.setdefault(subject_of(row), set()).add(row.alert_id)
        self._changed.add(row.alert_id)

    def before(self, event: AlertEvent) -> AlertRow | None:
        """The alert whose episode a new alert continues: it stands, or ends where this one begins."""
        near_ms = event.start_ms - self._gap_ms
        near = [
            row
            for row in self._of_subject(event)
            if row.start_ms < event.start_ms
            and row.state is not State.WITHDRAWN
            and (row.state in STANDING or (row.end_ms is not None and row.end_ms >= near_ms))
        ]
        return max(near, key=lambda row: row.start_ms, default=None)

    def episode(self, event: AlertEvent, episode: str) -> list[AlertRow]:
        """The alerts of an episode that stand or that people know of, by window."""
        rows = [row for row in self._of_subject(event) if row.episode == episode]
        return sorted(rows, key=lambda row: row.start_ms)

    def flush(self) -> None:
        """Write back what has changed."""
        new = [_columns(self._rows[id]) for id in sorted(self._changed - self._stored)]
        changed = [_columns(self._rows[id]) for id in sorted(self._changed & self._stored)]
        if new:
            self._connection.execute(alert.insert(), new)
        if changed:
            named = [{f"new_{name}": value for name, value in row.items()} for row in changed]
            self._connection.execute(UPDATE, named)
        self._stored |= self._changed
        self._changed.clear()

    def _known(self, ids: list[str]) -> Iterator[tuple[tuple[str, int], str]]:
        c = alert_event.c
        for part in _parts(ids):
            found = self._connection.execute(select(c.alert_id, c.seq, c.body).where(c.alert_id.in_(part)))
            yield from (((row.alert_id, row.seq), row.body) for row in found)

    def _load_subjects(self, events: Sequence[AlertEvent]) -> None:
        """Alerts of the events' outlets that stand, that people know of, or that end where one of the events begins."""
        if not events:
            return
        starts = [event.start_ms for event in events]
        near = alert.c.end_ms.between(min(starts) - self._gap_ms, max(starts))
        matter = or_(alert.c.state.in_(STANDING), alert.c.severity_told > 0, near)
        for part in _parts(sorted({event.outlet for event in events})):
            self._remember(self._connection.execute(select(alert).where(alert.c.outlet.in_(part), matter)))

    def _of_subject(self, event: AlertEvent) -> list[AlertRow]:
        return [self._rows[id] for id in self._subjects.get(subject_of(event), ())]

    def _remember(self, found: Iterable[Row[Any]]) -> None:
        for raw in found:
            if raw.alert_id not in self._rows:
                row = AlertRow.of(raw)
                self._rows[row.alert_id] = row
                self._subjects.setdefault(subject_of(row), set()).add(row.alert_id)
                self._stored.add(row.alert_id)


def _columns(row: AlertRow) -> dict[str, Any]:
    return {name: getattr(row, name) for name in COLUMNS}


def _parts(items: Sequence[T]) -> Iterator[Sequence[T]]:
    return (items[n : n + AT_ONCE] for n in range(0, len(items), AT_ONCE))
