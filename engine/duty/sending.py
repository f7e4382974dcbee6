"""The outbox as the sender works on it: write down how attempts ended, and take the pages that are due."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import orjson
from sqlalchemy import ColumnElement, Connection, Row, Select, and_, bindparam, func, or_, select

from engine.database.database import Database, Lock
from engine.duty.channels.channel import Outcome, Status
from engine.duty.outbox import PageState
from engine.duty.page import Page, Subject, page_id
from engine.duty.roster import Roster
from engine.duty.settings import Sending
from engine.duty.tables import attempt, outbox

SENDING = "sending"
ORDER = (outbox.c.number, outbox.c.page_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class Me:
    """The sender that looks into the outbox."""

    name: str
    under_way: frozenset[str]  # pages that it is sending at this moment
    sending: Sending
    roster: Roster


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A page that this sender has taken to send."""

    page: Page
    number: int  # of the attempt, 1, 2, ...: whoever begins the next one has taken the page over
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
    due_s: float | None  # until the next page in line may be sent; None if none waits


def begun_by(db: Database, sender: str) -> int:
    """How many pages a sender of that name was sending when it ended: the next one takes them first."""
    begun = (outbox.c.state == PageState.SENDING.value) & (outbox.c.sender == sender)
    with db.read() as connection:
        return connection.execute(select(func.count()).where(begun)).scalar_one()


def turn(db: Database, me: Me, ended: Sequence[Ended] = (), *, limit: int) -> Turn:
    """Write down what has ended, then take up to `limit` pages that are due, in one transaction.

    To one person over one channel pages go in the order in which they were decided: a page waits for those before it,
    but for those that have failed `attempts_max` times. A page that is being sent is taken when its lease is over, or
    when it is this sender's own and not under way: then a process of that name died. Only the database's clock counts.
    """
    with db.write(Lock.OUTBOX) as connection:
        now_ms = db.clock(connection)
        states = tuple(_finish(connection, one, now_ms, me.sending) for one in ended)
        wanted = {"now_ms": now_ms, "me": me.name, "under_way": sorted(me.under_way)}
        rows = connection.execute(_due(me.sending).limit(limit), wanted).all() if limit > 0 else []
        claims = tuple(_claim(connection, row, now_ms, me) for row in rows)
        next_ms = connection.execute(_next_due(me.sending)).scalar()
        return Turn(states=states, claims=claims, due_s=None if next_ms is None else (next_ms - now_ms) / 1000)


def backoff_ms(failures: int, sending: Sending) -> int:
    """How long a page waits after so many failures in a row.

    >>> [backoff_ms(n, Sending(backoff_first_s=1, backoff_max_s=60)) for n in (1, 2, 3, 9, 5000)]
    [1000, 2000, 4000, 60000, 60000]
    """
    return round(1000 * min(sending.backoff_max_s, sending.backoff_first_s * 2.0 ** min(failures - 1, 60)))


def _finish(connection: Connection, ended: Ended, now_ms: int, sending: Sending) -> PageState:
    """Write down how an attempt ended. The page itself changes only if nobody has taken it over since, and only once."""
    claim, outcome = ended.claim, ended.outcome
    state = _after(claim, outcome, sending)
    said = {"detail": outcome.detail, "provider_id": outcome.provider_id}
    name = claim.page.page_id
    this_attempt = (attempt.c.page_id == name) & (attempt.c.number == claim.number) & attempt.c.ended_ms.is_(None)
    connection.execute(attempt.update().where(this_attempt).values(ended_ms=now_ms, status=outcome.status.value, **said))
    held = connection.execute(select(outbox).where(outbox.c.page_id == name)).one()
    if held.attempts != claim.number or held.state != PageState.SENDING.value:
        return PageState(held.state)
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
        connection.execute(outbox.insert().values(_over_the_next(held)))
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
def _in_line(sending: Sending) -> ColumnElement[bool]:
    """Unfinished pages that wait for no other: the first to each person over each channel; those that failed too often."""
    place = func.row_number().over(partition_by=(outbox.c.person, outbox.c.channel), order_by=ORDER).label("place")
    unfinished = outbox.c.state.in_((PageState.WAITING.value, PageState.SENDING.value))
    blocking = select(outbox.c.page_id, place).where(unfinished, outbox.c.failures < sending.attempts_max).subquery()
    is_first = outbox.c.page_id.in_(select(blocking.c.page_id).where(blocking.c.place == 1))
    return and_(unfinished, or_(is_first, outbox.c.failures >= sending.attempts_max))


@lru_cache
def _due(sending: Sending) -> Select[Any]:
    waits = and_(outbox.c.state == PageState.WAITING.value, _passed(outbox.c.next_ms, sending.backoff_max_s))
    in_my_hands = outbox.c.page_id.in_(bindparam("under_way", expanding=True))
    is_left = and_(~in_my_hands, or_(_passed(outbox.c.lease_ms, sending.lease_s), outbox.c.sender == bindparam("me")))
    orphaned = and_(outbox.c.state == PageState.SENDING.value, is_left)
    return select(outbox).where(_in_line(sending), or_(waits, orphaned)).order_by(*ORDER)


@lru_cache
def _next_due(sending: Sending) -> Select[Any]:
    return select(func.min(outbox.c.next_ms)).where(_in_line(sending), outbox.c.state == PageState.WAITING.value)


def _passed(column: ColumnElement[int], most_s: float) -> ColumnElement[bool]:
    """Whether an instant has come; one further off than it can have been set means that the clock was set back."""
    now_ms: ColumnElement[int] = bindparam("now_ms", type_=column.type)
    return or_(column <= now_ms, column > now_ms + round(most_s * 1000))


def _claim(connection: Connection, row: Row[Any], now_ms: int, me: Me) -> Claim:
    resends = row.resends + (row.state == PageState.SENDING.value)
    connection.execute(
        outbox.update()
        .where(outbox.c.page_id == row.page_id)
        .values(
            state=PageState.SENDING.value,
            attempts=row.attempts + 1,
            resends=resends,
            lease_ms=now_ms + round(me.sending.lease_s * 1000),
            sender=me.name,
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
            sender=me.name,
        )
    )
    return Claim(
        page=_page(row, resends > 0, me.roster),
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
        "sender": "",
    }
