"""`outfall status`: what a host last said of itself, and what stands in its data directory."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from engine.cli.base import Out, command, fail, pairs
from engine.cli.places import Site, site, site_options
from engine.cli.times import shown
from engine.exit_codes import ExitCode
from engine.texts import Texts

if TYPE_CHECKING:
    from rich.console import Console

ALIVE = ("running", "stopping")
SHOWN = ("stages", "log", "counts", "intake")
"""What people are shown of a host's status; --json has all of it."""


def make(say: Texts) -> click.Command:
    """The command."""

    @command(say, "status")
    @site_options(say)
    @click.pass_context
    def status(ctx: click.Context, config: Path, data: Path | None, json: bool) -> None:
        place = site(config, data)
        host = _host(place)
        content = {"running": host["state"] in ALIVE, "host": host, **_stored(place)}
        Out(say=say, json=json).answer(content, lambda console: _show(console, say, place, content))
        ctx.exit(ExitCode.OK if content["running"] else ExitCode.FAILED)

    return status


def _host(place: Site) -> dict[str, Any]:
    """What the host last wrote; Failure where none has run here yet."""
    from engine.status import read_status

    found = read_status(place.data)
    return found if found is not None else fail(ExitCode.FAILED, "cli.status.none", data=place.data)


def _stored(place: Site) -> dict[str, Any]:
    """Alerts that stand, pages by state and refusals by reason, as far as there are any."""
    from engine.duty.alerts import AlertFilter, list_alerts
    from engine.duty.database import open_database
    from engine.duty.outbox import page_counts
    from engine.store.reader import open_reader

    found: dict[str, Any] = {"alerts_standing": 0, "pages": {}, "refused": {}}
    if (place.data / "core.db").exists():
        database = open_database(place.data, readonly=True)
        found["alerts_standing"] = len(list_alerts(database, AlertFilter(standing=True, limit=100_000)))
        found["pages"] = page_counts(database)
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
    for name, value in _flat({name: host[name] for name in SHOWN}):
        if value not in ("", "0"):
            rows.append((name, value))
    rows.append((say("cli.status.alerts"), str(content["alerts_standing"])))
    for state, count in content["pages"].items():
        rows.append((say("cli.status.pages", state=say(f"word.page.{state}")), str(count)))
    for reason, count in content["refused"].items():
        rows.append((say("cli.status.refused", reason=say(f"word.reason.{reason}")), str(count)))
    console.print(pairs(rows))


def _flat(value: Any, name: str = "") -> list[tuple[str, str]]:
    """Nested JSON as (dotted name, text)."""
    if not isinstance(value, dict):
        return [(name, str(value))]
    return [pair for key, inner in value.items() for pair in _flat(inner, f"{name}.{key}".lstrip("."))]
