"""`outfall replay`: a recording or a log, judged again."""

from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import click

from engine.cli.base import command
from engine.cli.times import WHEN, ZONE
from engine.texts import Texts

FILE = click.Path(dir_okay=False, path_type=Path)


class Input(click.Path):
    """A file or a folder, or one of the words "kafka" and "influx" where none is called so."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The path."""
        place = value in ("kafka", "influx") and not Path(value).exists()
        return Path(value) if place else super().convert(value, param, ctx)


INPUT = Input(exists=True, path_type=Path)


def make(say: Texts) -> click.Command:
    """The command."""

    @command(say, "replay")
    @click.argument("file", type=INPUT)
    @click.option("--mapping", "-m", type=FILE, help=say("cli.replay.mapping"))
    @click.option("--config", "-c", type=FILE, help=say("cli.option.config"))
    @click.option("--from", "from_time", type=WHEN, help=say("cli.replay.from"))
    @click.option("--to", "to_time", type=WHEN, help=say("cli.replay.to"))
    @click.option("--batch", type=click.IntRange(1), help=say("cli.replay.batch"))
    @click.option("--partitions", type=click.IntRange(1), default=1, help=say("cli.replay.partitions"))
    @click.option("--live", is_flag=True, help=say("cli.replay.live"))
    @click.option("--report", type=FILE, help=say("cli.replay.report"))
    @click.option("--refused", type=FILE, help=say("cli.replay.refused"))
    @click.option("--quiet", "-q", is_flag=True, help=say("cli.replay.quiet"))
    def replay(from_time: datetime | None, to_time: datetime | None, **given: object) -> None:
        from engine.replay.command import run_replay
        from engine.replay.options import ReplayOptions

        times = {"from_time": _aware(from_time), "to_time": _aware(to_time)}
        click.get_current_context().exit(run_replay(ReplayOptions(**{**given, **times, "lang": say.lang})))  # type: ignore[arg-type]

    return replay


def _aware(wall: datetime | None) -> datetime | None:
    return None if wall is None else wall.replace(tzinfo=ZoneInfo(ZONE))
