"""The leader's part in a change of version: append what is due."""

import asyncio
import logging
from collections.abc import Callable

from engine.cluster.controls import Append, Controls

logger = logging.getLogger(__name__)


async def announce_due(controls: Controls, append: Append, *, leads: Callable[[], bool]) -> int:
    """Append every control record that is due and note where it stands; how many there were.

    `leads` is asked before each: who no longer leads appends nothing more. DatabaseUnavailableError where the database
    cannot be reached: what was appended and not noted comes again, which changes nothing.
    """
    done = 0
    held = None
    for due in await asyncio.to_thread(controls.due):
        if held is None or held[0] != (due.kind, due.version):
            held = (due.kind, due.version), await asyncio.to_thread(controls.content, due.kind, due.version)
        if not leads():
            break
        offset = await append(due.partition, held[1])
        await asyncio.to_thread(controls.appended, due, offset)
        logger.info("frames/%s: %s %s takes over at offset %s", due.partition, due.kind, due.version, offset)
        done += 1
    return done
