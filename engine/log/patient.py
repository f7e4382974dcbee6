"""Appending where there is nobody to refuse to: wait for room, for ever, and say so once."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from engine.log.api import Appended, Stored
from engine.log.errors import LogError

logger = logging.getLogger(__name__)

WAIT_S = (0.05, 0.2, 1.0, 2.0)
"""Pauses between tries; the last one repeats."""


async def until_stored(append: Callable[[], Awaitable[Appended]]) -> Stored:
    """Call `append` until it says `Stored`. LogError when it says that it never will."""
    tries = 0
    while True:
        outcome = await append()
        if isinstance(outcome, Stored):
            return outcome
        if not outcome.retry:
            raise LogError(outcome.reason)
        await asyncio.sleep(WAIT_S[min(tries, len(WAIT_S) - 1)])
        tries += 1
