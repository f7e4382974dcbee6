"""What every command shares: its texts, its options, one JSON object or something to read, and how it fails."""

import json as json_text
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

import click

from engine.exit_codes import ExitCode
from engine.texts import LANGS, Texts

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

Function = TypeVar("Function", bound=Callable[..., Any])
CONFIG = Path("config.yaml")
PIPE_WIDTH = 160
"""Columns where nobody looks at a terminal."""


class Failure(Exception):
    """A command cannot do what it was asked. `key` names its text in engine/texts/cli.yaml."""

    def __init__(self, code: ExitCode, key: str, **values: object) -> None:
        super().__init__(key)
        self.code, self.key, self.values = code, key, values


@dataclass(frozen=True, slots=True, kw_only=True)
class Out:
    """Where a command answers: one JSON object, or text and tables for people."""

    say: Texts
    json: bool = False

    def answer(self, content: Mapping[str, Any], show: Callable[["Console"], None]) -> None:
        """Give the answer: as JSON, or by `show`."""
        if self.json:
            print(json_text.dumps({"ok": True, **content}, ensure_ascii=False, default=str))
        else:
            show(console())


def console() -> "Console":
    """Where tables go. Plain text where nobody looks at a terminal."""
    from rich.console import Console

    return Console(highlight=False, width=None if sys.stdout.isatty() else PIPE_WIDTH)


def table(say: Texts, prefix: str, *names: str, title: str | None = None) -> "Table":
    """A table whose columns are headed by the texts `<prefix>.<name>`. Long cells are folded, never cut off."""
    from rich.table import Column, Table

    return Table(*(Column(say(f"{prefix}.{name}"), overflow="fold") for name in names), title=title)


def pairs(rows: Iterable[tuple[str, str]]) -> "Table":
    """A table of names and values."""
    from rich.table import Column, Table

    made = Table(Column(overflow="fold"), Column(overflow="fold"), show_header=False)
    for row in rows:
        made.add_row(*row)
    return made


def fail(code: ExitCode, key: str, **values: object) -> NoReturn:
    """Give up."""
    raise Failure(code, key, **values)


def lang_option(say: Texts) -> click.Option:
    """--lang: read from the whole line before anything else (engine.cli.main), here only shown and checked."""
    return click.Option(["--lang"], type=click.Choice(LANGS), expose_value=False, help=say("cli.option.lang"))


def config_option(say: Texts) -> Callable[[Function], Function]:
    """--config FILE."""
    kind = click.Path(dir_okay=False, path_type=Path)
    return click.option(
        "--config", "-c", "config", type=kind, default=CONFIG, show_default=True, help=say("cli.option.config")
    )


def command(say: Texts, name: str) -> Callable[[Callable[..., None]], click.Command]:
    """A command with the texts of its name, --json and --lang."""

    def made(function: Callable[..., None]) -> click.Command:
        json = click.option("--json", "json", is_flag=True, help=say("cli.option.json"))
        described = click.command(name.rpartition(".")[2], help=help_of(say, name))(json(function))
        described.params.append(lang_option(say))
        return described

    return made


def help_of(say: Texts, name: str) -> str:
    """What a command does, and its examples as they are written."""
    return f"{say(f'cli.{name}.help')}\n\n\b\n{say(f'cli.{name}.more')}"


def loaded(config: Path) -> Any:
    """The configuration of a file; Failure where the file is not there (with what to do)."""
    from engine.config.load import load_config

    if not config.exists():
        fail(ExitCode.CONFIG, "cli.error.no_config", file=config)
    return load_config(config)
