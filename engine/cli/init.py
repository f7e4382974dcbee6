"""`outfall init`: a commented configuration that works, a data directory and the first credentials."""

from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from engine.cli.base import Out, command, fail, table
from engine.exit_codes import ExitCode
from engine.files import CREDENTIALS
from engine.texts import Texts


def make(say: Texts) -> click.Command:
    """The command."""

    @command(say, "init")
    @click.argument("folder", type=click.Path(file_okay=False, path_type=Path), default=".")
    def init(folder: Path, json: bool) -> None:
        _init(folder, Out(say=say, json=json))

    return init


def _init(folder: Path, out: Out) -> None:
    from engine.config.load import load_config
    from engine.intake.credentials import Credentials

    written = list(_copied(resources.files("engine.config").joinpath("example"), folder))
    config = load_config(folder / "config.yaml")
    config.host.data.mkdir(parents=True, exist_ok=True)
    wanted: dict[str, tuple[str, ...]] = {monitor.mn: () for monitor in config.registry.monitors}
    given = Credentials(config.host.data / CREDENTIALS).add_many(wanted)
    files = [*written, config.host.data / CREDENTIALS]
    content: dict[str, Any] = {
        "files": [str(file) for file in files],
        "credentials": [{"login": mn, "password": secret} for mn, secret in given.items()],
        "next": f"outfall check -c {folder / 'config.yaml'}",
    }
    out.answer(content, lambda console: _show(console, out.say, folder, files, given))


def _copied(source: Traversable, folder: Path) -> "list[Path]":
    """Copy the example; nothing is written where anything of it is there already."""
    wanted = {folder / name: text for name, text in _files(source, "")}
    for file in wanted:
        if file.exists():
            fail(ExitCode.FAILED, "cli.error.exists", file=file)
    for file, text in wanted.items():
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, "utf-8")
    return list(wanted)


def _files(source: Traversable, prefix: str) -> "list[tuple[str, str]]":
    found = []
    for child in sorted(source.iterdir(), key=lambda c: c.name):
        if child.is_dir():
            found += _files(child, f"{prefix}{child.name}/")
        elif child.name.endswith(".yaml"):
            found.append((prefix + child.name, child.read_text("utf-8")))
    return found


def _show(console: Console, say: Texts, folder: Path, files: list[Path], given: dict[str, str]) -> None:
    console.print(say("cli.init.made"), *(f"  {file}" for file in files), sep="\n", markup=False)
    console.print("\n" + say("cli.init.credentials"))
    rows = table(say, "cli.init", "mn", "secret")
    for row in given.items():
        rows.add_row(*row)
    console.print(rows)
    console.print(say("cli.init.next", config=folder / "config.yaml", registry=folder / "registry"), markup=False)
