"""`outfall status`: what a host last said of itself, and what stands in its data directory."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from engine.cli.base import Out, command, fail, pairs
from engine.cli.places import Site, site, site_options
from engine.cli.status_bridges import bridge_rows, bridges_of
from engine.cli.times import shown
from engine.exit_codes import ExitCode
from engine.texts import Texts

if TYPE_CHECKING:
    from rich.console import Console

ALIVE = ("running", "stopping")
EMPTY = ("", "0", "0.0", "{}")
SHOWN = ("http", "stages", "log", "counts", "intake")
"""What people are shown of a host's status; --json has all of it."""


def make(say: Texts) -> click.Command:
    """The command."""

    @command(say, "status")
    @site_options(say)
    @click.option("--url", help=say("cli.status.url"))
    @click.option("--token-file", type=click.Path(exists=True, dir_okay=False, path_type=Path), help=say("cli.status.token"))
    @click.pass_context
    def status(
        ctx: click.Context, config: Path, data: Path | None, url: str | None, token_file: Path | None, json: bool
    ) -> None:
        if url is not None:
            ctx.exit(_remote(url, token_file, Out(say=say, json=json)))
        place = site(config, data)
        host = _host(place)
        content = {"running": host["state"] in ALIVE, "host": host, **_stored(place)}
        Out(say=say, json=json).answer(content, lambda console: _show(console, say, place, content))
        ctx.exit(ExitCode.OK if content["running"] else ExitCode.FAILED)

    return status


def _remote(url: str, token_file: Path | None, out: Out) -> ExitCode:
    """Ask a host over HTTP."""
    from engine.cli.remote import ask

    found = ask(url, token_file)
    out.answer(found, lambda console: _show_remote(console, out.say, url, found))
    return ExitCode.OK if found.get("ready") else ExitCode.FAILED


def _show_remote(console: "Console", say: Texts, url: str, found: dict[str, Any]) -> None:
    console.print(say("cli.status.ready" if found.get("ready") else "cli.status.not_ready", url=url), markup=False)
    rows = [*found.get("reasons", {}).items(), *_flat({"stages": found.get("stages", {})})]
    console.print(pairs([(name, value) for name, value in rows if value not in EMPTY]))


def _host(place: Site) -> dict[str, Any]:
    """What the host last wrote; Failure where none has run here yet."""
    from engine.status import read_status

    found = read_status(place.data)
    return found if found is not None else fail(ExitCode.FAILED, "cli.status.none", data=place.data)


def _stored(place: Site) -> dict[str, Any]:
    """Alerts that stand, pages by state, refusals by reason and bridges, as far as there are any."""
    from engine.database.open import open_database
    from engine.duty.alerts import AlertFilter, list_alerts
    from engine.duty.measures import oldest_unsent_ms
    from engine.duty.outbox import page_counts
    from engine.store.reader import open_reader

    found: dict[str, Any] = {"alerts_standing": 0, "pages": {}, "oldest_unsent_ms": None, "refused": {}}
    found["bridges"] = bridges_of(place.data)
    if place.has_database:
        database = open_database(place.database, readonly=True)
        found["alerts_standing"] = len(list_alerts(database, AlertFilter(standing=True, limit=100_000)))
        found["pages"] = page_counts(database)
        found["oldest_unsent_ms"] = oldest_unsent_ms(database)
        database.close()
    if (place.data / "store.db").exists():
        reader = open_reader(place.data)
        found["refused"] = reader.refusal_counts()
        reader.close()
    return found


def _show(console: "Console", say: Texts, place: Site, content: dict[str, Any]) -> None:
    host = content["host"]
    at = shown(host["at_ms"], place.zone)
    console.print(say(f"cli.status.{host['state']}", at=at, pid=host["pid"]), markup=False)
    rows = []
    for name, value in _flat({name: host[name] for name in SHOWN if name in host}):
        if value not in EMPTY:
            rows.append((name, value))
    rows.append((say("cli.status.alerts"), str(content["alerts_standing"])))
    for state, count in content["pages"].items():
        rows.append((say("cli.status.pages", state=say(f"word.page.{state}")), str(count)))
    if content["oldest_unsent_ms"] is not None:
        rows.append((say("cli.status.oldest_unsent"), shown(content["oldest_unsent_ms"], place.zone)))
    for reason, count in content["refused"].items():
        rows.append((say("cli.status.refused", reason=say(f"word.reason.{reason}")), str(count)))
    rows.extend(bridge_rows(content["bridges"], say, place.zone))
    console.print(pairs(rows))


def _flat(value: Any, name: str = "") -> list[tuple[str, str]]:
    """Nested JSON as (dotted name, text)."""
    if not isinstance(value, dict):
        return [(name, str(value))]
    return [pair for key, inner in value.items() for pair in _flat(inner, f"{name}.{key}".lstrip("."))]
