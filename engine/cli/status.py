"""`outfall status`: what a host last said of itself, and what stands in its data directory."""

import json as json_text
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from engine.cli.base import Out, command, fail
from engine.cli.places import Site, site, site_options
from engine.cli.times import shown
from engine.exit_codes import ExitCode
from engine.texts import Texts

if TYPE_CHECKING:
    from rich.console import Console

STALE_S = 15.0
"""A host writes its status every few seconds; one that has said nothing for so long does not run."""


def make(say: Texts) -> click.Command:
    """The command."""

    @command(say, "status")
    @site_options(say)
    @click.pass_context
    def status(ctx: click.Context, config: Path, data: Path | None, json: bool) -> None:
        place = site(config, data)
        file = place.data / "status.json"
        if not file.exists():
            fail(ExitCode.FAILED, "cli.status.none", data=place.data)
        said_s = file.stat().st_mtime
        age_s = max(0.0, time.time() - said_s)
        content = {
            "running": age_s < STALE_S,
            "said_ms": int(said_s * 1000),
            "host": json_text.loads(file.read_bytes()),
            **_stored(place),
        }
        Out(say=say, json=json).answer(content, lambda console: _show(console, say, place, content, age_s))
        ctx.exit(ExitCode.OK if content["running"] else ExitCode.FAILED)

    return status


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


def _show(console: "Console", say: Texts, place: Site, content: dict[str, Any], age_s: float) -> None:
    from rich.table import Table

    if content["running"]:
        console.print(say("cli.status.runs", age=round(age_s)))
    else:
        console.print(say("cli.status.stopped", at=shown(content["said_ms"], place.zone)))
    table = Table(show_header=False)
    for name, value in _flat(content["host"]):
        table.add_row(name, value)
    table.add_row(say("cli.status.alerts"), str(content["alerts_standing"]))
    for state, count in content["pages"].items():
        table.add_row(say("cli.status.pages", state=say(f"word.page.{state}")), str(count))
    for reason, count in content["refused"].items():
        table.add_row(say("cli.status.refused", reason=say(f"word.reason.{reason}")), str(count))
    console.print(table)


def _flat(value: Any, name: str = "") -> list[tuple[str, str]]:
    """Nested JSON as (dotted name, text)."""
    if not isinstance(value, dict):
        return [(name, str(value))]
    return [pair for key, inner in value.items() for pair in _flat(inner, f"{name}.{key}".lstrip("."))]
