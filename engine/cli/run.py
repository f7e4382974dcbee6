"""`outfall run`: a host on one data directory."""

import gc
from pathlib import Path

import click

from engine.cli.base import Out, command, config_option, loaded
from engine.texts import Texts


def make(say: Texts) -> click.Command:
    """The command."""

    @command(say, "run")
    @config_option(say)
    @click.pass_context
    def run(ctx: click.Context, config: Path, json: bool) -> None:
        gc.disable()  # until the host has started: engine.garbage
        settings = loaded(config)
        from engine.logs import set_up_logs
        from engine.redaction import redaction_of
        from engine.run import run_host

        set_up_logs(settings.logging, redaction_of(settings))
        code = run_host(settings)
        Out(say=say, json=json).answer({"ok": not code, "exit_code": int(code)}, lambda _: None)
        ctx.exit(code)

    return run
