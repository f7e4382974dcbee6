"""The log times of a recording's frames: written by the publisher, read by the host as the frames reach its log."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from engine.log.api import Appended, FrameRow, Log, NotStored
from engine.log.errors import LogError
from engine.log.record import RecordKind, Topic
from sensors.frames import FrameBatch

FILE = "times.mem"


def make_times(folder: Path, frames_max: int) -> NDArray[np.int64]:
    """The shared column, shape (frames_max,): the log time of the n-th frame published, in UTC ms."""
    return np.memmap(folder / FILE, np.int64, "w+", shape=(frames_max,))


def open_times(folder: Path) -> NDArray[np.int64]:
    """The same column in the publisher's process."""
    return np.memmap(folder / FILE, np.int64, "r+")


class Clock:
    """The time of the recording, as far as it is in the log."""

    def __init__(self, now_ms: int) -> None:
        self._now_ms = now_ms

    def now_ms(self) -> int:
        """UTC ms."""
        return self._now_ms

    def along(self, times_ms: NDArray[np.int64]) -> NDArray[np.int64]:
        """Go on along these times; those that have been reached already are 1 ms after the last one."""
        log_ms = np.maximum(times_ms, self._now_ms + 1)
        self._now_ms = int(log_ms[-1])
        return log_ms


class TimedLog:
    """The log, as the endpoint of a live replay sees it: each frame is appended at its time in the recording.

    One connection publishes, so frames come in the order of `times`. What the endpoint hands over together is one
    record, as in any live log; its frames keep times of their own, and the judge takes one time after the other.
    """

    def __init__(self, log: Log, times: NDArray[np.int64], clock: Clock) -> None:
        self._log = log
        self._times = times
        self._clock = clock
        self._frames = 0

    async def append_frames(self, partition: int, rows: list[FrameRow]) -> Appended:
        """Append payloads; LogError where the log does not take them: this host has no second try."""
        first, self._frames = self._frames, self._frames + len(rows)
        log_ms = self._clock.along(self._times[first : self._frames])
        body = FrameBatch.of([(at_ms, *row) for at_ms, row in zip(log_ms.tolist(), rows, strict=True)]).encode()
        outcome = await self._log.put(Topic.FRAMES, partition, RecordKind.FRAMES, body, log_ms=int(log_ms[-1]))
        if isinstance(outcome, NotStored):
            raise LogError(outcome.reason)
        return outcome
