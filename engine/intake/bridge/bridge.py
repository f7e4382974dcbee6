"""A bridge: takes what a broker holds for it, and acknowledges it to the broker when the log has committed it."""

import asyncio
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from engine.intake.bridge.backfill import Backfill
from engine.intake.bridge.dropped import TOPIC, Dropped
from engine.intake.bridge.history import Station
from engine.intake.bridge.line import Line
from engine.intake.bridge.memory import Doubt, Gap, Memory, MemoryFile
from engine.intake.bridge.mn_topic import MnTopic
from engine.intake.bridge.reception import BridgeReception
from engine.intake.bridge.settings import BridgeSettings
from engine.intake.bridge.wire import LineError, NoAnswer
from engine.intake.commit_queue import CommitQueue
from engine.intake.counts import GAUGES, Refused, zero
from engine.intake.refusals import RefusalBook
from engine.intake.settings import IntakeSettings
from engine.log.api import FrameLog

log = logging.getLogger("outfall.intake")

FIRST_RETRY_S = 0.25
ANSWERS_S_MAX = 1.0
"""How long a stop waits for acknowledgements of what was refused: they stand behind those of what was stored."""

TEND_S = 1.0
REMEMBER_S = 5.0
"""How often it is written down that the bridge is up to date. A gap is taken to begin at the last time."""

WHY = {
    Doubt.NONE: "expected the broker to have kept it, got a new one",
    Doubt.LOGIN: "the bridge died while it logged in, and cannot know whether this is the old one",
    Doubt.RESTORED: "the data directory comes from a backup, and what was acknowledged since then is not in its log",
}


class Bridge:
    """`engine.stages.Intake` over one broker. The broker may come and go; the bridge comes back by itself.

    `folder` keeps what it must know after a crash. `stations` gives the monitors there are, by MN. `restored_ms`: up to
    which log time the data directory comes from a backup; 0: it does not. `counts` is described in `engine.intake.counts`
    and only ever grows.
    """

    def __init__(
        self,
        settings: BridgeSettings,
        intake: IntakeSettings,
        log: FrameLog,
        partition_of: Callable[[str], int],
        stations: Callable[[], Sequence[Station]],
        folder: Path,
        *,
        restored_ms: int = 0,
    ) -> None:
        self.counts = zero()
        self.failure: Exception | None = None  # why it ended by itself; None: it did not
        self._settings = settings
        self._intake = intake
        self._log = log
        self._partition_of = partition_of
        self._stations = stations
        self._folder = folder
        self._restored_ms = restored_ms
        self._line: Line | None = None  # while it is up
        self._is_up = asyncio.Condition()
        self._lost_s: float | None = None  # since when the broker is away; None: it is there
        self._why = ""  # it is
        self._tasks: list[asyncio.Task[None]] = []

    @property
    def away(self) -> str:
        """Why it has no broker now; "": it has, or it is just looking for it."""
        return self._why

    @property
    def gauges(self) -> Mapping[str, int]:
        """What it holds now (`engine.intake.counts.GAUGES`)."""
        if not self._tasks:
            return dict.fromkeys(GAUGES, 0)
        queue, is_up = self._reception.queue, int(self._line is not None)
        return {
            "connected": 0,
            "sessions": 0,
            "waiting": queue.waiting,
            "waiting_bytes": queue.waiting_bytes,
            "brokers": is_up,
        }

    async def start(self) -> None:
        """Begin. A broker that is not there is waited for; OSError where the folder cannot be used."""
        self._memory = await asyncio.to_thread(MemoryFile, self._folder, self._settings.client_id)
        if self._restored_ms:
            await asyncio.to_thread(self._memory.restored, self._restored_ms)
        self._reception = BridgeReception(
            settings=self._settings,
            intake=self._intake,
            topic=MnTopic.of(self._settings.topic),
            queue=CommitQueue(self._log, self._intake, self.counts),
            partition_of=self._partition_of,
            counts=self.counts,
            refusals=RefusalBook(self.counts, self._intake.refusals),
            dropped=Dropped(self._settings.place, self.counts),
        )
        self._backfill = Backfill(self._settings, self._memory, self.counts, self._stations, self._line_up)
        work = [self._reception.queue.run, self._serve, self._tend]
        if self._settings.backfill:
            work.append(self._backfill.run)
        self._tasks = [asyncio.create_task(self._guarded(one)) for one in work]

    async def stop(self) -> None:
        """Take nothing more; acknowledge what has been received when it is in the log; leave. The session stays."""
        if not self._tasks:
            return
        commit, *others = self._tasks
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        was_even = self._line is not None and self._line.is_even
        if self._line is not None:
            self._line.read_no_more()
        patience_s = 0.0 if self.failure else self._intake.stop_s_max
        self.counts["abandoned"] += await self._reception.queue.drain(patience_s)
        if self._line is not None:
            await self._line.answered(min(patience_s, ANSWERS_S_MAX))
            if was_even and not self.counts["abandoned"]:
                await self._remember()
            self._line.close()
        commit.cancel()
        await asyncio.gather(commit, return_exceptions=True)
        self._tasks = []

    async def _guarded(self, work: Callable[[], object]) -> None:
        """If a part dies, nothing is acknowledged any more: end rather than look alive."""
        try:
            await work()  # type: ignore[misc]
        except Exception as error:
            log.critical("bridge %s ends: %r; the broker keeps what is not acknowledged", self._settings.client_id, error)
            self.failure = self.failure or error

    async def _serve(self) -> None:
        """One connection after the other."""
        pause_s = FIRST_RETRY_S
        while True:
            try:
                line = await self._opened()
                pause_s = FIRST_RETRY_S
                await asyncio.wait({line.wire.ended})
                await self._set_line(None)
                line.close()
                self._lost(f"{self._settings.place}: {line.wire.ended.result()}")
            except (LineError, OSError) as error:
                self._lost(str(error))
            await asyncio.sleep(pause_s)
            pause_s = min(2 * pause_s, self._settings.reconnect_s_max)

    async def _opened(self) -> Line:
        """A line that is logged in and subscribed. LineError, or OSError where that cannot be remembered."""
        while self._reception.queue.full:  # what comes over a new line has to go somewhere
            await asyncio.sleep(FIRST_RETRY_S)
        before = self._memory.content
        doubt = before.doubt or Doubt.LOGIN
        line = Line(self._reception, before_connect=lambda: self._memory.update(doubt=doubt))
        try:
            present = await self._let_in(line, before)
            line.wire.read_on()
            await line.wire.subscribe(self._settings.filter, instead_of=before.filter if present else "")
            await self._established(present=present, doubt=before.doubt)
            if self._settings.watch_dropped:
                await line.wire.listen(TOPIC)
        except BaseException:
            line.close()
            raise
        self.counts["broker_logins"] += 1
        self._back()
        await self._set_line(line)
        return line

    async def _let_in(self, line: Line, before: Memory) -> bool:
        """Log in; whether the broker says that it had the session.

        From the moment that CONNECT leaves until its answer is on disk, a death of this process leaves doubt whether a
        session that is there next time is the old one. A broker that says no, or closes, has made none.
        """
        try:
            present = await line.wire.connect()
        except NoAnswer:
            raise
        except LineError:
            await asyncio.to_thread(self._memory.update, doubt=before.doubt)
            raise
        if present and not before.doubt:
            await asyncio.to_thread(self._memory.update, doubt=Doubt.NONE)
        return present

    async def _established(self, *, present: bool, doubt: Doubt) -> None:
        """Remember it, and a gap where something was lost. All of it is on disk before the line counts as up."""
        settings, before = self._settings, self._memory.content
        now_ms = _now_ms()
        news = {"doubt": Doubt.NONE, "place": settings.place, "filter": settings.filter, "whole_until_ms": now_ms}
        if not before.filter or (present and not doubt):
            await asyncio.to_thread(self._memory.update, **news)
            return
        gap = Gap(at_ms=now_ms, from_ms=before.whole_until_ms, to_ms=now_ms, done=not settings.backfill)
        await asyncio.to_thread(self._memory.add_gap, gap, **news)
        self._tell(gap, WHY[doubt if present else Doubt.NONE], before.place)
        self._backfill.wake()

    def _tell(self, gap: Gap, why: str, place: str) -> None:
        self.counts["sessions_lost"] += 1
        moved = f" (it was at {place})" if place != self._settings.place else ""
        then = "every monitor is asked for its history" if self._settings.backfill else "nobody is asked: backfill is off"
        span = f"from {_shown(gap.from_ms)} to {_shown(gap.to_ms)}"
        detail = f"session {self._settings.client_id}{moved}: {why}: messages {span} may be lost; {then}"
        log.error("%s: %s", self._settings.place, detail)
        self._reception.refuse(Refused.SESSION_LOST, detail)

    async def _tend(self) -> None:
        """Pings, and now and then a note that all is well."""
        due = 0.0
        while True:
            await asyncio.sleep(TEND_S)
            if self._line is None:
                continue
            self._line.wire.tend()
            if time.monotonic() >= due:
                due = time.monotonic() + REMEMBER_S
                if self._line.is_even:
                    await self._remember()

    async def _remember(self) -> None:
        try:
            await asyncio.to_thread(self._memory.update, whole_until_ms=_now_ms())
        except OSError as error:
            log.debug("%s: %s; a gap would be taken to begin earlier", self._memory.path, error)

    async def _line_up(self) -> Line:
        async with self._is_up:
            await self._is_up.wait_for(lambda: self._line is not None)
            assert self._line is not None
            return self._line

    async def _set_line(self, line: Line | None) -> None:
        async with self._is_up:
            self._line = line
            self._is_up.notify_all()

    def _lost(self, reason: str) -> None:
        """Said once, and again when the reason is another."""
        if self._lost_s is None:
            self._lost_s = time.monotonic()
            self.counts["broker_losses"] += 1
        if reason != self._why:
            self._why = reason
            log.error("bridge %s has no broker: %s; what it did not acknowledge, the broker has to keep", self._name, reason)

    def _back(self) -> None:
        if self._lost_s is None:
            log.info("bridge %s takes %s from %s", self._name, self._settings.filter, self._settings.place)
        else:
            log.warning("bridge %s has its broker again after %.1f s", self._name, time.monotonic() - self._lost_s)
        self._lost_s, self._why = None, ""

    @property
    def _name(self) -> str:
        return self._settings.client_id


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


def _shown(ms: int) -> str:
    return datetime.fromtimestamp(ms / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
