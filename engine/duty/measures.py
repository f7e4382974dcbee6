"""What the duty database holds now, as metrics."""

from collections.abc import Callable, Iterator

from sqlalchemy import func, select

from engine import metrics as m
from engine.database.database import Database
from engine.duty.outbox import PageState
from engine.duty.tables import alert, outbox
from engine.metrics import Sample
from rules.alert_state import STANDING
from rules.rule import AlertClass

UNSENT = (PageState.WAITING, PageState.SENDING)


def oldest_unsent_ms(db: Database) -> int | None:
    """When the oldest page that is waiting or being sent was decided; None: there is none."""
    with db.read() as connection:
        return connection.execute(select(func.min(outbox.c.decided_ms)).where(outbox.c.state.in_(UNSENT))).scalar()


def duty_samples(db: Database, now_ms: Callable[[], int]) -> Iterator[Sample]:
    """Pages by state, the oldest unsent one, and the alerts that stand. Asks the database."""
    by_state = select(outbox.c.state, func.count()).group_by(outbox.c.state)
    by_class = select(alert.c.alert_class, func.count()).where(alert.c.state.in_(STANDING)).group_by(alert.c.alert_class)
    with db.read() as connection:
        pages = {state.value: 0 for state in PageState} | dict(connection.execute(by_state).tuples().all())
        standing = {cls.value: 0 for cls in AlertClass} | dict(connection.execute(by_class).tuples().all())
    for state, count in pages.items():
        yield m.PAGES, (state,), count
    for cls, count in standing.items():
        yield m.STANDING, (cls,), count
    yield m.UNSENT, (), sum(pages[state.value] for state in UNSENT)
    oldest_ms = oldest_unsent_ms(db)
    yield m.UNSENT_AGE, (), 0 if oldest_ms is None else max(0, now_ms() - oldest_ms) / 1000
