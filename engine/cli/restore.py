"""`outfall restore`: a backup, checked to the last byte, into an empty place."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from engine.cli.base import Out, command
from engine.cli.times import ZONE, shown
from engine.cli.watching import watched
from engine.texts import Texts

if TYPE_CHECKING:
    from rich.console import Console

    from engine.backup.restore import Restored


def make(say: Texts) -> click.Command:
    """The command."""

    @command(say, "restore")
    @click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
    @click.option("--to", type=click.Path(path_type=Path), required=True, help=say("cli.restore.to"))
    def restore(file: Path, to: Path, json: bool) -> None:
        from engine.backup.restore import restore_backup

        with watched(say("cli.restore.working"), quiet=json) as told:
            done = restore_backup(file, to, told)
        content = {
            "config": str(done.config),
            "data": str(done.data),
            "files": done.files,
            "at_ms": done.at_ms,
            "moved_from": done.moved_from,
            "left_out": done.left_out,
            "outside": done.outside,
            "next": f"outfall check -c {done.config}",
        }
        Out(say=say, json=json).answer(content, lambda console: _show(console, say, done))

    return restore


def _show(console: "Console", say: Texts, done: "Restored") -> None:
    lines = [say("cli.restore.done", place=done.config.parent, files=done.files)]
    if done.at_ms is not None:
        lines.append(say("cli.restore.at", at=shown(done.at_ms, ZONE)))
    lines.append(say("cli.restore.next"))
    steps = []
    if done.moved_from:
        steps.append(say("cli.restore.moved", was=done.moved_from, config=done.config, data=done.data))
    if done.left_out:
        steps.append(say("cli.restore.secrets", files=", ".join(done.left_out)))
    if done.outside:
        steps.append(say("cli.restore.outside", files=", ".join(done.outside)))
    steps += [say("cli.restore.check", config=done.config), say("cli.restore.run", config=done.config)]
    lines += [f"  {n}. {step}" for n, step in enumerate(steps, 1)]
    for line in lines:
        console.print(line, markup=False)
