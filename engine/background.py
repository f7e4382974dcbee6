"""What a host does by the clock: ticks, forgetting, saying how it is."""

import asyncio
import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping

from engine.log.api import Log, NotStored
from engine.log.errors import LogError
from engine.log.record import RecordKind, Topic
from engine.log.retention import Keep
from engine.log.sqlite import SqliteLog
from engine.settings import HostSettings

logger = logging.getLogger(__name__)

RETAIN_S = 60.0
HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS


async def every(seconds: float, work: Callable[[], Awaitable[None]]) -> None:
    """Call `work` now and every so many seconds until cancelled; a late call is not made up for."""
    loop = asyncio.get_running_loop()
    due = loop.time()
    while True:
        await work()
        due = max(due + seconds, loop.time())
        await asyncio.sleep(due - loop.time())


async def tick(log: Log, counts: Counter[str], body: bytes = b"") -> None:
    """A tick to every partition of FRAMES. On a full disk there is none: the next one says the time as well."""
    places = range(log.partitions(Topic.FRAMES))
    outcomes = await asyncio.gather(*(log.put(Topic.FRAMES, p, RecordKind.TICK, body) for p in places))
    for outcome in outcomes:
        if not isinstance(outcome, NotStored):
            counts["ticks"] += 1
        elif outcome.retry:
            counts["ticks_missed"] += 1
        else:
            raise LogError(outcome.reason)


async def retain(log: SqliteLog, settings: HostSettings, snapshots: Mapping[int, int], group: str, now_ms: int) -> None:
    """Let the log forget what the settings allow and neither a snapshot nor a stage needs any more."""
    gone = 0
    for keep in (_frames(settings, snapshots, now_ms), _derived(log, settings, group, now_ms)):
        gone += await asyncio.to_thread(log.retain, keep)
    if gone:
        logger.info("the log forgot %s old records", gone)


def _frames(settings: HostSettings, snapshots: Mapping[int, int], now_ms: int) -> Keep:
    """Frames are evidence: they stay unless somebody said otherwise."""
    return Keep(
        needed={(Topic.FRAMES, partition): offset for partition, offset in snapshots.items()},
        older_than_ms=None if settings.retain_days is None else now_ms - round(settings.retain_days * DAY_MS),
        bytes_max=settings.retain_bytes,
    )


def _derived(log: SqliteLog, settings: HostSettings, group: str, now_ms: int) -> Keep:
    """What follows from frames can be made again."""
    return Keep(
        needed={place: next_ for place, next_ in log.committed(group).items() if place[0] is not Topic.FRAMES},
        older_than_ms=now_ms - round(settings.retain_derived_h * HOUR_MS),
    )
