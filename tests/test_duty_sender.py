"""The sender: each page once, in order, again after failures, over the next channel when one gives up."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from engine.database.place import Place
from engine.duty.channels.channel import Outcome, Status
from engine.duty.desk import Desk
from engine.duty.outbox import PageRow, PageState, attempt_count, load_pages
from engine.duty.page import Page
from engine.duty.sender import Sender
from engine.duty.sending import Claim, Ended, Me, begun_by, turn
from engine.duty.settings import DutySettings
from engine.duty.tables import outbox
from rules.alert import AlertEvent, Step
from tests.database_places import Places
from tests.duty_cases import SETTINGS, desk_in, silence, step, window

DELIVERED = Outcome(status=Status.DELIVERED)
DOWN = Outcome(status=Status.FAILED, retry=True, detail="no route")
LOST = replace(DOWN, uncertain=True, detail="no answer")
BUSY = Outcome(status=Status.REFUSED, retry=True, detail="send too fast")
NO = Outcome(status=Status.REFUSED, detail="no such number")


@dataclass
class Bot:
    """A channel that answers as it is told, the last answer for ever."""

    answers: list[Outcome] = field(default_factory=lambda: [DELIVERED])
    pages: list[Page] = field(default_factory=list)
    closed: bool = False

    async def send(self, page: Page) -> Outcome:
        self.pages.append(page)
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]

    async def close(self) -> None:
        self.closed = True


A, OVER, SILENT = window(0), step(window(0), Step.RETURNED, hours_later=2), silence(0)
"""All of them reach Li, over "bot" first and "terminal" after it."""


def play(
    place: Place,
    events: list[AlertEvent],
    bot: Bot,
    done: Callable[[list[PageRow]], bool],
    settings: DutySettings = SETTINGS,
) -> tuple[list[PageRow], Bot]:
    """Take the events, let the sender run until the pages are as wished; the pages, and the terminal."""
    desk, terminal = desk_in(place, settings), Bot()

    async def run() -> list[PageRow]:
        sender = Sender(desk.db, settings, {"bot": bot, "terminal": terminal})
        desk.wake = sender.wake
        await sender.start()
        desk.take(events)
        await until(lambda: done(load_pages(desk.db)))
        await sender.stop()
        return load_pages(desk.db)

    return asyncio.run(run()), terminal


async def until(condition: Callable[[], bool]) -> None:
    """Let others run until the condition holds."""
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0.002)


def all_in(*states: PageState) -> Callable[[list[PageRow]], bool]:
    return lambda pages: bool(pages) and all(page.state in states for page in pages)


def test_each_page_is_sent_once_in_the_order_of_the_decisions(places: Places) -> None:
    bot = Bot()
    pages, terminal = play(places(), [A, SILENT, OVER], bot, all_in(PageState.DELIVERED))
    assert [page.subject.step for page in bot.pages] == ["opened", "opened", "returned"]
    assert {page.page_id for page in bot.pages} == {page.page_id for page in pages}
    assert (len(bot.pages), terminal.pages, bot.closed) == (3, [], True)


def test_a_failing_channel_is_tried_again_and_later_pages_wait_their_turn(places: Places) -> None:
    bot = Bot([DOWN, BUSY, DELIVERED])
    pages, _ = play(places(), [A, SILENT], bot, all_in(PageState.DELIVERED))
    assert [page.subject.kind for page in bot.pages] == ["exceedance"] * 3 + ["offline"]
    assert [page.attempts for page in pages] == [3, 1]
    assert not any(page.resend for page in bot.pages)


def test_an_attempt_whose_end_nobody_saw_makes_the_next_a_resend(places: Places) -> None:
    bot = Bot([LOST, DELIVERED])
    pages, _ = play(places(), [A], bot, all_in(PageState.DELIVERED))
    assert [page.resend for page in bot.pages] == [False, True]
    assert len({page.page_id for page in bot.pages}) == len(pages) == 1


def test_a_channel_that_says_no_hands_on_to_the_next(places: Places) -> None:
    done = all_in(PageState.DELIVERED, PageState.HANDED_ON)
    pages, terminal = play(places(), [A], Bot([NO]), lambda p: len(p) == 2 and done(p))
    assert sorted((p.channel, p.state, p.attempts) for p in pages) == [
        ("bot", PageState.HANDED_ON, 1),
        ("terminal", PageState.DELIVERED, 1),
    ]
    assert [page.channel for page in terminal.pages] == ["terminal"]


def test_a_channel_that_stays_down_hands_on_after_its_attempts(places: Places) -> None:
    done = all_in(PageState.DELIVERED, PageState.HANDED_ON)
    pages, _ = play(places(), [A], Bot([DOWN]), lambda p: len(p) == 2 and done(p))
    assert {(p.channel, p.attempts) for p in pages} == {("bot", 3), ("terminal", 1)}


ALONE = replace(SETTINGS, roster=replace(SETTINGS.roster, people=(replace(SETTINGS.roster.people[0], channels=("bot",)),)))


def test_the_last_channel_goes_on_for_ever_while_nobody_answers(places: Places) -> None:
    bot = Bot([DOWN] * 8 + [DELIVERED])
    pages, _ = play(places(), [A], bot, all_in(PageState.DELIVERED), ALONE)
    assert pages[0].attempts == 9


def test_the_last_channel_that_keeps_saying_no_makes_a_page_undeliverable(places: Places) -> None:
    pages, _ = play(places(), [A], Bot([BUSY]), all_in(PageState.UNDELIVERABLE), ALONE)
    assert (pages[0].attempts, pages[0].detail) == (3, "send too fast")


def test_a_page_that_fails_for_ever_holds_up_the_others_only_for_its_attempts(places: Places) -> None:
    @dataclass
    class Poisoned(Bot):
        async def send(self, page: Page) -> Outcome:
            await super().send(page)
            return DOWN if page.subject.alert_id == A.alert_id else DELIVERED

    pages, _ = play(places(), [A, SILENT], Poisoned(), lambda p: len(p) == 2 and p[1].state is PageState.DELIVERED, ALONE)
    assert pages[0].state is not PageState.DELIVERED


def test_a_channel_that_is_no_longer_configured_is_a_refusal(places: Places) -> None:
    desk = desk_in(places())

    async def run() -> None:
        sender = Sender(desk.db, SETTINGS, {"terminal": Bot()})
        await sender.start()
        desk.take([A])
        sender.wake()
        await until(lambda: len(load_pages(desk.db)) == 2)
        await sender.stop()

    asyncio.run(run())
    handed_on = next(page for page in load_pages(desk.db) if page.channel == "bot")
    assert handed_on.detail == "no channel 'bot'; expected one of: terminal"


def test_a_channel_with_a_fault_does_not_end_the_pages_of_others(places: Places) -> None:
    class Broken(Bot):
        async def send(self, page: Page) -> Outcome:
            raise ZeroDivisionError("a fault")

    pages, _ = play(places(), [A], Broken(), lambda p: len(p) == 2 and p[-1].state is not PageState.WAITING)
    assert {p.state for p in pages} >= {PageState.HANDED_ON}


def test_a_page_cut_off_by_a_stop_is_sent_again_and_marked(places: Places) -> None:
    desk = desk_in(places())
    desk.take([A])

    class Hanging(Bot):
        async def send(self, page: Page) -> Outcome:
            self.pages.append(page)
            return (await asyncio.Event().wait() and DELIVERED) or NO

    async def cut_off(bot: Bot) -> None:
        sender = Sender(desk.db, SETTINGS, {"bot": bot})
        await sender.start()
        await until(lambda: bool(bot.pages))
        await sender.stop(grace_s=0)

    async def again(bot: Bot) -> None:
        sender = Sender(desk.db, SETTINGS, {"bot": bot})
        await sender.start()
        await until(lambda: load_pages(desk.db)[0].state is PageState.DELIVERED)
        await sender.stop()

    hanging, bot = Hanging(), Bot()
    asyncio.run(cut_off(hanging))
    assert load_pages(desk.db)[0].state is PageState.SENDING
    asyncio.run(again(bot))
    assert [page.resend for page in hanging.pages + bot.pages] == [False, True]


def due(desk: Desk, now_ms: int, *ended: Ended, name: str = "one", under_way: Sequence[Claim] = ()) -> list[Claim]:
    """The pages that a sender takes when it is so late by the database's clock."""
    desk.db.clock = lambda _: now_ms
    pages = frozenset(claim.page.page_id for claim in under_way)
    me = Me(name=name, under_way=pages, sending=SETTINGS.sending, roster=SETTINGS.roster)
    return list(turn(desk.db, me, ended, limit=10).claims)


def test_of_one_persons_pages_only_the_first_is_taken_until_it_is_done(places: Places) -> None:
    desk = desk_in(places())
    desk.take([A, SILENT])
    (first,) = due(desk, 1000)
    assert due(desk, 1001, under_way=[first]) == []
    (second,) = due(desk, 1002, Ended(claim=first, outcome=DELIVERED))
    assert [claim.page.subject.kind for claim in (first, second)] == ["exceedance", "offline"]
    assert [page.state for page in load_pages(desk.db)] == [PageState.DELIVERED, PageState.SENDING]


def test_a_lease_ends_and_a_clock_set_back_does_not_keep_pages(places: Places) -> None:
    desk = desk_in(places())
    desk.take([A])
    now = 10_000_000
    assert [len(due(desk, ms, name=str(ms))) for ms in (now, now + 59_999, now + 60_000, now - 5_000_000)] == [1, 0, 1, 1]
    assert load_pages(desk.db)[0].resends == 2
    assert attempt_count(desk.db) == 3


def test_what_a_sender_was_sending_when_it_died_the_next_of_its_name_takes_at_once_and_marks(places: Places) -> None:
    desk = desk_in(places())
    desk.take([A])
    (claim,) = due(desk, 1000)
    assert due(desk, 1001, under_way=[claim]) == due(desk, 1001, name="two") == []
    assert [begun_by(desk.db, name) for name in ("one", "two")] == [1, 0]
    (again,) = due(desk, 1002)
    assert (again.page.page_id, again.number, again.page.resend) == (claim.page.page_id, 2, True)


def test_whose_page_was_taken_over_does_not_write_it_down(places: Places) -> None:
    desk = desk_in(places())
    desk.take([A])
    (slow,) = due(desk, 1000)
    (other,) = due(desk, 100_000, name="two")
    due(desk, 100_001, Ended(claim=slow, outcome=NO), under_way=[])
    assert [page.state for page in load_pages(desk.db)] == [PageState.SENDING]
    due(desk, 100_002, Ended(claim=other, outcome=DELIVERED), name="two")
    due(desk, 100_003, Ended(claim=other, outcome=DELIVERED), name="two")
    pages = load_pages(desk.db)
    assert [(page.state, page.failures, page.attempts) for page in pages] == [(PageState.DELIVERED, 0, 2)]


def test_an_end_that_is_written_down_twice_counts_once(places: Places) -> None:
    """A server that dies in mid-commit leaves open whether it was kept: the sender does it again."""
    desk = desk_in(places())
    desk.take([A])
    (claim,) = due(desk, 1000)
    for _ in range(2):
        due(desk, 1001, Ended(claim=claim, outcome=replace(NO, uncertain=True)), under_way=[claim])
    by_channel = {page.channel: (page.state, page.failures, page.resends) for page in load_pages(desk.db)}
    assert by_channel["bot"] == (PageState.HANDED_ON, 1, 1)
    assert len(by_channel) == len(load_pages(desk.db)) == 2


def test_what_a_page_says_stays_as_it_was_decided(places: Places) -> None:
    desk = desk_in(places())
    desk.take([A])
    with desk.db.read() as connection:
        body = connection.execute(outbox.select()).one().body
    assert "清源造纸厂" in body
