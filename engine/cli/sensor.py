"""`outfall sensor`: the register from the command line. Each of its commands is a module of its own."""

import importlib

import click

from engine.cli.base import help_of, lang_option
from engine.texts import Texts

COMMANDS = {"list": "sensor_list", "show": "sensor_show", "import": "sensor_import", "login": "sensor_login"}


def make(say: Texts) -> click.Command:
    """The group."""
    group = click.Group("sensor", help=help_of(say, "sensor"), params=[lang_option(say)])
    for module in COMMANDS.values():
        group.add_command(importlib.import_module(f"engine.cli.{module}").make(say))
    return group
