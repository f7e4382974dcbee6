"""`outfall run`: a host on one data directory."""

import gc
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from engine.cli.base import Out, command, config_option, fail, loaded
from engine.exit_codes import ExitCode
from engine.settings import LogKind, Role
from engine.texts import Texts

if TYPE_CHECKING:
    from engine.config.doc import Config


def make(say: Texts) -> click.Command:
    """The command."""

    @command(say, "run")
    @config_option(say)
    @click.option("--roles", help=say("cli.run.roles"))
    @click.pass_context
    def run(ctx: click.Context, config: Path, roles: str | None, json: bool) -> None:
        gc.disable()  # until the host has started: engine.garbage
        settings = _with_roles(loaded(config), roles)
        from engine.logs import set_up_logs
        from engine.redaction import redaction_of
        from engine.run import run_host

        set_up_logs(settings.logging, redaction_of(settings))
        code = run_host(settings)
        Out(say=say, json=json).answer({"ok": not code, "exit_code": int(code)}, lambda _: None)
        ctx.exit(code)

    return run


def _with_roles(config: "Config", words: str | None) -> "Config":
    """The configuration with what this process does in place of `host.roles`."""
    if words is None:
        return config
    known = [role.value for role in Role]
    found = [word.strip() for word in words.split(",")]
    for word in found:
        if word not in known:
            fail(ExitCode.USAGE, "cli.error.role", value=word, valid=", ".join(known))
    roles = tuple(Role(word) for word in found)
    if config.host.log is LogKind.EMBEDDED and set(roles) != set(Role):
        fail(ExitCode.USAGE, "cli.error.roles_embedded")
    return replace(config, host=replace(config.host, roles=roles))
