"""kill -9 of a process that pages: every page is one logical page, and none is missing."""

import asyncio
import sys
from collections import Counter
from pathlib import Path

from aiohttp import web

from engine.database.open import open_database
from engine.database.place import Place
from engine.duty.outbox import PageState, load_pages
from engine.duty.sender import ALONE
from tests.database_places import Places
from tests.duty_cases import desk_in
from tests.duty_receiver import Receiver, listening, ok
from tests.duty_victim import ALERTS, history

ROOT = Path(__file__).parent.parent
KILLED_BEFORE_ANSWER = {0, 7, 15}
KILLED_AFTER_ANSWER = {3, 11}


class Killer(Receiver):
    """Ends the process that sends, in the midst of what it sends."""

    victim: asyncio.subprocess.Process

    async def receive(self, request: web.Request) -> web.StreamResponse:
        answer = await super().receive(request)
        number = len(self.keys) - 1
        if number in KILLED_BEFORE_ANSWER:
            self.victim.kill()
            await self.victim.wait()
        elif number in KILLED_AFTER_ANSWER:
            asyncio.get_running_loop().call_soon(self.victim.kill)
        return answer


async def play(place: Place) -> tuple[Killer, int]:
    """Start the victim again until it ends by itself; how often it was killed."""
    async with listening(Killer(secret="k", answer=ok)) as killer:
        kills = 0
        while True:
            command = [sys.executable, "-m", "tests.duty_victim", str(place), killer.url, ALONE, "0"]
            killer.victim = await asyncio.create_subprocess_exec(*command, cwd=ROOT)
            if await killer.victim.wait() == 0:
                return killer, kills
            kills += 1


def test_a_page_is_one_logical_page_however_often_the_process_dies(places: Places) -> None:
    killed, unharmed = places("killed"), places("unharmed")
    killer, kills = asyncio.run(play(killed))
    assert kills == len(KILLED_BEFORE_ANSWER | KILLED_AFTER_ANSWER)

    whole = desk_in(unharmed)
    whole.take(history())
    expected = {page.page_id for page in load_pages(whole.db)}
    assert len(expected) == 2 * ALERTS

    pages = load_pages(open_database(killed, readonly=True))
    assert {page.page_id for page in pages} == expected == killer.pages
    assert len(pages) == len(expected)
    assert {page.state for page in pages} == {PageState.DELIVERED}

    twice = {key for key, count in Counter(killer.keys).items() if count > 1}
    resent = {key for key, body in zip(killer.keys, killer.bodies, strict=True) if body["resend"]}
    # a page cut off before its request left is marked as well: the next sender cannot know that it never arrived
    assert twice <= resent
    assert len(resent - twice) <= kills * 2  # people
    under_way = 2  # at most one page to each of two people
    assert len(KILLED_BEFORE_ANSWER) <= len(killer.keys) - len(expected) <= kills * under_way
