"""The life of a host process: start, run, end in order or at once, with a code that says why."""

import asyncio
import contextlib
import logging
import os
import signal
import threading
from collections import Counter
from collections.abc import Callable, Coroutine, Iterator, Sequence
from functools import partial

import faust

from engine.app import Parts, Stages
from engine.background import every
from engine.embedded_ground import EmbeddedGround
from engine.ending import Ending
from engine.exit_codes import ExitCode
from engine.garbage import start_kept
from engine.ground import Chore, Ground
from engine.http.pulse import Pulse
from engine.http.server import HttpServer
from engine.log.api import HostLog
from engine.log.errors import DirectoryInUseError, FencedError, LogError, StalledError
from engine.log.sqlite import wall_ms
from engine.logs import fields
from engine.probes import host_probes
from engine.settings import HostSettings
from engine.stages import Intake, Service
from engine.status import Health, write_status

logger = logging.getLogger(__name__)

FAUST_STOP_S = 5.0
HARD_EXIT_S = 5.0
"""After the end the process ends, even if a task of Faust will not be cancelled."""

WATCH_S = 0.2
LOOK_S = 1.0

CODES = {"detect": ExitCode.DETECT, "store": ExitCode.STORE, "duty": ExitCode.DUTY, "intake": ExitCode.INTAKE}
KINDS: dict[type[BaseException], ExitCode] = {
    DirectoryInUseError: ExitCode.IN_USE,
    LogError: ExitCode.LOG,
    FencedError: ExitCode.FENCED,
    StalledError: ExitCode.STALLED,
}
"""What an error says by itself, whichever part it ended."""

SIGNALS = {signal.SIGINT: ExitCode.INTERRUPTED, signal.SIGTERM: ExitCode.TERMINATED}


class PartFailedError(RuntimeError):
    """A part of the host could not start."""

    def __init__(self, part: str, reason: Exception) -> None:
        super().__init__(str(reason))
        self.part = part


def run_app(
    settings: HostSettings, parts: Parts, *, now_ms: Callable[[], int] = wall_ms, ground: Ground | None = None
) -> ExitCode:
    """Run a host until a signal or a failure ends it. The first signal ends in order, the second at once."""

    async def main() -> ExitCode:
        host = Host(settings, parts, now_ms=now_ms, ground=ground)
        with _signals(host):
            code = await host.run()
        last_resort.args = (code,)
        last_resort.start()
        return code

    last_resort = threading.Timer(HARD_EXIT_S, os._exit)
    last_resort.daemon = True
    try:
        return asyncio.run(main())
    finally:
        last_resort.cancel()


class Host:
    """One host process. `run` it once; call `stop` on the same event loop. `ground` None: a log in the data directory."""

    def __init__(
        self,
        settings: HostSettings,
        parts: Parts,
        *,
        now_ms: Callable[[], int] = wall_ms,
        ground: Ground | None = None,
    ) -> None:
        self.settings = settings
        self.parts = parts
        self.ground = ground or EmbeddedGround(settings, now_ms)
        self.counts: Counter[str] = Counter()
        self.ready = asyncio.Event()  # everything has started, the intake listens
        self.intake: Intake | None = None
        self.log: HostLog | None = None
        self.health: Health | None = None
        self.app: faust.App | None = None
        self.stages: Stages | None = None
        self.http: HttpServer | None = None
        self.pulse = Pulse()
        self._now_ms = now_ms
        self._code = ExitCode.OK
        self._failed = False
        self._end = asyncio.Event()
        self._ending = Ending(self._fail)

    @property
    def stopping(self) -> bool:
        """Whether it is on its way to its end."""
        return self._end.is_set()

    def stop(self, code: ExitCode = ExitCode.INTERRUPTED) -> None:
        """End in order and return OK; a second call ends at once and returns `code`."""
        if self._end.is_set():
            self._code = code
            self._ending.at_once.set()
        else:
            logger.warning("stopping in order; once more ends at once")
            self._end.set()

    async def run(self) -> ExitCode:
        """Start, run, end. Why it ended is said in the process's log."""
        try:
            with start_kept() as started:
                async with self._ending as ending:
                    await self._unless_it_ends(self._start(ending))
                    started()
                    await self._end.wait()
        except PartFailedError as error:
            self._fail(error.part, error)
        except Exception as error:
            self._fail("host", error)
        self._say_what_is_left()
        return self._code

    async def _start(self, ending: Ending) -> None:
        """The order in which a host comes to life; it ends in the opposite one."""
        settings, parts = self.settings, self.parts
        if parts.http is not None:
            self.http = HttpServer(parts.http, host_probes(self, parts.http, self._now_ms))
            await self._start_part(ending, "http", self.http, always=True)
            logger.info("HTTP endpoint listens on %s", self.http.address)
        ending.begin("pulse", self.pulse.run())
        log = self.log = await self.ground.open()
        ending.then("log", partial(asyncio.to_thread, log.close), always=True)
        ending.then("ground", self.ground.leave)
        await self.ground.announce(parts)

        stages = self.stages = self.ground.stages(parts, self.counts) if self.ground.works else None
        self.health = Health(log, stages.by_topic if stages else {}, self.counts, self._now_ms)
        ending.then("status", partial(self._say_how_it_is, "stopped"), always=True)
        for service in parts.services:
            await self._start_part(ending, "service", service)
        if stages is not None:
            await self._start_stages(ending, stages)

        ending.begin("lag", every(LOOK_S, self.health.behind.look))
        ending.begin("watch", every(WATCH_S, self._watch))
        ending.begin("status", every(settings.status_s, partial(self._say_how_it_is, "running")))
        self._begin(ending, self.ground.chores(stages, self.counts))
        if parts.intake is not None and self.ground.hears:
            await self._start_intake(ending, parts.intake(log))
        self.ready.set()

    async def _start_stages(self, ending: Ending, stages: Stages) -> None:
        ending.then("stages", stages.stop)
        app = self.app = await self.ground.app(stages, self._fail)
        ending.then("faust", app.stop, always=True, within_s=FAUST_STOP_S)
        await app.start()
        ending.then("drain", partial(self._drain, stages))

    async def _start_intake(self, ending: Ending, intake: Intake) -> None:
        await self.ground.listening()
        self.intake = intake
        await self._start_part(ending, "intake", intake)
        self._begin(ending, self.ground.hearing_chores(intake, self.counts))

    def _begin(self, ending: Ending, chores: Sequence[Chore]) -> None:
        for chore in chores:
            ending.begin(chore.name, every(chore.every_s, chore.work))

    async def _unless_it_ends(self, start: Coroutine[None, None, None]) -> None:
        """A start may wait (for room on the disk, say); a signal ends that too."""
        starting = asyncio.create_task(start, name="start")
        end = asyncio.create_task(self._end.wait())
        await asyncio.wait({starting, end}, return_when=asyncio.FIRST_COMPLETED)
        end.cancel()
        if starting.done():
            starting.result()
        else:
            starting.cancel()
            await asyncio.wait({starting})

    async def _start_part(self, ending: Ending, name: str, part: Service, *, always: bool = False) -> None:
        try:
            await part.start()
        except Exception as error:
            raise PartFailedError(name, error) from error
        ending.then(name, part.stop, always=always)

    def _fail(self, part: str, error: BaseException) -> None:
        """The first failure decides the code; the host ends, and does not wait for the stages to catch up."""
        if self._failed:
            return
        self._failed = True
        by_kind = (code for kind, code in KINDS.items() if isinstance(error, kind))
        self._code = next(by_kind, CODES.get(part, ExitCode.HOST))
        expected = isinstance(error, (*KINDS, PartFailedError))
        about = fields(part=part, exit_code=int(self._code))
        logger.error("%s: %s", part, error, exc_info=None if expected else error, extra=about)
        self._end.set()

    async def _watch(self) -> None:
        """What ends by itself without raising anything."""
        intake = self.intake.failure if self.intake is not None else None
        for part, failure in {**self.ground.failures(self.stages), "intake": intake}.items():
            if failure is not None:
                self._fail(part, failure)

    async def _drain(self, stages: Stages) -> None:
        """Let the stages finish, unless the host failed."""
        assert self.health is not None
        await self.ground.drain(stages, self.health, 0 if self._failed else self.settings.drain_s)

    async def _say_how_it_is(self, state: str) -> None:
        assert self.health is not None
        status = self.health.status(state, self.intake.counts if self.intake is not None else {}) | self._address()
        try:
            await asyncio.to_thread(write_status, self.settings.data, status, self.parts.redaction.text)
        except OSError as error:
            self.counts["status_failed"] += 1
            logger.debug("status.json: %s", error)

    def _address(self) -> dict[str, str]:
        return {"http": self.http.address} if self.http is not None else {}

    def _say_what_is_left(self) -> None:
        left = {stage: lag for stage, lag in self.health.lag().items() if lag} if self.health is not None else {}
        if left:
            records = ", ".join(f"{lag} for {stage}" for stage, lag in left.items())
            logger.warning("stopped; records left in the log, done at the next start: %s", records)
        elif not self._failed:
            logger.info("stopped; nothing is left to do")


@contextlib.contextmanager
def _signals(host: Host) -> Iterator[None]:
    loop = asyncio.get_running_loop()
    for number, code in SIGNALS.items():
        loop.add_signal_handler(number, host.stop, code)
    try:
        yield
    finally:
        for number in SIGNALS:
            loop.remove_signal_handler(number)
