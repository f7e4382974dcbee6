"""`outfall sensor list`: the monitors of the register."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from engine.cli.base import Out, command, config_option, loaded, table
from engine.cli.times import shown
from engine.texts import Texts
from sensors.registry import FOREVER_MS, Monitor, Registry

if TYPE_CHECKING:
    from rich.console import Console


def make(say: Texts) -> click.Command:
    """The command."""

    @command(say, "sensor.list")
    @config_option(say)
    @click.option("--outlet", help=say("cli.alerts.outlet"))
    @click.option("--enterprise", help=say("cli.alerts.enterprise"))
    def sensor_list(config: Path, json: bool, outlet: str | None, enterprise: str | None) -> None:
        settings = loaded(config)
        registry: Registry = settings.registry
        rows = [
            monitor
            for monitor in registry.monitors
            if outlet in (None, monitor.outlet) and enterprise in (None, registry.outlet(monitor.outlet).enterprise)
        ]
        content = {"monitors": [monitor_json(registry, monitor) for monitor in rows]}
        zone = settings.rules.judging.zone
        Out(say=say, json=json).answer(content, lambda console: _show(console, say, zone, registry, rows))

    return sensor_list


def monitor_json(registry: Registry, monitor: Monitor) -> dict[str, object]:
    """A monitor for a program; the end is None where there is none."""
    end = None if monitor.valid_to_ms == FOREVER_MS else monitor.valid_to_ms
    return {**asdict(monitor), "valid_to_ms": end, "enterprise": registry.outlet(monitor.outlet).enterprise}


def valid_text(say: Texts, zone: str, start_ms: int, end_ms: int) -> str:
    """A span of validity; "" where it has no ends."""
    start = say("cli.sensor.from", start=shown(start_ms, zone)) if start_ms else ""
    end = say("cli.sensor.until", end=shown(end_ms, zone)) if end_ms != FOREVER_MS else ""
    return f"{start} {end}".strip()


def _show(console: "Console", say: Texts, zone: str, registry: Registry, rows: list[Monitor]) -> None:
    if not rows:
        console.print(say("cli.sensor.list.none"))
        return
    shown_rows = table(say, "cli.sensor.column", "mn", "outlet", "enterprise", "cadence", "valid")
    for monitor in rows:
        outlet = registry.outlet(monitor.outlet)
        shown_rows.add_row(
            monitor.mn,
            f"{outlet.id} {outlet.name}",
            registry.enterprise(outlet.enterprise).name,
            f"{monitor.realtime_s} s / {monitor.minute_min} min",
            valid_text(say, zone, monitor.valid_from_ms, monitor.valid_to_ms),
        )
    console.print(shown_rows)
