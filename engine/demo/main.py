"""`outfall demo`: plays the story of a simulated district through the real pipeline."""

import asyncio
import contextlib
import logging
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import orjson
from rich.console import Console

from engine.demo.closing import closing
from engine.demo.fronts import Front, Lines, LiveBoard, Silent
from engine.demo.options import DemoOptions
from engine.demo.play import LOG, DemoError, Play
from engine.exit_codes import ExitCode

__all__ = ["DemoOptions", "run_demo"]


def run_demo(options: DemoOptions) -> int:
    """Play it. 0 if the account adds up and the alerts of every scene played came, else 1; 130 after Ctrl-C."""
    console = Console(stderr=options.json)
    try:
        with _data_dir(options) as data, _log_file(data):
            play = Play(options, data, _front(options, console))
            account = asyncio.run(play.run())
    except DemoError as error:
        console.print(f"outfall demo: {error}", style="red", markup=False, soft_wrap=True)
        return ExitCode.FAILED
    if options.json:
        told = {**account.as_json(), "first_alert_s": play.first_alert_s, "seconds": play.seconds}
        sys.stdout.write(orjson.dumps(told).decode() + "\n")
    else:
        console.print(closing(account, options.lang))
    if play.interrupted:
        return ExitCode.INTERRUPTED
    return ExitCode.OK if account.holds else ExitCode.FAILED


def _front(options: DemoOptions, console: Console) -> Front:
    if options.json:
        return Silent()
    if console.is_terminal:
        return LiveBoard(console)
    return Lines(lambda line: console.print(line, soft_wrap=True, markup=False, highlight=False), options.lang)


@contextlib.contextmanager
def _data_dir(options: DemoOptions) -> Iterator[Path]:
    """The directory asked for, which must be new or empty, or a temporary one."""
    if options.data_dir is None:
        with tempfile.TemporaryDirectory(prefix="outfall-demo-") as folder:
            yield Path(folder)
        return
    try:
        options.data_dir.mkdir(parents=True, exist_ok=True)
        taken = next(options.data_dir.iterdir(), None)
    except OSError as error:
        raise DemoError(f"{options.data_dir}: {error.strerror}; expected a directory that can be written") from error
    if taken is not None:
        raise DemoError(f"{options.data_dir}: expected a new or empty directory, found {taken.name} in it")
    yield options.data_dir


@contextlib.contextmanager
def _log_file(data: Path) -> Iterator[None]:
    """What the pipeline says goes into a file, not over the board."""
    handler = logging.FileHandler(data / LOG)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    root = logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    try:
        yield
    finally:
        root.removeHandler(handler)
        root.setLevel(level)
        handler.close()
