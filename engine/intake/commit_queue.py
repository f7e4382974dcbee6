"""Between sockets and log: payloads collect while the log commits, and nobody is acknowledged before it has."""

import asyncio
import contextlib
import logging
import time
from collections import deque
from typing import Protocol

from engine.intake.company import LINGER_S, Company
from engine.intake.outage import Outage
from engine.intake.pace import Pace
from engine.intake.settings import IntakeSettings
from engine.log.api import FrameLog, FrameRow, NotStored, Stored

log = logging.getLogger("outfall.intake")

BATCH_BYTES = 1 << 20
"""A batch that holds so many bytes takes no more; the next one opens."""

BATCHES_PER_S_MAX = 1000.0
"""Log time grows by at least 1 ms a record: more records a second, and it would run ahead of the clock."""

AHEAD_S_MAX = 0.01
"""How far it may."""

ROW_BYTES = 200
"""What a waiting payload costs in memory besides its bytes (tuple, list slot, object heads), rounded up."""


class Share:
    """One connection's part of one batch."""

    __slots__ = ("answers", "batch", "messages", "sender", "told")

    def __init__(self, sender: "Sender", batch: "Batch") -> None:
        self.sender = sender
        self.batch = batch
        self.answers = bytearray()  # to be written after the commit, in the order received
        self.messages = 0
        self.told = 0  # of these: have an answer


class Batch:
    """What is committed together."""

    __slots__ = ("messages", "rows", "shares", "size")

    def __init__(self) -> None:
        self.rows: dict[int, list[FrameRow]] = {}  # by partition
        self.shares: list[Share] = []
        self.messages = 0
        self.size = 0


class Sender(Protocol):
    """A connection, as the queue sees it."""

    share: Share | None  # its part of the newest batch that holds something of it; None: nothing waits
    waiting: int  # its messages that are not stored yet

    def stored(self, share: Share) -> None:
        """All of it is in the log: write the answers."""

    def room(self) -> None:
        """The queue has room again."""


class CommitQueue:
    """Collects payloads into batches and appends them to the log one batch after the other (group commit).

    A batch of a steady stream waits a moment for company (`engine.intake.company`), a lone payload goes at once. A batch
    that the log does not take is kept, in order, and tried again for ever. Memory is bounded by the senders, who ask
    `full` before they read on.
    """

    def __init__(self, log: FrameLog, settings: IntakeSettings, counts: dict[str, int]) -> None:
        self._log = log
        self._settings = settings
        self._counts = counts
        self._bytes_max = settings.waiting_mib_max << 20
        self._batches: deque[Batch] = deque([Batch()])  # the last one is open
        self._work = asyncio.Event()
        self._company = Company()
        self._wanted = 1  # payloads that the open batch waits for
        self._together = asyncio.Event()  # they are here
        self._idle = asyncio.Event()
        self._idle.set()
        self._outage = Outage(counts)
        self._never = False  # the log has said that it will take nothing any more
        self._stalled: set[Sender] = set()
        self.waiting = 0  # messages
        self.waiting_bytes = 0

    @property
    def full(self) -> bool:
        """No more should be read from any socket."""
        return self.waiting_bytes >= self._bytes_max

    def tell_when_room(self, sender: Sender) -> None:
        """Call `sender.room()` once when the queue is half empty again."""
        self._stalled.add(sender)

    def forget(self, sender: Sender) -> None:
        """It is gone."""
        self._stalled.discard(sender)

    def put(self, sender: Sender, partition: int, row: FrameRow, answer: bytes) -> None:
        """One more payload; `answer` (b"": none) is written to its sender after the commit."""
        batch = self._batches[-1]
        if batch.size >= BATCH_BYTES:
            batch = Batch()
            self._batches.append(batch)
        rows = batch.rows.get(partition)
        if rows is None:
            rows = batch.rows[partition] = []
        rows.append(row)
        share = self._share(sender, batch)
        share.messages += 1
        if answer:
            share.answers += answer
            share.told += 1
        size = len(row[2]) + ROW_BYTES
        batch.size += size
        batch.messages += 1
        sender.waiting += 1
        self.waiting += 1
        self.waiting_bytes += size
        if self.waiting == 1:
            self._idle.clear()
        if self.waiting >= self._wanted:
            self._together.set()
        self._work.set()

    def behind(self, sender: Sender, answer: bytes) -> None:
        """An answer that must not overtake those that wait: messages are answered in the order received."""
        self._share(sender, self._batches[-1]).answers += answer
        self._work.set()

    async def run(self) -> None:
        """Commit batch after batch until cancelled."""
        pace = Pace(per_s=BATCHES_PER_S_MAX, burst_s=AHEAD_S_MAX)
        while True:
            await self._work.wait()
            await self._linger()
            batch = self._batches[0]
            if len(self._batches) == 1:
                self._batches.append(Batch())
                self._work.clear()
            await self._commit(batch)
            self._company.saw(self.waiting, now=time.monotonic())  # with those that came meanwhile
            self._batches.popleft()
            self._release(batch)
            if early_s := pace.take(now=time.monotonic()):
                await asyncio.sleep(early_s)

    async def _linger(self) -> None:
        """Give a batch of a stream the time to grow; one that has all the company it may expect goes at once."""
        self._wanted = self._company.wanted(now=time.monotonic())
        if 0 < self.waiting < self._wanted:
            self._together.clear()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(LINGER_S):
                    await self._together.wait()

    async def drain(self, seconds: float) -> int:
        """Wait until nothing waits, at most so long: how many messages wait still."""
        try:
            async with asyncio.timeout(0 if self._never else seconds):
                await self._idle.wait()
        except TimeoutError:
            log.error("stopped with %d payloads that the log did not take; none was acknowledged", self.waiting)
        return self.waiting

    def _share(self, sender: Sender, batch: Batch) -> Share:
        share = sender.share
        if share is None or share.batch is not batch:
            share = sender.share = Share(sender, batch)
            batch.shares.append(share)
        return share

    async def _commit(self, batch: Batch) -> None:
        left = batch.rows
        pause_s = self._settings.retry_s_first
        while left:
            outcomes = await asyncio.gather(*(self._log.append_frames(p, rows) for p, rows in left.items()))
            failed = [o for o in outcomes if isinstance(o, NotStored)]
            left = {p: rows for (p, rows), o in zip(left.items(), outcomes, strict=True) if not isinstance(o, Stored)}
            if left:
                self._never = not all(o.retry for o in failed)
                self._counts["log_failures"] += len(left)
                self._outage.lost(failed[0].reason, self.waiting)
                await asyncio.sleep(pause_s)
                pause_s = min(2 * pause_s, self._settings.retry_s_max)
        self._outage.back(self.waiting)

    def _release(self, batch: Batch) -> None:
        self.waiting -= batch.messages
        self.waiting_bytes -= batch.size
        self._counts["stored"] += batch.messages
        for share in batch.shares:
            sender = share.sender
            sender.waiting -= share.messages
            if sender.share is share:
                sender.share = None
            sender.stored(share)
        if not self.waiting:
            self._idle.set()
        if self._stalled and self.waiting_bytes <= self._bytes_max // 2:
            stalled, self._stalled = self._stalled, set()
            for sender in stalled:
                sender.room()
