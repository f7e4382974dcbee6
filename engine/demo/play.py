"""One performance: the field and the pipeline started, watched, ended in order, and added up."""

import asyncio
import os
import signal
import subprocess
import time
from pathlib import Path

from engine.demo.account import Account, make_account
from engine.demo.board import View
from engine.demo.collect import collect
from engine.demo.field_process import FieldOptions, start_field
from engine.demo.fronts import Front
from engine.demo.options import DemoOptions
from engine.demo.pipeline import Pipeline, make_pipeline
from engine.demo.rulebook import make_rulebook
from engine.demo.story import START_MS
from engine.demo.tally import FieldMemory
from engine.exit_codes import ExitCode
from sensors.field.district import make_district

STEP_S = 30
STEP_JSON_S = 180
LOOK_S = 0.125
SETTLE_S = 60.0
"""How long the stages may take for what is left when the field has ended."""

FIELD_END_S = 10.0
LOG = "demo.log"
"""What the pipeline says, in the data directory."""


class DemoError(Exception):
    """The demo cannot be played."""


class Play:
    """One performance."""

    def __init__(self, options: DemoOptions, data: Path, front: Front) -> None:
        self.options = options
        self.data = data
        self.interrupted = False
        self.first_alert_s: float | None = None  # from the start of the demo to the first page
        self.seconds = 0.0
        self._began = time.monotonic()
        self._step_s = STEP_JSON_S if options.json else STEP_S
        self._memory = FieldMemory(data, start_ms=START_MS)
        self._front = front
        self._pipeline: Pipeline | None = None

    async def run(self) -> Account:
        """Start everything, watch it, end it in order, add up."""
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, self._interrupt)
        district = make_district(seed=self.options.seed, lang=self.options.lang)
        rules = make_rulebook(district.registry)
        pipeline = self._pipeline = await make_pipeline(
            self.data, district, rules, self._memory, lang=self.options.lang, port=self.options.port
        )
        try:
            trouble = await self._perform(pipeline)
        finally:
            await pipeline.close()
        numbers = await asyncio.to_thread(collect, self.data, pipeline, self._memory.tally())
        self.seconds = round(time.monotonic() - self._began, 2)
        return make_account(numbers, step_s=self._step_s, trouble=trouble)

    async def _perform(self, pipeline: Pipeline) -> str:
        """Play the story to its end; why it ended early, or nothing."""
        field = self._start_field(pipeline)
        life = asyncio.create_task(pipeline.host.run())
        try:
            await self._until_ready(pipeline, life)
            self._memory.raw.port = pipeline.port
            with self._front:
                await self._watch(pipeline, life, field)
                settled = await self._settle(pipeline, life)
            pipeline.host.stop()
            code = await life
        finally:
            self._memory.raw.stop = 1
            await asyncio.to_thread(field.wait, FIELD_END_S)
        if code != ExitCode.OK:
            return f"the pipeline ended with exit code {code.value}: {last_words(self.data)}"
        return self._memory.trouble or settled

    async def _until_ready(self, pipeline: Pipeline, life: "asyncio.Task[ExitCode]") -> None:
        ready = asyncio.create_task(pipeline.host.ready.wait())
        await asyncio.wait({life, ready}, return_when=asyncio.FIRST_COMPLETED)
        if life.done():
            raise DemoError(f"the pipeline did not start (exit code {life.result().value}): {last_words(self.data)}")

    def _start_field(self, pipeline: Pipeline) -> "subprocess.Popen[bytes]":
        return start_field(
            FieldOptions(
                folder=str(self.data),
                parent=os.getpid(),
                secrets=pipeline.secrets,
                seed=self.options.seed,
                hours=self.options.hours,
                step_s=self._step_s,
                speed=0.0 if self.options.json else self.options.speed,
            )
        )

    async def _watch(self, pipeline: Pipeline, life: "asyncio.Task[ExitCode]", field: "subprocess.Popen[bytes]") -> None:
        while not self._memory.raw.finished and not life.done():
            if field.poll() is not None and not self._memory.raw.finished:
                self._memory.fail(f"the field's process ended by itself, exit code {field.returncode}")
                return
            self._look(pipeline)
            await asyncio.sleep(LOOK_S)

    async def _settle(self, pipeline: Pipeline, life: "asyncio.Task[ExitCode]") -> str:
        """Let every stage finish what is in the log and every page arrive; what is left after `SETTLE_S`."""
        deadline = time.monotonic() + SETTLE_S
        while not life.done():
            records, pages = pipeline.waiting(), await asyncio.to_thread(pipeline.pages_waiting)
            if records <= 1 and not pages:  # a tick may always be on its way
                break
            if time.monotonic() > deadline:
                return f"{records} records and {pages} pages were not finished within {SETTLE_S:.0f} s"
            self._look(pipeline)
            await asyncio.sleep(LOOK_S)
        self._look(pipeline)
        return ""

    def _look(self, pipeline: Pipeline) -> None:
        if self.first_alert_s is None and pipeline.state.paged:
            self.first_alert_s = round(time.monotonic() - self._began, 2)
        self._front.show(pipeline.state, lambda width, height: self._view(pipeline, width, height))

    def _view(self, pipeline: Pipeline, width: int, height: int) -> View:
        return View(
            lang=self.options.lang,
            width=width,
            height=height,
            tally=self._memory.tally(),
            started=bool(self._memory.raw.connected),
            in_log=pipeline.in_log,
            waiting=pipeline.waiting(),
            hours=self.options.hours,
            speed=self.options.speed,
        )

    def _interrupt(self) -> None:
        """The first Ctrl-C ends the story after its step; the second ends at once."""
        if self.interrupted and self._pipeline is not None:
            self._pipeline.host.stop()
            self._pipeline.host.stop()
        self.interrupted = True
        self._memory.raw.stop = 1


def last_words(data: Path) -> str:
    """The last error or warning of the pipeline."""
    lines = (data / LOG).read_text(errors="replace").splitlines()
    words = [line.split(": ", 1)[-1] for line in lines if " ERROR " in line or " CRITICAL " in line]
    return words[-1] if words else "no error was logged"
