"""`outfall alerts`: the alerts that stand, or all of them."""

from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from engine.cli.base import Out, command, table
from engine.cli.places import Site, site, site_options
from engine.cli.times import WHEN, instant_ms, shown
from engine.texts import Texts
from rules.rule import AlertClass

if TYPE_CHECKING:
    from rich.console import Console

    from engine.duty.alerts import AlertRow


def make(say: Texts) -> click.Command:
    """The command."""

    @command(say, "alerts")
    @site_options(say)
    @click.option("--all", "-a", "everything", is_flag=True, help=say("cli.alerts.all"))
    @click.option("--outlet", help=say("cli.alerts.outlet"))
    @click.option("--enterprise", help=say("cli.alerts.enterprise"))
    @click.option("--rule", help=say("cli.alerts.rule"))
    @click.option(
        "--class", "alert_class", type=click.Choice([cls.value for cls in AlertClass]), help=say("cli.alerts.class")
    )
    @click.option("--severity", "severity_min", type=click.IntRange(1, 5), help=say("cli.alerts.severity"))
    @click.option("--since", type=WHEN, help=say("cli.alerts.since"))
    @click.option("--until", type=WHEN, help=say("cli.alerts.until"))
    @click.option("--limit", type=click.IntRange(1), default=100, show_default=True, help=say("cli.alerts.limit"))
    def alerts(
        config: Path,
        data: Path | None,
        json: bool,
        everything: bool,
        since: datetime | None,
        until: datetime | None,
        **wanted: object,
    ) -> None:
        place = site(config, data)
        when = {"since_ms": instant_ms(since, place.zone), "until_ms": instant_ms(until, place.zone)}
        rows = _found(place, {**wanted, **when, "standing": None if everything else True})
        content = {"alerts": [asdict(row) for row in rows]}
        Out(say=say, json=json).answer(content, lambda console: _show(console, say, place, rows))

    return alerts


def _found(place: Site, wanted: dict[str, object]) -> "list[AlertRow]":
    from engine.database.open import open_database
    from engine.duty.alerts import AlertFilter, list_alerts

    alert_class = wanted["alert_class"]
    chosen = {**wanted, "alert_class": AlertClass(str(alert_class)) if alert_class else None}
    database = open_database(place.database, readonly=True)
    try:
        return list_alerts(database, AlertFilter(**chosen))  # type: ignore[arg-type]
    finally:
        database.close()


def _show(console: "Console", say: Texts, place: Site, rows: "list[AlertRow]") -> None:
    if not rows:
        console.print(say("cli.alerts.none"))
        return
    names = ("id", "opened", "class", "severity", "rule", "where", "value", "state")
    shown_rows = table(say, "cli.alerts.column", *names)
    for row in rows:
        shown_rows.add_row(
            row.alert_id,
            shown(row.opened_ms, place.zone),
            say(f"word.class.{row.alert_class}"),
            str(row.severity),
            row.rule,
            " ".join(part for part in (row.outlet, row.factor, row.mn) if part),
            value_text(say, row),
            say(f"word.state.{row.state}"),
        )
    console.print(shown_rows)


def value_text(say: Texts, row: "AlertRow") -> str:
    """The judged value beside its limit."""
    if row.value is None:
        return ""
    bounds = [bound for bound in (row.floor, row.ceiling) if bound is not None]
    limit = f" / {'…'.join(f'{bound:g}' for bound in bounds)}" if bounds else ""
    return f"{row.value:g}{limit} {row.unit}".rstrip() + (say("cli.alerts.unverified") if row.unverified else "")
