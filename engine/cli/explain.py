"""`outfall explain`: why an alert was raised, from the numbers it was raised on."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from engine.cli.base import Out, command, fail, table
from engine.cli.places import Site, site, site_options
from engine.cli.times import shown
from engine.exit_codes import ExitCode
from engine.texts import Texts
from sensors.reading import Flag

if TYPE_CHECKING:
    from rich.console import Console

    from engine.duty.alerts import DecidedEvent
    from engine.duty.outbox import PageRow
    from rules.alert import AlertEvent


def make(say: Texts) -> click.Command:
    """The command."""

    @command(say, "explain")
    @site_options(say)
    @click.argument("alert_id", metavar="ID")
    def explain(alert_id: str, config: Path, data: Path | None, json: bool) -> None:
        place = site(config, data)
        steps, pages = _found(place, alert_id)
        content = {
            "alert_id": steps[0].event.alert_id,
            "steps": [{**asdict(step.event), "decision": step.decision} for step in steps],
            "pages": [asdict(page) for page in pages],
        }
        Out(say=say, json=json).answer(content, lambda console: _Page(console, say, place).show(steps, pages))

    return explain


def _found(place: Site, prefix: str) -> "tuple[list[DecidedEvent], list[PageRow]]":
    from engine.duty.alerts import find_alerts, load_events
    from engine.duty.database import open_database
    from engine.duty.outbox import load_pages

    database = open_database(place.data, readonly=True)
    try:
        rows = find_alerts(database, prefix)
        if not rows:
            fail(ExitCode.FAILED, "cli.explain.unknown", id=prefix)
        if len(rows) > 1:
            fail(ExitCode.FAILED, "cli.explain.many", id=prefix, ids=", ".join(row.alert_id for row in rows))
        return load_events(database, rows[0].alert_id), load_pages(database, rows[0].alert_id)
    finally:
        database.close()


class _Page:
    """Prints one alert, from the rule to the pages."""

    def __init__(self, console: "Console", say: Texts, place: Site) -> None:
        self.console, self.say, self.zone = console, say, place.zone

    def show(self, steps: "list[DecidedEvent]", pages: "list[PageRow]") -> None:
        """Everything."""
        event = next((s.event for s in reversed(steps) if s.event.evidence.slot_ms), steps[-1].event)
        where = " ".join(part for part in (event.outlet, event.factor, event.mn) if part)
        kind = self.say(f"word.class.{event.alert_class}")
        self.line(f"{event.alert_id}  {kind} ({event.severity})  {where}")
        said = {"rule": event.rule, "kind": self.say(f"word.kind.{event.kind}"), "version": event.rule_version}
        self.line(self.say("cli.explain.rule", **said))
        self._numbers(event)
        self._steps(steps)
        self._slots(event)
        self._pages(pages)

    def line(self, text: str) -> None:
        """One line, as it is."""
        self.console.print(text, markup=False)

    def at(self, ms: int | None) -> str:
        """An instant in the zone of the site."""
        return self.say("cli.explain.still") if ms is None else shown(ms, self.zone)

    def _numbers(self, event: "AlertEvent") -> None:
        evidence = event.evidence
        self.line(self.say("cli.explain.window", start=self.at(event.start_ms), end=self.at(event.end_ms)))
        if event.value is not None:
            bounds = {"floor": event.floor, "ceiling": event.ceiling}
            limit = ", ".join(self.say(f"cli.explain.{n}", bound=f"{b:g}") for n, b in bounds.items() if b is not None)
            self.line(self.say("cli.explain.value", value=f"{event.value:g}", unit=event.unit, limit=limit))
        if evidence.n_due:
            self.line(self.say("cli.explain.valid", valid=evidence.n_valid, due=evidence.n_due))
        if evidence.o2 is not None:
            self.line(self.say("cli.explain.measured", value=evidence.measured, o2=evidence.o2))
        if event.source:
            self.line(self.say("cli.explain.source", source=event.source))
        for name, holds in (
            ("unverified", event.unverified), ("from_device", evidence.from_device), ("late", event.late)
        ):  # fmt: skip
            if holds:
                self.line(self.say(f"cli.explain.{name}"))

    def _table(self, title: str, *names: str) -> Any:
        return table(self.say, "cli.explain.column", *names, title=self.say(title))

    def _steps(self, steps: "list[DecidedEvent]") -> None:
        rows = self._table("cli.explain.steps", "at", "step", "value", "decision")
        for step in steps:
            value = "" if step.event.value is None else f"{step.event.value:g}"
            said = self.say(f"word.step.{step.event.step}"), value, self.say(f"word.decision.{step.decision}")
            rows.add_row(self.at(step.event.at_ms), *said)
        self.console.print(rows)

    def _slots(self, event: "AlertEvent") -> None:
        evidence = event.evidence
        if not evidence.slot_ms:
            return
        rows = self._table("cli.explain.slots", "slot", "value", "flag", "used", "helper")
        helper = evidence.helper or (None,) * len(evidence.slot_ms)
        for slot_ms, value, flag, other in zip(evidence.slot_ms, evidence.value, evidence.flag, helper, strict=True):
            used = "+" if flag == Flag.NORMAL else "-"
            texts = ("" if number is None else f"{number:g}" for number in (value, other))
            shown_value, shown_other = texts
            rows.add_row(self.at(slot_ms), shown_value, self.say(f"word.flag.{Flag(flag).name}"), used, shown_other)
        self.console.print(rows)

    def _pages(self, pages: "list[PageRow]") -> None:
        if not pages:
            return
        self.line(self.say("cli.explain.pages"))
        for page in pages:
            state = self.say(f"word.page.{page.state}")
            self.line(f"  {self.at(page.decided_ms)}  {page.person} ({page.channel}): {state} {page.detail}".rstrip())
