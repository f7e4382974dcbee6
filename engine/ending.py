"""The end of a host: each part is stopped in the opposite order of its start, or nothing is, if it must end at once."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import AsyncExitStack
from types import TracebackType
from typing import Self

logger = logging.getLogger(__name__)

Stop = Callable[[], Awaitable[object]]
Fail = Callable[[str, BaseException], None]
"""A part ended by itself: its name, and why."""


class Ending:
    """Collects what has to be done at the end, as an asynchronous context. `at_once` leaves undone what is not begun."""

    def __init__(self, fail: Fail) -> None:
        self.at_once = asyncio.Event()
        self._fail = fail
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        await self._stack.aclose()

    def then(self, name: str, stop: Stop, *, always: bool = False, within_s: float | None = None) -> None:
        """One step of the end. Its failure does not keep the others from their turn; `always`: done even at once.

        `within_s`: the next one begins after so long, whether this one is done, and whether it can be cancelled, or not.
        """

        async def step() -> None:
            if self.at_once.is_set() and not always:
                return
            work = asyncio.ensure_future(stop())
            hurry = asyncio.create_task(self.at_once.wait())
            waits_for = {work} if always else {work, hurry}
            await asyncio.wait(waits_for, timeout=within_s, return_when=asyncio.FIRST_COMPLETED)
            hurry.cancel()
            if not work.done():
                work.cancel()
                return
            if not work.cancelled() and (error := work.exception()):
                logger.error("%s: while stopping: %s", name, error, exc_info=error)

        self._stack.push_async_callback(step)

    def begin(self, name: str, work: Coroutine[None, None, None]) -> None:
        """Run something beside the host until the end; what it raises ends the host."""
        task = asyncio.create_task(work, name=name)

        def ended(task: asyncio.Task[None]) -> None:
            if not task.cancelled() and (error := task.exception()) is not None:
                self._fail(name, error)

        async def stop() -> None:
            task.cancel()
            await asyncio.wait([task])

        task.add_done_callback(ended)
        self.then(name, stop, always=True)
