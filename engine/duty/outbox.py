"""Pages in the outbox: the states a page goes through, and questions to it."""

from dataclasses import dataclass, fields
from enum import StrEnum

from sqlalchemy import func, select

from engine.database.database import Database
from engine.duty.tables import attempt, outbox
from rules.alert import Step


class PageState(StrEnum):
    """How far a page got."""

    WAITING = "waiting"
    SENDING = "sending"
    DELIVERED = "delivered"
    HANDED_ON = "handed_on"  # this channel failed, the person's next one has a page of its own
    UNDELIVERABLE = "undeliverable"  # refused by the last channel


@dataclass(frozen=True, slots=True, kw_only=True)
class PageRow:
    """One page of an alert and how far it got."""

    page_id: str
    step: Step
    person: str
    channel: str
    state: PageState
    decided_ms: int
    attempts: int  # begun
    failures: int  # ended, and not well
    resends: int
    detail: str
    provider_id: str


def load_pages(db: Database, alert_id: str | None = None) -> list[PageRow]:
    """The pages of an alert, or all pages, in the order in which they were decided."""
    query = select(*(outbox.c[f.name] for f in fields(PageRow))).order_by(outbox.c.number, outbox.c.page_id)
    if alert_id is not None:
        query = query.where(outbox.c.alert_id == alert_id)
    with db.read() as connection:
        found = connection.execute(query).all()
    return [PageRow(**{**row._mapping, "step": Step(row.step), "state": PageState(row.state)}) for row in found]


def page_counts(db: Database) -> dict[str, int]:
    """How many pages there are in each state."""
    query = select(outbox.c.state, func.count().label("number")).group_by(outbox.c.state).order_by(outbox.c.state)
    with db.read() as connection:
        return {row.state: row.number for row in connection.execute(query)}


def attempt_count(db: Database) -> int:
    """How many attempts to deliver were begun."""
    with db.read() as connection:
        return connection.execute(select(func.count()).select_from(attempt)).scalar_one()
