"""Pages decided in one transaction: who gets them, and the rows of the outbox they become."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import orjson
from sqlalchemy import Connection, func, select

from engine.duty.outbox import PageState
from engine.duty.page import Subject, page_id
from engine.duty.roster import Person
from engine.duty.settings import DutySettings
from engine.duty.tables import alert, outbox
from rules.alert import AlertEvent


class Outgoing:
    """The pages of one transaction, beside those the outbox holds."""

    def __init__(self, connection: Connection, settings: DutySettings, perhaps_told_ms: int = 0) -> None:
        self._connection = connection
        self._settings = settings
        self._perhaps_told_ms = perhaps_told_ms
        self._rows: list[dict[str, Any]] = []
        self._told: dict[str, set[str]] = defaultdict(set)

    def reachable(self, people: Sequence[Person]) -> list[Person]:
        """Those of them who have a channel."""
        return [person for person in people if self._channels(person)]

    def told(self, episode: str) -> list[Person]:
        """Those who were paged for an episode and are still in the roster, in its order."""
        of_episode = select(outbox.c.person).join(alert, outbox.c.alert_id == alert.c.alert_id)
        told = set(self._connection.execute(of_episode.where(alert.c.episode == episode)).scalars())
        return [person for person in self._settings.roster.people if person.id in told | self._told[episode]]

    def add(self, event: AlertEvent, subject: Subject, people: Sequence[Person]) -> None:
        """A page for each of them, over the first of their channels."""
        loop = self._loop(event)
        self._rows += [self._row(event, subject, person, loop) for person in people]
        self._told[subject.episode].update(person.id for person in people)

    def flush(self) -> None:
        """Put them into the outbox."""
        if self._rows:
            last = self._connection.execute(select(func.max(outbox.c.number))).scalar() or 0
            numbered = [{**row, "number": last + n} for n, row in enumerate(self._rows, 1)]
            self._connection.execute(outbox.insert(), numbered)
        self._rows = []

    def _loop(self, event: AlertEvent) -> int:
        """How often this step of the alert was paged before: it makes the id new where the same is told again."""
        if event.seq == 0:
            return 0
        same = (outbox.c.alert_id == event.alert_id) & (outbox.c.step == event.step.value)
        held = set(self._connection.execute(select(outbox.c.seq).where(same)).scalars())
        held |= {r["seq"] for r in self._rows if (r["alert_id"], r["step"]) == (event.alert_id, event.step.value)}
        return len(held)

    def _channels(self, person: Person) -> tuple[str, ...]:
        own = person.channels or tuple(channel.name for channel in self._settings.channels)
        return tuple(dict.fromkeys(own))

    def _row(self, event: AlertEvent, subject: Subject, person: Person, loop: int) -> dict[str, Any]:
        channel, *others = self._channels(person)
        version = self._settings.policy.version
        return {
            "page_id": page_id(
                alert_id=event.alert_id,
                policy_version=version,
                step=event.step.value,
                loop=loop,
                person=person.id,
                channel=channel,
            ),
            "alert_id": event.alert_id,
            "seq": event.seq,
            "step": event.step.value,
            "loop": loop,
            "person": person.id,
            "channel": channel,
            "others": orjson.dumps(others).decode(),
            "policy_version": version,
            "decided_ms": event.at_ms,
            "body": subject.encode(),
            "state": PageState.WAITING.value,
            "attempts": 0,
            "failures": 0,
            "resends": int(event.at_ms <= self._perhaps_told_ms),
            "next_ms": 0,
            "lease_ms": 0,
            "detail": "",
            "provider_id": "",
            "sender": "",
        }
