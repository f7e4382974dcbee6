"""Sends what stands in the outbox, for as long as the host runs. At least once; a page that may have gone out says so."""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from engine.database.database import Database
from engine.database.errors import DatabaseUnavailableError
from engine.duty.channels.channel import Channel, Outcome, Status
from engine.duty.outbox import PageState
from engine.duty.sending import Claim, Ended, Me, Turn, begun_by, turn
from engine.duty.settings import DutySettings
from engine.logs import fields

log = logging.getLogger(__name__)

IDLE_S = 5.0
"""The outbox is looked at at least so often, if nobody calls `wake`."""

DATABASE_RETRY_S = 1.0

ALONE = "host"
"""The name of a sender that has a database to itself."""

T = TypeVar("T")


class Sender:
    """A service of the host: `start` it on the event loop, `stop` it there. `wake` may be called from any thread.

    Several may work on one database, each under a name of its own: a page is sent by one of them at a time.
    """

    def __init__(
        self,
        db: Database,
        settings: DutySettings,
        channels: Mapping[str, Channel],
        *,
        name: str = ALONE,
    ) -> None:
        self.name = name
        self._db = db
        self._settings = settings
        self._channels = channels
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="sender")  # the database blocks, the event loop must not
        self._running: dict[str, asyncio.Task[None]] = {}  # by page
        self._ended: list[Ended] = []
        self._woken = asyncio.Event()
        self._stopping = False
        self._loop: asyncio.AbstractEventLoop | None = None
        self._main: asyncio.Task[None] | None = None

    @property
    def failure(self) -> BaseException | None:
        """Why it ended by itself, and no page leaves any more; None: it did not."""
        main = self._main
        return main.exception() if main is not None and main.done() and not main.cancelled() else None

    async def start(self) -> None:
        """Begin to send; first what a sender that died was at."""
        self._loop = asyncio.get_running_loop()
        orphans = await self._in_thread(lambda: begun_by(self._db, self.name))
        if orphans:
            log.warning("%d pages were being sent when the last sender ended; they are sent again and marked", orphans)
        self._main = asyncio.create_task(self._run(), name="sender")
        self._main.add_done_callback(_report_end)

    async def stop(self, grace_s: float = 5.0) -> None:
        """Begin no more; wait so long for what is under way. What is cut off is sent again at the next start."""
        self._stopping = True
        self._woken.set()
        if self._main is not None:
            await _within(grace_s, self._finish_running(self._main))
            running = list(self._running.values())
            for task in running:
                task.cancel()
            await asyncio.gather(*running, return_exceptions=True)
            await _within(DATABASE_RETRY_S, self._turn(0))
        for channel in self._channels.values():
            await channel.close()
        self._thread.shutdown(wait=False)

    def update(self, settings: DutySettings) -> None:
        """From now on pages leave at these times, to people as they are there. Channels stay as they are."""
        self._settings = settings

    def wake(self) -> None:
        """There may be something to send."""
        loop = self._loop
        if loop is not None and not loop.is_closed():
            loop.call_soon_threadsafe(self._woken.set)

    async def _finish_running(self, main: asyncio.Task[None]) -> None:
        await asyncio.gather(main, return_exceptions=True)
        if self._running:
            await asyncio.wait(self._running.values())

    async def _run(self) -> None:
        while not self._stopping:
            self._woken.clear()
            done = await self._turn(self._settings.sending.at_once - len(self._running))
            for claim in done.claims:
                self._running[claim.page.page_id] = asyncio.create_task(self._send(claim))
            await _within(self._wait_s(done), self._woken.wait())

    def _wait_s(self, done: Turn) -> float:
        """Until the next page is due, unless an attempt that ends or a new page wakes us before."""
        if done.due_s is None or (done.due_s <= 0 and not done.claims):  # what is due waits for the end of an attempt
            return IDLE_S
        return min(IDLE_S, max(0.0, done.due_s))

    async def _turn(self, room: int) -> Turn:
        ended, self._ended = self._ended, []
        under_way = frozenset(self._running)
        me = Me(name=self.name, under_way=under_way, sending=self._settings.sending, roster=self._settings.roster)
        done = await self._in_thread(lambda: turn(self._db, me, ended, limit=room))
        for one, state in zip(ended, done.states, strict=True):
            _report(one, state)
        return done

    async def _send(self, claim: Claim) -> None:
        try:
            outcome = await self._try(claim)
            self._ended.append(Ended(claim=claim, outcome=outcome))
        finally:
            del self._running[claim.page.page_id]
            self._woken.set()

    async def _try(self, claim: Claim) -> Outcome:
        channel = self._channels.get(claim.page.channel)
        if channel is None:
            known = ", ".join(sorted(self._channels)) or "none"
            return Outcome(status=Status.REFUSED, detail=f"no channel {claim.page.channel!r}; expected one of: {known}")
        try:
            return await channel.send(claim.page)
        except Exception as error:  # a fault of one channel must not end the pages of the others
            log.exception("channel %s failed on page %s", claim.page.channel, claim.page.page_id[:12])
            return Outcome(status=Status.FAILED, retry=True, detail=f"{type(error).__name__}: {error}")

    async def _in_thread(self, work: Callable[[], T]) -> T:
        """Do it in the database's thread, again and again while the database cannot be written."""
        lost = False
        while True:
            try:
                done = await asyncio.get_running_loop().run_in_executor(self._thread, work)
            except DatabaseUnavailableError as error:
                if not lost:
                    log.error("%s; pages wait until then", error)
                lost = True
                await asyncio.sleep(DATABASE_RETRY_S)
            else:
                if lost:
                    log.warning("%s: can be written again; pages go on", self._db.place)
                return done


async def _within(seconds: float, work: Awaitable[object]) -> None:
    """Wait for it, but only so long. (`asyncio.wait_for` of Python 3.11 can swallow a cancellation.)"""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await work


def _report_end(main: "asyncio.Task[None]") -> None:
    if not main.cancelled() and main.exception() is not None:
        log.critical("the sender has ended: no pages leave any more", exc_info=main.exception())


def _report(ended: Ended, state: PageState) -> None:
    """Say once that a page has trouble, and once how that ended."""
    claim, detail = ended.claim, ended.outcome.detail
    page = claim.page
    name = f"page {page.page_id[:12]} to {page.person} over {page.channel}"
    about = fields(
        page_id=page.page_id,
        alert_id=page.subject.alert_id,
        person=page.person,
        channel=page.channel,
        state=state.value,
        attempts=claim.number,
    )
    if state is PageState.UNDELIVERABLE:
        log.error("%s: undeliverable after %d attempts: %s", name, claim.number, detail, extra=about)
    elif state is PageState.HANDED_ON:
        log.warning("%s: the next channel follows after %d attempts: %s", name, claim.number, detail, extra=about)
    elif state is PageState.WAITING and claim.failures == 0:
        log.warning("%s: tried again: %s", name, detail, extra=about)
    elif state is PageState.DELIVERED and claim.number > 1:
        log.warning("%s: delivered after %d attempts", name, claim.number, extra=about)
