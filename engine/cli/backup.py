"""`outfall backup`: log, readings, alerts, configuration and register in one file, while the host runs."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from engine.cli.base import Out, command, config_option, loaded
from engine.cli.times import shown
from engine.cli.watching import watched
from engine.texts import Texts

if TYPE_CHECKING:
    from rich.console import Console

    from engine.backup.make import Made


def make(say: Texts) -> click.Command:
    """The command."""

    @command(say, "backup")
    @config_option(say)
    @click.argument("to_file", type=click.Path(dir_okay=False, path_type=Path))
    @click.option("--with-secrets", is_flag=True, help=say("cli.backup.with_secrets"))
    def backup(config: Path, to_file: Path, with_secrets: bool, json: bool) -> None:
        settings = loaded(config)
        from engine.backup.make import make_backup
        from engine.settings import LogKind

        here = settings.host.log is LogKind.EMBEDDED
        with watched(say("cli.backup.working"), quiet=json) as told:
            made = make_backup(config, settings.host.data, to_file, secrets=with_secrets, log=here, told=told)
        elsewhere = [*([] if here else ["kafka"]), *([] if isinstance(settings.database, Path) else ["postgresql"])]
        zone = settings.rules.judging.zone
        out = Out(say=say, json=json)
        out.answer(_content(made, elsewhere), lambda console: _show(console, say, zone, made, elsewhere))

    return backup


def _content(made: "Made", elsewhere: list[str]) -> dict[str, Any]:
    return {
        "file": str(made.file),
        "bytes": made.bytes,
        "files": made.files,
        "at_ms": made.at_ms,
        "damaged": made.damaged,
        "left_out": made.left_out,
        "outside": made.outside,
        "elsewhere": elsewhere,
    }


def _show(console: "Console", say: Texts, zone: str, made: "Made", elsewhere: list[str]) -> None:
    size = f"{made.bytes / 2**20:,.1f}"
    lines = [say("cli.backup.made", file=made.file, mib=size, files=made.files)]
    if made.at_ms is not None:
        lines.append(say("cli.backup.at", at=shown(made.at_ms, zone)))
    lines += [say("cli.backup.damaged", what=what) for what in made.damaged]
    lines += [say(f"cli.backup.{place}") for place in elsewhere]
    if made.left_out:
        lines.append(say("cli.backup.left_out", files=", ".join(made.left_out)))
    if made.outside:
        lines.append(say("cli.backup.outside", files=", ".join(made.outside)))
    for line in lines:
        console.print(line, markup=False)
