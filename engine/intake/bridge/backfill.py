"""Where the broker lost what it held: every monitor is asked once for its history of that time, at a bounded pace."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Sequence

from engine.intake.bridge.history import Station, history_requests
from engine.intake.bridge.line import Line
from engine.intake.bridge.memory import Gap, MemoryFile
from engine.intake.bridge.mn_topic import MnTopic
from engine.intake.bridge.settings import BridgeSettings
from engine.intake.bridge.wire import LineError
from engine.intake.pace import Pace

log = logging.getLogger("outfall.intake")

KEEP_S = 1.0
"""How often it is written down how far it came. A crash repeats at most the requests of so long."""

BURST_S = 1.0


class Backfill:
    """Sends what the gaps in a bridge's memory ask for. A gap is in the file before its first request leaves."""

    def __init__(
        self,
        settings: BridgeSettings,
        memory: MemoryFile,
        counts: dict[str, int],
        stations: Callable[[], Sequence[Station]],
        line: Callable[[], Awaitable[Line]],
    ) -> None:
        """`stations` gives the monitors there are now, by MN; `line` waits for a connection to the broker."""
        self._settings = settings
        self._memory = memory
        self._counts = counts
        self._stations = stations
        self._line = line
        self._news = asyncio.Event()
        self._last_qn_ms = 0

    def wake(self) -> None:
        """There is a new gap."""
        self._news.set()

    async def run(self) -> None:
        """Ask gap after gap until cancelled."""
        while True:
            self._news.clear()
            gap = self._memory.content.open_gap
            if gap is None:
                await self._news.wait()
            else:
                await self._ask_all(gap)

    async def _ask_all(self, gap: Gap) -> None:
        pace = Pace(per_s=self._settings.requests_per_s_max, burst_s=BURST_S)
        asked, kept_s = gap.asked, time.monotonic()
        after = gap.after
        for station in self._stations():
            if station.mn <= after:
                continue
            await self._ask(station, gap, pace)
            asked, after = asked + 1, station.mn
            if time.monotonic() - kept_s >= KEEP_S:
                kept_s = time.monotonic()
                await self._keep(gap, asked=asked, after=after)
        await self._keep(gap, asked=asked, after=after, done=True)
        log.warning("%s: %d monitors were asked for their history of a gap", self._settings.client_id, asked)

    async def _ask(self, station: Station, gap: Gap, pace: Pace) -> None:
        """Both requests; over a line that breaks, again over the next."""
        topic = MnTopic.of(self._settings.topic_down).with_mn(station.mn)
        while True:
            line = await self._line()
            try:
                for frame in history_requests(station, gap.from_ms, gap.to_ms, qn_ms=self._qn_ms()):
                    await line.wire.publish(topic, frame)
                    self._counts["history_requests"] += 1
                    await asyncio.sleep(pace.take(now=time.monotonic()))
                return
            except LineError as error:
                log.debug("%s: %s", station.mn, error)

    async def _keep(self, gap: Gap, **changes: object) -> None:
        """A disk that is full now is not in a hurry: a crash would repeat requests, not lose them."""
        while True:
            try:
                await asyncio.to_thread(self._memory.change_gap, gap, **changes)
                return
            except OSError as error:
                log.debug("%s: %s", self._memory.path, error)
                await asyncio.sleep(KEEP_S)

    def _qn_ms(self) -> int:
        """Numbers of two requests that were never used before."""
        self._last_qn_ms = max(self._last_qn_ms + 2, time.time_ns() // 1_000_000)
        return self._last_qn_ms
