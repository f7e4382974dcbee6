"""A thread of its own for the blocking calls of one stage: a slow store holds up neither the intake nor the judge."""

import asyncio
import logging
import queue
import threading
import time
from collections.abc import Callable
from typing import Any, TypeVar

from engine.logs import fields
from engine.stages import Retry

logger = logging.getLogger(__name__)

T = TypeVar("T")

Job = tuple[Callable[[], Any], asyncio.AbstractEventLoop, asyncio.Future[Any]]


class StageThread:
    """Runs one call after the other. `blocked` says why a call is being repeated, and is empty otherwise."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.blocked = ""
        self.retries = 0
        self._jobs: queue.SimpleQueue[Job | None] = queue.SimpleQueue()
        self._began: float | None = None
        self._blocked_since = 0.0
        # daemon: a call that never returns must not keep the process from ending
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    @property
    def alive(self) -> bool:
        """Whether it can still be called."""
        return self._thread.is_alive()

    @property
    def busy_s(self) -> float:
        """How long the call under way has been running; 0 where none is."""
        began = self._began
        return 0.0 if began is None else time.monotonic() - began

    @property
    def blocked_s(self) -> float:
        """How long a call has been repeated; 0 where none is."""
        return time.monotonic() - self._blocked_since if self.blocked else 0.0

    async def call(self, work: Callable[[], T]) -> T:
        """What `work` returns or raises."""
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[T] = loop.create_future()
        self._jobs.put((work, loop, answer))
        return await answer

    async def until_done(self, work: Callable[[], Retry | None], wanted: Callable[[], bool] = lambda: True) -> bool:
        """Call `work` until it no longer asks to come again. Said once when that begins and once when it is over.

        False: it was no longer wanted before it was done.
        """
        while (retry := await self.call(work)) is not None:
            if not wanted():
                self.blocked = ""
                return False
            self.retries += 1
            if not self.blocked:
                self._blocked_since = time.monotonic()
                logger.error("%s: waits: %s", self.name, retry.reason, extra=fields(stage=self.name))
            self.blocked = retry.reason
            await asyncio.sleep(retry.after_s)
        if self.blocked:
            about = fields(stage=self.name, waited_s=round(self.blocked_s, 1))
            logger.warning("%s: goes on after %.1f s", self.name, self.blocked_s, extra=about)
            self.blocked = ""
        return True

    def close(self) -> None:
        """End the thread after the calls that wait."""
        self._jobs.put(None)

    def _run(self) -> None:
        while (job := self._jobs.get()) is not None:
            work, loop, answer = job
            self._began = time.monotonic()
            try:
                result, error = work(), None
            except Exception as raised:
                result, error = None, raised
            self._began = None
            if not loop.is_closed():
                loop.call_soon_threadsafe(_settle, answer, result, error)


def _settle(answer: asyncio.Future[Any], result: Any, error: Exception | None) -> None:
    if answer.done():  # whoever asked was cancelled meanwhile
        return
    if error is None:
        answer.set_result(result)
    else:
        answer.set_exception(error)
