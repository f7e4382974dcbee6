"""`outfall sensor show`: one outlet with its monitors, factors and limits."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from engine.cli.base import Out, command, config_option, fail, loaded, table
from engine.cli.sensor_list import monitor_json, valid_text
from engine.exit_codes import ExitCode
from engine.texts import Texts
from rules.limits import Limit
from sensors.factors import factor
from sensors.registry import Binding, Outlet, Registry

if TYPE_CHECKING:
    from rich.console import Console


def make(say: Texts) -> click.Command:
    """The command."""

    @command(say, "sensor.show")
    @config_option(say)
    @click.argument("id")
    def sensor_show(config: Path, json: bool, id: str) -> None:
        settings = loaded(config)
        outlet = _outlet(settings.registry, id)
        limits = [limit for limit in settings.rules.limits if limit.outlet == outlet.id]
        content = _content(settings.registry, outlet, limits)
        zone = settings.rules.judging.zone
        Out(say=say, json=json).answer(content, lambda console: _show(console, say, zone, settings.registry, outlet, limits))

    return sensor_show


def _outlet(registry: Registry, id: str) -> Outlet:
    """The outlet of that id, or the one that the monitor of that MN speaks for last."""
    from engine.config.nearest import hint

    by_mn = {monitor.mn: monitor.outlet for monitor in registry.monitors}
    try:
        return registry.outlet(by_mn.get(id, id))
    except KeyError:
        known = [*by_mn, *(outlet.id for outlet in registry.outlets)]
        return fail(ExitCode.FAILED, "cli.sensor.show.unknown", id=id, valid=hint(id, known)["valid"])


def _bindings(registry: Registry, outlet: Outlet) -> list[Binding]:
    return [binding for binding in registry.bindings if binding.outlet == outlet.id]


def _content(registry: Registry, outlet: Outlet, limits: list[Limit]) -> dict[str, Any]:
    return {
        "outlet": {**asdict(outlet), "labels": dict(outlet.labels)},
        "enterprise": asdict(registry.enterprise(outlet.enterprise)),
        "monitors": [monitor_json(registry, m) for m in registry.monitors if m.outlet == outlet.id],
        "factors": [{**asdict(b), "judged_from": b.judged_from.name.lower()} for b in _bindings(registry, outlet)],
        "limits": [asdict(limit) for limit in limits],
    }


def _show(console: "Console", say: Texts, zone: str, registry: Registry, outlet: Outlet, limits: list[Limit]) -> None:
    enterprise = registry.enterprise(outlet.enterprise)
    labels = " ".join(f"{name}={value}" for name, value in outlet.labels)
    medium = say(f"word.medium.{outlet.medium}")
    console.print(f"{outlet.id} {outlet.name} ({medium})  {enterprise.name} {enterprise.grid_cell}", markup=False)
    if labels:
        console.print(labels, markup=False)
    monitors = table(say, "cli.sensor.column", "mn", "cadence", "valid")
    for m in registry.monitors:
        if m.outlet == outlet.id:
            span = valid_text(say, zone, m.valid_from_ms, m.valid_to_ms)
            monitors.add_row(m.mn, f"{m.realtime_s} s / {m.minute_min} min", span)
    console.print(monitors)
    factors = table(say, "cli.sensor.column", "factor", "unit", "judged")
    for binding in _bindings(registry, outlet):
        factors.add_row(*_factor_row(say, binding))
    console.print(factors)
    shown_limits = table(say, "cli.sensor.column", "factor", "limit", "source", "valid")
    for limit in limits:
        source = limit.source + (say("cli.alerts.unverified") if limit.unverified else "")
        shown_limits.add_row(
            limit.factor, limit_text(say, limit), source, valid_text(say, zone, limit.valid_from_ms, limit.valid_to_ms)
        )
    console.print(shown_limits)


def _factor_row(say: Texts, binding: Binding) -> tuple[str, str, str]:
    known = factor(binding.factor)
    if known is None:
        return binding.factor, binding.unit, binding.judged_from.name.lower()
    name = known.name_zh if say.lang == "zh" else known.name_en
    units = f"{binding.unit or known.wire_unit} / {known.unit}"
    return f"{binding.factor} {name}", units, binding.judged_from.name.lower()


def limit_text(say: Texts, limit: Limit) -> str:
    """A limit in a few characters: mean, bounds, basis.

    >>> from rules.limits import Averaging
    >>> limit_text(Texts(lang="en"), Limit(outlet="o", factor="w01018", averaging=Averaging.DAY, ceiling=50.0))
    'day <= 50'
    """
    floor = "" if limit.floor is None else f"{limit.floor:g} <= "
    ceiling = "" if limit.ceiling is None else f" <= {limit.ceiling:g}"
    basis = "" if limit.reference_o2 is None else f" (O2 {limit.reference_o2:g} %)"
    return f"{floor}{say(f'word.averaging.{limit.averaging}')}{ceiling}{basis}"
