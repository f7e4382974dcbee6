"""Several workers on one database: a page is sent by one at a time, whatever their clocks say and whoever dies or sleeps."""

import asyncio
import os
import signal
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path

from aiohttp import web

from engine.database.open import open_database
from engine.database.place import Place
from engine.duty.alerts import list_alerts
from engine.duty.channels.channel import Outcome, Status
from engine.duty.outbox import PageState, load_pages, page_counts
from engine.duty.page import Page
from engine.duty.roster import Person, Roster, Shift
from engine.duty.sender import Sender
from rules.alert import AlertEvent
from tests.database_places import Places
from tests.duty_cases import ROSTER, SETTINGS, desk_in
from tests.duty_receiver import Receiver, listening, ok
from tests.duty_victim import ALERTS, LEASE_S, history

ROOT = Path(__file__).parent.parent
PEOPLE = tuple(Person(id=f"p{n}", name=f"p{n}", channels=("bot",)) for n in range(10))
SQUAD = Shift(id="squad", squads=(tuple(person.id for person in PEOPLE),), anchor=ROSTER.shifts[0].anchor)
SENDING = replace(SETTINGS.sending, at_once=len(PEOPLE) // 2)  # neither can serve everybody
MANY = replace(SETTINGS, roster=Roster(people=PEOPLE, shifts=(SQUAD,)), sending=SENDING)


@dataclass
class Bot:
    """Takes every page, and notes whose it was. The first ones are not done before somebody else has some, too."""

    name: str
    sent: list[tuple[str, Page]] = field(default_factory=list)

    async def send(self, page: Page) -> Outcome:
        self.sent.append((self.name, page))
        while len({name for name, _ in self.sent}) < 2:
            await asyncio.sleep(0.001)
        return Outcome(status=Status.DELIVERED)

    async def close(self) -> None:
        """Nothing to close."""


def test_two_senders_share_the_pages_and_keep_each_persons_order(places: Places) -> None:
    desk = desk_in(places(), MANY)
    sent: list[tuple[str, Page]] = []
    senders = [Sender(open_database(places()), MANY, {"bot": Bot(name, sent)}, name=name) for name in ("w1", "w2")]

    async def run() -> None:
        for sender in senders:
            await sender.start()
        await asyncio.to_thread(desk.take, history())
        for sender in senders:
            sender.wake()
        async with asyncio.timeout(60):
            while set(page_counts(desk.db)) != {PageState.DELIVERED.value}:
                await asyncio.sleep(0.01)
        for sender in senders:
            await sender.stop()

    asyncio.run(run())
    pages = load_pages(desk.db)
    assert Counter(page.page_id for _, page in sent) == Counter(page.page_id for page in pages)
    assert len(pages) == 2 * ALERTS * len(PEOPLE)
    assert not any(page.resend for _, page in sent)
    assert {name for name, _ in sent} == {"w1", "w2"}
    for person in PEOPLE:
        decided = [page.subject.at_ms for _, page in sent if page.person == person.id]
        assert decided == sorted(decided)


def test_two_desks_that_take_the_same_events_leave_what_one_does(places: Places) -> None:
    """So it is when partitions move and the worker of before does not know yet."""
    alone = desk_in(places("alone"))
    for event in history():
        alone.take([event])
    desks = [desk_in(places("both")) for _ in range(2)]

    def take(n: int) -> None:
        events: list[AlertEvent] = history()
        for at in range(0, len(events), n + 1):
            assert desks[n].take(events[at : at + n + 1]) is None

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(take, range(2)))
    assert load_pages(desks[0].db) == load_pages(alone.db)
    assert list_alerts(desks[0].db) == list_alerts(alone.db)
    assert [desk.contradictions for desk in desks] == [0, 0]


KILLED = {("w1", 2), ("w1", 5), ("gone", 0)}
ASLEEP = {("w2", 2)}


class Trouble(Receiver):
    """Kills or stops the worker that sends a page, in the midst of it, when its own so-and-so-many page comes."""

    workers: dict[str, asyncio.subprocess.Process]
    count: Counter[str]

    async def receive(self, request: web.Request) -> web.StreamResponse:
        answer = await super().receive(request)
        name = request.query["worker"]
        number, self.count[name] = self.count[name], self.count[name] + 1
        worker = self.workers[name]
        if (name, number) in KILLED:
            worker.kill()
            await worker.wait()
        if (name, number) in ASLEEP:
            os.kill(worker.pid, signal.SIGSTOP)
            asyncio.get_running_loop().call_later(2 * LEASE_S, os.kill, worker.pid, signal.SIGCONT)
        return answer


async def play(place: Place) -> Trouble:
    """Three workers: one that is started again when it dies, one that sleeps, one that never comes back."""
    async with listening(Trouble(secret="k", answer=ok)) as trouble:
        trouble.workers, trouble.count = {}, Counter()

        async def work(name: str, hours_ahead: str) -> None:
            while True:
                url = f"{trouble.url}?worker={name}"
                command = [sys.executable, "-m", "tests.duty_victim", str(place), url, name, hours_ahead]
                trouble.workers[name] = await asyncio.create_subprocess_exec(*command, cwd=ROOT)
                if await trouble.workers[name].wait() == 0 or name == "gone":
                    return

        async with asyncio.timeout(240):
            await asyncio.gather(work("w1", "0"), work("w2", "3"), work("gone", "-30"))
        return trouble


def test_no_page_is_missing_or_doubled_unmarked_when_workers_die_or_sleep_and_their_clocks_differ(places: Places) -> None:
    unharmed = desk_in(places("unharmed"))
    unharmed.take(history())
    expected = {page.page_id for page in load_pages(unharmed.db)}

    trouble = asyncio.run(play(places("troubled")))
    pages = load_pages(open_database(places("troubled"), readonly=True))
    assert len(pages) == len(expected) == 2 * ALERTS
    assert {page.page_id for page in pages} == expected == trouble.pages
    assert {page.state for page in pages} == {PageState.DELIVERED}
    assert max(page.failures for page in pages) == 0

    twice = {key for key, count in Counter(trouble.keys).items() if count > 1}
    resent = {key for key, body in zip(trouble.keys, trouble.bodies, strict=True) if body["resend"]}
    assert twice <= resent
    assert len(trouble.keys) - len(expected) <= 2 * len(KILLED | ASLEEP)  # a page to each of two people
