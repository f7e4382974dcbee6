"""`outfall run`: a host on one data directory."""

from pathlib import Path

import click

from engine.cli.base import command, config_option, loaded
from engine.texts import Texts


def make(say: Texts) -> click.Command:
    """The command."""

    @command(say, "run")
    @config_option(say)
    @click.pass_context
    def run(ctx: click.Context, config: Path, json: bool) -> None:
        settings = loaded(config)
        from engine.run import run_host

        ctx.exit(run_host(settings, lang=say.lang, json=json))

    return run
