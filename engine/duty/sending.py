"""The outbox as the sender works on it: write down how attempts ended, and take the pages that are due."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import orjson
from sqlalchemy import ColumnElement, Connection, Row, Select, and_, bindparam, func, or_, select

from engine.duty.channels.channel import Outcome, Status
from engine.duty.database import Database
from engine.duty.outbox import PageState
from engine.duty.page import Page, Subject, page_id
from engine.duty.roster import Roster
from engine.duty.settings import Sending
from engine.duty.tables import attempt, outbox

SENDING = "sending"
ORDER = (outbox.c.number, outbox.c.page_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A page that this sender has taken to send."""

    page: Page
    number: int  # of the attempt, 1, 2, ...
    failures: int  # of the attempts before
    others: tuple[str, ...]  # channels left if this one fails


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """An attempt that has ended."""

    claim: Claim
    outcome: Outcome


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """What came of one look into the outbox."""

    states: tuple[PageState, ...]  # of the pages whose attempts had ended, in their order
    claims: tuple[Claim, ...]
    next_ms: int | None  # when the next waiting page may be sent; None if none waits


def release_orphans(db: Database) -> int:
    """What a sender that died was sending may be claimed at once. Only for a sender that is alone; how many there were."""
    with db.write() as connection:
        orphans = outbox.update().where(outbox.c.state == PageState.SENDING.value).values(lease_ms=0)
        return connection.execute(orphans).rowcount


def turn(db: Database, ended: Sequence[Ended] = (), *, now_ms: int, limit: int, sending: Sending, roster: Roster) -> Turn:
    """Write down what has ended, then take up to `limit` pages that are due, in one transaction.

    To one person over one channel pages go in the order in which they were decided: a page waits for those before it,
    but for those that have failed `attempts_max` times.
    """
    with db.write() as connection:
        states = tuple(_finish(connection, one, now_ms, sending) for one in ended)
        rows = connection.execute(_due(sending).limit(limit), {"now_ms": now_ms}).all() if limit > 0 else []
        claims = tuple(_claim(connection, row, now_ms, sending, roster) for row in rows)
        waiting = select(func.min(outbox.c.next_ms)).where(outbox.c.state == PageState.WAITING.value)
        return Turn(states=states, claims=claims, next_ms=connection.execute(waiting).scalar())


def backoff_ms(failures: int, sending: Sending) -> int:
    """How long a page waits after so many failures in a row.

    >>> [backoff_ms(n, Sending(backoff_first_s=1, backoff_max_s=60)) for n in (1, 2, 3, 9, 5000)]
    [1000, 2000, 4000, 60000, 60000]
    """
    return round(1000 * min(sending.backoff_max_s, sending.backoff_first_s * 2.0 ** min(failures - 1, 60)))


def _finish(connection: Connection, ended: Ended, now_ms: int, sending: Sending) -> PageState:
    claim, outcome = ended.claim, ended.outcome
    state = _after(claim, outcome, sending)
    said = {"detail": outcome.detail, "provider_id": outcome.provider_id}
    name = claim.page.page_id
    this_attempt = (attempt.c.page_id == name) & (attempt.c.number == claim.number)
    connection.execute(attempt.update().where(this_attempt).values(ended_ms=now_ms, status=outcome.status.value, **said))
    failures = claim.failures + (outcome.status is not Status.DELIVERED)
    waits_ms = backoff_ms(failures, sending) if state is PageState.WAITING else 0
    connection.execute(
        outbox.update()
        .where(outbox.c.page_id == name)
        .values(
            state=state.value,
            failures=failures,
            resends=outbox.c.resends + int(outcome.uncertain),
            next_ms=now_ms + waits_ms,
            lease_ms=0,
            **said,
        )
    )
    if state is PageState.HANDED_ON:
        row = connection.execute(select(outbox).where(outbox.c.page_id == name)).one()
        connection.execute(outbox.insert().values(_over_the_next(row)))
    return state


def _after(claim: Claim, outcome: Outcome, sending: Sending) -> PageState:
    if outcome.status is Status.DELIVERED:
        return PageState.DELIVERED
    last = not claim.others
    tries_left = claim.failures + 1 < sending.attempts_max or (last and outcome.status is Status.FAILED)
    if outcome.retry and tries_left:
        return PageState.WAITING
    return PageState.UNDELIVERABLE if last else PageState.HANDED_ON


@lru_cache
def _due(sending: Sending) -> Select[Any]:
    place = func.row_number().over(partition_by=(outbox.c.person, outbox.c.channel), order_by=ORDER).label("place")
    unfinished = outbox.c.state.in_((PageState.WAITING.value, PageState.SENDING.value))
    blocking = select(outbox.c.page_id, place).where(unfinished, outbox.c.failures < sending.attempts_max).subquery()
    is_first = outbox.c.page_id.in_(select(blocking.c.page_id).where(blocking.c.place == 1))
    is_free = outbox.c.failures >= sending.attempts_max
    waits = and_(outbox.c.state == PageState.WAITING.value, _passed(outbox.c.next_ms, sending.backoff_max_s))
    orphaned = and_(outbox.c.state == PageState.SENDING.value, _passed(outbox.c.lease_ms, sending.lease_s))
    return select(outbox).where(or_(is_first, is_free), or_(waits, orphaned)).order_by(*ORDER)


def _passed(column: ColumnElement[int], most_s: float) -> ColumnElement[bool]:
    """Whether an instant has come; one further off than it can have been set means that the clock was set back."""
    now_ms: ColumnElement[int] = bindparam("now_ms", type_=column.type)
    return or_(column <= now_ms, column > now_ms + round(most_s * 1000))


def _claim(connection: Connection, row: Row[Any], now_ms: int, sending: Sending, roster: Roster) -> Claim:
    resends = row.resends + (row.state == PageState.SENDING.value)
    connection.execute(
        outbox.update()
        .where(outbox.c.page_id == row.page_id)
        .values(
            state=PageState.SENDING.value,
            attempts=row.attempts + 1,
            resends=resends,
            lease_ms=now_ms + round(sending.lease_s * 1000),
        )
    )
    connection.execute(
        attempt.insert().values(
            page_id=row.page_id,
            number=row.attempts + 1,
            started_ms=now_ms,
            status=SENDING,
            resend=resends > 0,
            detail="",
            provider_id="",
        )
    )
    return Claim(
        page=_page(row, resends > 0, roster),
        number=row.attempts + 1,
        failures=row.failures,
        others=tuple(orjson.loads(row.others)),
    )


def _page(row: Row[Any], resend: bool, roster: Roster) -> Page:
    person = next((p for p in roster.people if p.id == row.person), None)
    return Page(
        page_id=row.page_id,
        person=row.person,
        person_name=person.name if person else row.person,
        phone=person.phone if person else "",
        lang=person.lang if person else "zh",
        channel=row.channel,
        resend=resend,
        subject=Subject.decode(row.body),
    )


def _over_the_next(row: Row[Any]) -> dict[str, Any]:
    channel, *others = orjson.loads(row.others)
    name = page_id(
        alert_id=row.alert_id,
        policy_version=row.policy_version,
        step=row.step,
        loop=row.loop,
        person=row.person,
        channel=channel,
    )
    fresh = {"state": PageState.WAITING.value, "attempts": 0, "failures": 0, "resends": 0, "next_ms": 0, "lease_ms": 0}
    return {
        **row._mapping,
        **fresh,
        "page_id": name,
        "channel": channel,
        "others": orjson.dumps(others).decode(),
        "detail": "",
        "provider_id": "",
    }
