"""`outfall sensor login`: passwords of monitors and gateways, shown once."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from engine.cli.base import Out, command, config_option, fail, loaded
from engine.exit_codes import ExitCode
from engine.files import CREDENTIALS
from engine.texts import Texts

if TYPE_CHECKING:
    from engine.config.doc import Config


def make(say: Texts) -> click.Command:
    """The command."""

    @command(say, "sensor.login")
    @config_option(say)
    @click.argument("name")
    @click.option("--for", "mns", multiple=True, metavar="MN", help=say("cli.sensor.login.for"))
    @click.option("--remove", is_flag=True, help=say("cli.sensor.login.remove"))
    def sensor_login(config: Path, json: bool, name: str, mns: tuple[str, ...], remove: bool) -> None:
        settings = loaded(config)
        out = Out(say=say, json=json)
        if remove:
            _remove(settings, name, out)
        else:
            _give(settings, name, mns, out)

    return sensor_login


def _give(settings: "Config", name: str, mns: tuple[str, ...], out: Out) -> None:
    from engine.config.nearest import hint
    from engine.intake.credentials import Credentials

    known = list(dict.fromkeys(monitor.mn for monitor in settings.registry.monitors))
    for mn in mns or (name,):
        if mn not in known:
            fail(ExitCode.FAILED, "cli.sensor.login.unregistered", mn=mn, valid=hint(mn, known)["valid"])
    secret = Credentials(settings.host.data / CREDENTIALS).add(name, mns)
    content = {"login": name, "password": secret, "monitors": list(mns or (name,))}
    out.answer(content, lambda console: console.print(f"{name}  {secret}", markup=False))


def _remove(settings: "Config", name: str, out: Out) -> None:
    from engine.intake.credentials import Credentials

    if not Credentials(settings.host.data / CREDENTIALS).remove(name):
        fail(ExitCode.FAILED, "cli.sensor.login.not_there", name=name)
    out.answer({"removed": name}, lambda console: console.print(out.say("cli.sensor.login.removed", name=name)))
