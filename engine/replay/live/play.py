"""One recording through the live path: publisher and host started, watched, ended in order."""

import asyncio
import logging
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from engine.announce import append_control
from engine.demo.tally import FieldMemory, Tally
from engine.exit_codes import ExitCode
from engine.log.record import Control, ControlKind
from engine.replay.account import Progress
from engine.replay.live.host import LOGIN, LiveHost, live_host
from engine.replay.live.publisher import PublisherOptions, start_publisher
from engine.replay.live.survey import Survey
from engine.replay.live.times import Clock, make_times
from engine.replay.recording import Recording

BEFORE_MS = 1000
"""The host starts so long before the first reading is known."""

LOOK_S = 0.05
PUBLISHER_END_S = 10.0


class LiveError(Exception):
    """The recording did not get through the live path; says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Played:
    """What the publisher counted, and how long it all took."""

    tally: Tally
    published_s: float  # from the first publish to the last PUBACK
    seconds: float  # from the first publish until every stage had finished


class LastWords(logging.Handler):
    """Keeps the last error that the host said."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.text = "no error was logged"

    def emit(self, record: logging.LogRecord) -> None:
        """Keep it."""
        self.text = record.getMessage()


class Play:
    """One performance on an empty data directory."""

    def __init__(self, recording: Recording, survey: Survey, data: Path, progress: Progress) -> None:
        self.recording = recording
        self.survey = survey
        self.data = data
        self._progress = progress
        self._interrupted = False
        self._began = 0.0
        self._words = LastWords()
        self._memory = FieldMemory(data, start_ms=0)

    def run(self) -> Played:
        """Play it. LiveError says why it did not reach its end, KeyboardInterrupt that somebody ended it."""
        root = logging.getLogger()
        root.addHandler(self._words)
        try:
            played = asyncio.run(self._run())
        finally:
            root.removeHandler(self._words)
        if self._memory.trouble:
            raise LiveError(self._memory.trouble)
        return played

    async def _run(self) -> Played:
        clock, times = Clock(self.survey.first_ms - BEFORE_MS), make_times(self.data, self.survey.readings)
        with live_host(self.data, self.survey.register, times, clock) as live, _signals(lambda: self._interrupt(live)):
            publisher = self._start(live)
            try:
                return await self._perform(live, publisher)
            finally:
                self._memory.raw.stop = 1
                await asyncio.to_thread(publisher.wait, PUBLISHER_END_S)

    async def _perform(self, live: LiveHost, publisher: "subprocess.Popen[bytes]") -> Played:
        host = live.host
        life = asyncio.create_task(host.run())
        ready = asyncio.create_task(host.ready.wait())
        await asyncio.wait({life, ready}, return_when=asyncio.FIRST_COMPLETED)
        if not life.done():
            self._memory.raw.port = live.port
            await self._watch(life, publisher)
        if not life.done() and not self._interrupted:
            assert host.log is not None
            await append_control(host.log, 0, Control(kind=ControlKind.END_OF_INPUT))
            host.stop()
        published_s = self._seconds()
        code = await life
        if self._interrupted:
            raise KeyboardInterrupt
        if code != ExitCode.OK:
            raise LiveError(f"the host ended with exit code {code.value}: {self._words.text}")
        return Played(tally=self._memory.tally(), published_s=published_s, seconds=self._seconds())

    async def _watch(self, life: "asyncio.Task[ExitCode]", publisher: "subprocess.Popen[bytes]") -> None:
        raw = self._memory.raw
        while not raw.finished and not life.done():
            if publisher.poll() is not None and not raw.finished:
                self._memory.fail(f"the publisher ended by itself, exit code {publisher.returncode}")
                return
            if raw.connected and not self._began:
                self._began = time.monotonic()
            self._progress(int(raw.readings), self.survey.readings)
            await asyncio.sleep(LOOK_S)

    def _seconds(self) -> float:
        """Since the publisher was let in."""
        return time.monotonic() - self._began if self._began else 0.0

    def _start(self, live: LiveHost) -> "subprocess.Popen[bytes]":
        return start_publisher(
            PublisherOptions(
                folder=str(self.data),
                parent=os.getpid(),
                login=LOGIN,
                secret=live.secret,
                file=str(self.recording.file),
                mapping=self.recording.mapping.file,
                config=str(self.recording.config or ""),
                to_ms=self.recording.to_ms,
                sort=self.survey.sort,
            )
        )

    def _interrupt(self, live: LiveHost) -> None:
        """Nothing of it is kept, so it ends at once."""
        self._interrupted = True
        self._memory.raw.stop = 1
        live.host.stop()
        live.host.stop()


@contextmanager
def _signals(interrupt: Callable[[], None]) -> Iterator[None]:
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, interrupt)
    try:
        yield
    finally:
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)
