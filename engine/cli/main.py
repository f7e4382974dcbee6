"""The command line `outfall`: which commands there are, and how errors end them. Each command is a module of its own."""

import importlib
import os
import sys
from collections.abc import Mapping, Sequence

import click

from engine.cli.base import Failure, help_of
from engine.cli.click_texts import speak
from engine.cli.failures import told
from engine.exit_codes import ExitCode
from engine.texts import LANGS, Texts, lang_of

COMMANDS = (
    "init", "demo", "run", "replay", "check", "doctor", "alerts", "explain", "frames", "sensor", "status", "database",
    "backup", "restore",
)  # fmt: skip
"""In the order of the help. `engine.cli.<name>` has `make(say)`, imported when it is needed."""


class Commands(click.Group):
    """A group whose commands are imported only when one of them runs."""

    def __init__(self, say: Texts) -> None:
        super().__init__("outfall", help=help_of(say, "outfall"), context_settings={"max_content_width": 110})
        self.say = say

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names of all commands."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of that name, made in the language spoken."""
        if cmd_name not in COMMANDS:
            return None
        made: click.Command = importlib.import_module(f"engine.cli.{cmd_name}").make(self.say)
        return made

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """One line for each command, without importing it."""
        with formatter.section(self.say("cli.outfall.commands")):
            formatter.write_dl([(name, self.say(f"cli.{name}.help")) for name in COMMANDS])


def make(say: Texts) -> click.Group:
    """The whole command line in one language."""
    group = Commands(say)
    group.params.append(click.Option(["--lang"], type=click.Choice(LANGS), expose_value=False, help=say("cli.option.lang")))
    return click.version_option(package_name="outfall", prog_name="outfall", help=say("cli.option.version"))(group)


def run(arguments: Sequence[str], environ: Mapping[str, str]) -> int:
    """Run one command; its exit code."""
    say = Texts(lang=_lang(arguments, environ))
    speak(say)
    as_json = "--json" in arguments
    try:
        code = make(say).main(list(arguments), prog_name="outfall", standalone_mode=False)
        return int(code) if isinstance(code, int) else ExitCode.OK
    except click.exceptions.Exit as ended:
        return ended.exit_code
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message())
        return ExitCode.OK
    except BrokenPipeError:  # whoever read has seen enough: outfall alerts | head
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return ExitCode.OK
    except (click.Abort, KeyboardInterrupt):
        return told(say, Failure(ExitCode.INTERRUPTED, "cli.error.interrupted"), as_json=as_json)
    except Exception as error:
        return told(say, error, as_json=as_json)


def main() -> None:
    """The program `outfall`."""
    code = run(sys.argv[1:], os.environ)
    sys.exit(code)


def _lang(arguments: Sequence[str], environ: Mapping[str, str]) -> str:
    """The language asked for anywhere on the line, else that of the locale."""
    for n, argument in enumerate(arguments):
        name, equals, value = argument.partition("=")
        if name == "--lang":
            asked = value if equals else next(iter(arguments[n + 1 :]), "")
            return asked if asked in LANGS else lang_of(environ)
    return lang_of(environ)
