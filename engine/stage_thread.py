"""A thread of its own for the blocking calls of one stage: a slow store holds up neither the intake nor the judge."""

import asyncio
import logging
import queue
import threading
import time
from collections.abc import Callable
from typing import Any, TypeVar

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
        # daemon: a call that never returns must not keep the process from ending
        threading.Thread(target=self._run, name=name, daemon=True).start()

    async def call(self, work: Callable[[], T]) -> T:
        """What `work` returns or raises."""
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[T] = loop.create_future()
        self._jobs.put((work, loop, answer))
        return await answer

    async def until_done(self, work: Callable[[], Retry | None]) -> None:
        """Call `work` until it no longer asks to come again. Said once when that begins and once when it is over."""
        began = 0.0
        while (retry := await self.call(work)) is not None:
            self.retries += 1
            if not self.blocked:
                began = time.monotonic()
                logger.error("%s: waits: %s", self.name, retry.reason)
            self.blocked = retry.reason
            await asyncio.sleep(retry.after_s)
        if self.blocked:
            logger.warning("%s: goes on after %.1f s", self.name, time.monotonic() - began)
            self.blocked = ""

    def close(self) -> None:
        """End the thread after the calls that wait."""
        self._jobs.put(None)

    def _run(self) -> None:
        while (job := self._jobs.get()) is not None:
            work, loop, answer = job
            try:
                result, error = work(), None
            except Exception as raised:
                result, error = None, raised
            if not loop.is_closed():
                loop.call_soon_threadsafe(_settle, answer, result, error)


def _settle(answer: asyncio.Future[Any], result: Any, error: Exception | None) -> None:
    if answer.done():  # whoever asked was cancelled meanwhile
        return
    if error is None:
        answer.set_result(result)
    else:
        answer.set_exception(error)
