"""The duty desk: takes alert events over, keeps the alerts, decides whom to page, notes what people do."""

from collections.abc import Callable, Sequence

import orjson
from sqlalchemy import Connection, func, select

from engine.database.database import Database, Lock
from engine.database.errors import DatabaseUnavailableError
from engine.duty.alerts import AlertRow
from engine.duty.settings import DutySettings
from engine.duty.tables import alert, alert_action, rule_set
from engine.duty.taking import Standards, Taking
from engine.stages import Retry
from rules.alert import AlertEvent
from rules.alert_state import NEXT, Action, State
from rules.rule import RuleSet
from rules.ruleset_json import ruleset_to_json
from sensors.registry import Registry

RETRY_S = 5.0


class UnknownAlertError(LookupError):
    """There is no alert of that id."""


class Desk:
    """The stage `Desk` on a duty database: alerts, decisions and pages of one run of events stand together or not at all.

    `wake` is called when pages may be waiting: the sender need not look all the time. Pages decided up to log time
    `perhaps_told_ms` may have left from another host (this one was restored), and say so.
    """

    def __init__(
        self,
        db: Database,
        settings: DutySettings,
        registry: Registry,
        rules: RuleSet | None = None,
        *,
        wake: Callable[[], None] = lambda: None,
        perhaps_told_ms: int = 0,
    ) -> None:
        self.db = db
        self.settings = settings
        self.registry = registry
        self.rules: RuleSet | None = None
        self.wake = wake
        self.perhaps_told_ms = perhaps_told_ms
        self.contradictions = 0  # events that came again with other numbers; the first ones stand
        if rules is not None:
            self.update_rules(rules)

    def update_registry(self, registry: Registry) -> None:
        """From now on pages carry the names of this registry."""
        self.registry = registry

    def update_rules(self, rules: RuleSet) -> None:
        """Keep a rule set, so that its verdicts can be explained when it is long gone, and take its texts for pages."""
        with self.db.write(Lock.VERSIONS) as connection:
            known = connection.execute(select(rule_set.c.version).where(rule_set.c.version == rules.version)).scalar()
            if known is None:
                body = orjson.dumps(ruleset_to_json(rules)).decode()
                connection.execute(rule_set.insert().values(version=rules.version, body=body))
        self.rules = rules

    def take(self, events: Sequence[AlertEvent]) -> Retry | None:
        """Take events over, in order; None when they and the pages that follow are safe. Known ones change nothing."""
        if not events:
            return None
        try:
            with self.db.write(Lock.DUTY) as connection:
                taking = Taking(connection, events, self._standards())
                for event in events:
                    taking.take(event)
                taking.finish()
        except DatabaseUnavailableError as error:
            return Retry(reason=str(error), after_s=RETRY_S)
        self.contradictions += taking.contradictions
        self.wake()
        return None

    def acknowledge(self, alert_id: str, person: str, at_ms: int) -> State:
        """A person says that they know of an alert; its state from then on. UnknownAlertError where there is none."""
        with self.db.write(Lock.DUTY) as connection:
            found = connection.execute(select(alert).where(alert.c.alert_id == alert_id)).first()
            if found is None:
                raise UnknownAlertError(f"{alert_id}: there is no such alert")
            row = AlertRow.of(found)
            state = NEXT[row.state, Action.ACKNOWLEDGE]
            if state is not row.state:
                _acknowledge(connection, row, state, person, at_ms)
        return state

    def _standards(self) -> Standards:
        return Standards(
            settings=self.settings, registry=self.registry, rules=self.rules, perhaps_told_ms=self.perhaps_told_ms
        )


def _acknowledge(connection: Connection, row: AlertRow, state: State, person: str, at_ms: int) -> None:
    connection.execute(
        alert.update()
        .where(alert.c.alert_id == row.alert_id)
        .values(state=state.value, acknowledged_by=person, acknowledged_ms=at_ms)
    )
    done = select(func.count()).where(alert_action.c.alert_id == row.alert_id)
    connection.execute(
        alert_action.insert().values(
            alert_id=row.alert_id,
            number=connection.execute(done).scalar_one() + 1,
            action=Action.ACKNOWLEDGE.value,
            person=person,
            at_ms=at_ms,
            state_before=row.state.value,
            state_after=state.value,
        )
    )
