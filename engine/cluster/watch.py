"""Learns of newer versions while a worker runs."""

import asyncio
import contextlib
import logging
import threading
from collections.abc import Callable

from engine.cluster.versions import InForce, Versions
from engine.database.errors import DatabaseUnavailableError

logger = logging.getLogger(__name__)

POLL_S = 1.0


class Watch:
    """What is in force, as this worker knows it. A service that asks now and then; who meets what is unknown asks at once.

    `current` may be read from any thread, and `catch_up` called from any. `on_change` is called in the thread that learned.
    """

    def __init__(
        self,
        versions: Versions,
        current: InForce,
        *,
        poll_s: float = POLL_S,
        on_change: Callable[[InForce], None] = lambda _: None,
    ) -> None:
        self.versions = versions
        self.current = current
        self._poll_s = poll_s
        self.on_change = on_change
        self._lock = threading.Lock()
        self._polling: asyncio.Task[None] | None = None
        self._lost = False

    async def start(self) -> None:
        """Begin to ask."""
        self._polling = asyncio.create_task(self._poll(), name="versions")

    async def stop(self) -> None:
        """Ask no more."""
        if self._polling is not None:
            self._polling.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._polling

    def catch_up(self) -> InForce:
        """What is in force now. DatabaseUnavailableError where that cannot be asked."""
        with self._lock:
            found = self.versions.newer(self.current)
            if found is not None:
                self.current = found
                logger.info("works by registry %s and rules %s now", found.registry.version, found.rules.version)
                self.on_change(found)
            return self.current

    async def _poll(self) -> None:
        while True:
            await asyncio.sleep(self._poll_s)
            try:
                await asyncio.to_thread(self.catch_up)
            except DatabaseUnavailableError as error:
                if not self._lost:
                    logger.error("%s; newer versions are not learned of until then", error)
                self._lost = True
            else:
                if self._lost:
                    logger.warning("newer versions are learned of again")
                self._lost = False
