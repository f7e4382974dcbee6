"""`outfall check`: configuration, registry and rules, and what they add up to."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from engine.cli.base import Out, command, config_option, loaded, pairs
from engine.cli.times import shown
from engine.texts import Texts

if TYPE_CHECKING:
    from rich.console import Console

    from engine.config.doc import Config

WEEK_MS = 7 * 86_400_000
SLOT_BYTES = 11
"""`rules.slots.GridSpec`: value, flag and place of one slot."""


def make(say: Texts) -> click.Command:
    """The command."""

    @command(say, "check")
    @config_option(say)
    def check(config: Path, json: bool) -> None:
        settings = loaded(config)
        content = {**_counts(settings), "warnings": list(_warnings(settings, say))}
        out = Out(say=say, json=json)
        out.answer({"config": str(config), **content}, lambda console: _show(console, say, config, content))

    return check


def _counts(config: "Config") -> dict[str, Any]:
    registry, limits = config.registry, config.rules.limits
    return {
        "enterprises": len(registry.enterprises),
        "outlets": len(registry.outlets),
        "monitors": len(registry.monitors),
        "factors": len(registry.bindings),
        "rules": len(config.rules.rules),
        "limits": len(limits),
        "unverified": sum(limit.unverified for limit in limits),
        "version": config.rules.version,
        "memory": _memory(config),
    }


def _memory(config: "Config") -> dict[str, Any]:
    """Slots of the judge's grids: all that it ever holds of readings, whatever arrives."""
    from rules.planner import plan_for

    n = config.host.partitions
    plans = [plan_for(config.registry, config.rules, partition=p, partitions=n) for p in range(n)]
    specs = [spec for plan in plans for spec in plan.specs]
    slots = sum(spec.ring * spec.slots * spec.rows for spec in specs)
    return {"series": sum(spec.rows for spec in specs), "slots": slots, "bytes": slots * SLOT_BYTES}


def _warnings(config: "Config", say: Texts) -> Iterator[str]:
    from engine.duty.roster import gaps

    yield from (warning.text(say) for warning in config.warnings)
    heard = {monitor.outlet for monitor in config.registry.monitors}
    judged = {limit.outlet for limit in config.rules.limits}
    for outlet in config.registry.outlets:
        if outlet.id not in heard:
            yield say("cli.check.no_monitor", outlet=outlet.id)
        if outlet.id not in judged:
            yield say("cli.check.no_limit", outlet=outlet.id)
    if not config.duty.roster.people or not config.duty.channels:
        yield say("cli.check.nobody")
        return
    now, zone = time.time_ns() // 1_000_000, config.duty.roster.zone
    for gap in gaps(config.duty.roster, now, now + WEEK_MS):
        yield say("cli.check.gap", start=shown(gap.start_ms, zone), end=shown(gap.end_ms, zone))


def _show(console: "Console", say: Texts, config: Path, content: dict[str, Any]) -> None:
    console.print(say("cli.check.good", file=config), markup=False)
    memory = content["memory"]
    size = f"{memory['bytes'] / 2**20:,.1f}"
    said = say("cli.check.memory", mib=size, series=f"{memory['series']:,}", slots=f"{memory['slots']:,}")
    names = ("enterprises", "outlets", "monitors", "factors", "rules", "limits", "unverified", "version")
    rows = [(say(f"cli.check.row.{name}"), str(content[name])) for name in names]
    console.print(pairs([*rows, (say("cli.check.row.memory"), said)]))
    for text in content["warnings"]:
        console.print(say("cli.check.warning", text=text), markup=False)
