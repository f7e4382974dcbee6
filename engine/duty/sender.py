"""Sends what stands in the outbox, for as long as the host runs. At least once; a page that may have gone out says so."""

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TypeVar

from sqlalchemy.exc import OperationalError

from engine.duty.channels.channel import Channel, Outcome, Status
from engine.duty.database import Database
from engine.duty.outbox import PageState
from engine.duty.sending import Claim, claim, finish, next_due_ms, release_orphans
from engine.duty.settings import DutySettings

log = logging.getLogger(__name__)

IDLE_S = 5.0
"""The outbox is looked at at least so often, if nobody calls `wake`."""

DATABASE_RETRY_S = 1.0

T = TypeVar("T")


def host_ms() -> int:
    """The host's clock."""
    return time.time_ns() // 1_000_000


class Sender:
    """A service of the host: `start` it on the event loop, `stop` it there. `wake` may be called from any thread."""

    def __init__(
        self,
        db: Database,
        settings: DutySettings,
        channels: Mapping[str, Channel],
        *,
        now_ms: Callable[[], int] = host_ms,
    ) -> None:
        self._db = db
        self._settings = settings
        self._channels = channels
        self._now_ms = now_ms
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="sender")  # the database blocks, the event loop must not
        self._running: set[asyncio.Task[None]] = set()
        self._woken = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._main: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begin to send; first what a sender that died was at."""
        self._loop = asyncio.get_running_loop()
        orphans = await self._in_thread(lambda: release_orphans(self._db))
        if orphans:
            log.warning("%d pages were being sent when the last sender ended; they are sent again and marked", orphans)
        self._main = asyncio.create_task(self._run(), name="sender")

    async def stop(self, grace_s: float = 5.0) -> None:
        """Begin no more; wait so long for what is under way. What is cut off is sent again at the next start."""
        if self._main is not None:
            self._main.cancel()
            await asyncio.gather(self._main, return_exceptions=True)
        if self._running:
            _, late = await asyncio.wait(self._running, timeout=grace_s)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)
        for channel in self._channels.values():
            await channel.close()
        self._thread.shutdown()

    def wake(self) -> None:
        """There may be something to send."""
        loop = self._loop
        if loop is not None and not loop.is_closed():
            loop.call_soon_threadsafe(self._woken.set)

    async def _run(self) -> None:
        while True:
            self._woken.clear()
            room = self._settings.sending.at_once - len(self._running)
            for taken in await self._claim(room) if room > 0 else []:
                task = asyncio.create_task(self._send(taken))
                self._running.add(task)
                task.add_done_callback(self._done)
            await self._wait()

    async def _wait(self) -> None:
        """Until somebody wakes us, a page has ended, or the next one is due."""
        due_ms = await self._in_thread(lambda: next_due_ms(self._db))
        wait_s = IDLE_S if due_ms is None else min(IDLE_S, max(0.0, (due_ms - self._now_ms()) / 1000))
        busy = bool(self._running) and wait_s == 0.0  # what is due waits for a page under way: its end wakes us
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(IDLE_S if busy else wait_s):  # wait_for of 3.11 can swallow a cancellation
                await self._woken.wait()

    def _done(self, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        self._woken.set()
        if not task.cancelled() and task.exception() is not None:
            log.error("a page could not be sent", exc_info=task.exception())

    async def _claim(self, room: int) -> list[Claim]:
        return await self._in_thread(
            lambda: claim(
                self._db,
                now_ms=self._now_ms(),
                limit=room,
                sending=self._settings.sending,
                roster=self._settings.roster,
            )
        )

    async def _send(self, taken: Claim) -> None:
        outcome = await self._try(taken)
        work = partial(finish, self._db, taken, outcome, now_ms=self._now_ms(), sending=self._settings.sending)
        state = await self._in_thread(work)
        _report(taken, outcome, state)

    async def _try(self, taken: Claim) -> Outcome:
        channel = self._channels.get(taken.page.channel)
        if channel is None:
            known = ", ".join(sorted(self._channels)) or "none"
            return Outcome(status=Status.REFUSED, detail=f"no channel {taken.page.channel!r}; expected one of: {known}")
        try:
            return await channel.send(taken.page)
        except Exception as error:  # a fault of one channel must not end the pages of the others
            log.exception("channel %s failed on page %s", taken.page.channel, taken.page.page_id[:12])
            return Outcome(status=Status.FAILED, retry=True, detail=f"{type(error).__name__}: {error}")

    async def _in_thread(self, work: Callable[[], T]) -> T:
        """Do it in the database's thread, again and again while the database cannot be written."""
        lost = False
        while True:
            try:
                done = await asyncio.get_running_loop().run_in_executor(self._thread, work)
            except OperationalError as error:
                if not lost:
                    log.error("%s: %s; pages wait until it can be written again", self._db.place, error.orig)
                lost = True
                await asyncio.sleep(DATABASE_RETRY_S)
            else:
                if lost:
                    log.warning("%s: can be written again; pages go on", self._db.place)
                return done


def _report(taken: Claim, outcome: Outcome, state: PageState) -> None:
    """Say once that a page has trouble, and once how that ended."""
    page = taken.page
    name = f"page {page.page_id[:12]} to {page.person} over {page.channel}"
    if state is PageState.UNDELIVERABLE:
        log.error("%s: undeliverable after %d attempts: %s", name, taken.number, outcome.detail)
    elif state is PageState.HANDED_ON:
        log.warning("%s: the next channel follows after %d attempts: %s", name, taken.number, outcome.detail)
    elif state is PageState.WAITING and taken.failures == 0:
        log.warning("%s: tried again: %s", name, outcome.detail)
    elif state is PageState.DELIVERED and taken.number > 1:
        log.warning("%s: delivered after %d attempts", name, taken.number)
