"""What one worker does for all: by a lease in the database, so that another one does it when this one is gone."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable

from engine.cluster.lease import Lease, Leases
from engine.database.errors import DatabaseUnavailableError

logger = logging.getLogger(__name__)

NAME = "leader"
LEASE_S = 15.0
LOOK_S = 3.0

Duty = Callable[[Callable[[], bool]], Awaitable[object]]
"""Done again and again while it leads; it is given the question whether it leads still."""


class Leader:
    """Asks for the lease now and then. A database that is away makes nobody leader; who was it stops in time by itself."""

    def __init__(self, leases: Leases, owner: str, duty: Duty) -> None:
        self._leases = leases
        self._owner = owner
        self._duty = duty
        self._held: Lease | None = None
        self._asked_at = 0.0
        self._lost = False

    @property
    def leads(self) -> bool:
        """Whether nobody else can."""
        return self._held is not None and self._held.holds(time.monotonic())

    async def look(self) -> None:
        """Called every second or so: ask for the lease, and do what a leader does."""
        try:
            if time.monotonic() - self._asked_at > LOOK_S:
                self._asked_at = time.monotonic()
                await self._ask()
            if self.leads:
                await self._duty(lambda: self.leads)
        except DatabaseUnavailableError as error:
            if not self._lost:
                logger.error("%s; nobody leads until then", error)
            self._lost = True
        else:
            self._lost = False

    async def stop(self) -> None:
        """Let another one lead at once."""
        held, self._held = self._held, None
        if held is not None:
            await asyncio.to_thread(self._leases.release, held)

    async def _ask(self) -> None:
        held, led = self._held, self._held is not None
        if held is not None:
            self._held = await asyncio.to_thread(self._leases.renew, held, LEASE_S)
        else:
            self._held = await asyncio.to_thread(self._leases.take, NAME, self._owner, LEASE_S)
        if (self._held is not None) != led:
            logger.info("%s", f"{self._owner} leads now" if self._held is not None else f"{self._owner} leads no more")
