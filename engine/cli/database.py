"""`outfall database`: the tables of the database, for people who bring them up to date by hand."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from engine.cli.base import Out, command, help_of, lang_option
from engine.cli.places import Site, site, site_options
from engine.exit_codes import ExitCode
from engine.texts import Texts

if TYPE_CHECKING:
    from rich.console import Console


def make(say: Texts) -> click.Command:
    """The group."""
    group = click.Group("database", help=help_of(say, "database"), params=[lang_option(say)])
    group.add_command(_status(say))
    group.add_command(_upgrade(say))
    return group


def _status(say: Texts) -> click.Command:
    @command(say, "database.status")
    @site_options(say)
    @click.pass_context
    def status(ctx: click.Context, config: Path, data: Path | None, json: bool) -> None:
        found = _found(site(config, data))
        Out(say=say, json=json).answer(found, lambda console: _show(console, say, found))
        ctx.exit(ExitCode.OK if found["up_to_date"] else ExitCode.FAILED)

    return status


def _upgrade(say: Texts) -> click.Command:
    @command(say, "database.upgrade")
    @site_options(say)
    def upgrade(config: Path, data: Path | None, json: bool) -> None:
        from engine.database.open import open_database

        place = site(config, data)
        open_database(place.database).close()
        found = _found(place)
        Out(say=say, json=json).answer(found, lambda console: _show(console, say, found))

    return upgrade


def _found(place: Site) -> dict[str, Any]:
    """Which version the tables have, and which one this program works on. Changes nothing."""
    from contextlib import closing

    from engine.database.open import connected
    from engine.database.schema import HEAD, found_version

    with closing(connected(place.database, readonly=True)) as database, database.read() as connection:
        found = found_version(connection, database.place)
    return {"database": database.place, "schema": found, "expected": HEAD, "up_to_date": found == HEAD}


def _show(console: "Console", say: Texts, found: dict[str, Any]) -> None:
    state = "good" if found["up_to_date"] else "newer" if found["schema"] > found["expected"] else "older"
    text = say(f"cli.database.{state}", **{**found, "schema": found["schema"] or "-"})
    console.print(text, markup=False, soft_wrap=True)
