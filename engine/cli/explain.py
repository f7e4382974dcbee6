"""`outfall explain`: why an alert was raised, from the numbers it was raised on."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from engine.cli.base import Out, command, fail, table
from engine.cli.places import Site, site, site_options
from engine.cli.times import shown
from engine.exit_codes import ExitCode
from engine.texts import Texts

if TYPE_CHECKING:
    from rich.console import Console

    from engine.duty.alerts import DecidedEvent
    from engine.duty.outbox import PageRow
    from rules.alert import AlertEvent
    from rules.explain import Explanation


def make(say: Texts) -> click.Command:
    """The command."""

    @command(say, "explain")
    @site_options(say)
    @click.argument("alert_id", metavar="ID")
    def explain(alert_id: str, config: Path, data: Path | None, json: bool) -> None:
        place = site(config, data)
        found = _found(place, alert_id)
        Out(say=say, json=json).answer(found.to_json(), lambda console: _Page(console, say, place).show(found))

    return explain


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """All that is known of one alert."""

    steps: "list[DecidedEvent]"
    pages: "list[PageRow]"
    explanation: "Explanation"  # of the last step that has numbers

    @property
    def event(self) -> "AlertEvent":
        """The step that is explained."""
        return self.explanation.event

    def to_json(self) -> dict[str, Any]:
        """For a program."""
        checks = [{**asdict(check), "holds": check.holds} for check in self.explanation.checks]
        left_out = [{"slot_ms": left.slot.at_ms, "why": left.why} for left in self.explanation.left_out]
        return {
            "alert_id": self.event.alert_id,
            "agreement": self.explanation.agreement,
            "why": self.explanation.why,
            "checks": checks,
            "left_out": left_out,
            "steps": [{**asdict(step.event), "decision": step.decision} for step in self.steps],
            "pages": [asdict(page) for page in self.pages],
        }


def _found(place: Site, prefix: str) -> Found:
    from engine.database.open import open_database
    from engine.duty.alerts import find_alerts, load_events, load_rules
    from engine.duty.outbox import load_pages
    from rules.explain import explain

    database = open_database(place.database, readonly=True)
    try:
        rows = find_alerts(database, prefix)
        if not rows:
            fail(ExitCode.FAILED, "cli.explain.unknown", id=prefix)
        if len(rows) > 1:
            fail(ExitCode.FAILED, "cli.explain.many", id=prefix, ids=", ".join(row.alert_id for row in rows))
        steps = load_events(database, rows[0].alert_id)
        event = next((s.event for s in reversed(steps) if s.event.evidence.slot_ms), steps[-1].event)
        explanation = explain(event, load_rules(database, event.rule_version))
        return Found(steps=steps, pages=load_pages(database, rows[0].alert_id), explanation=explanation)
    finally:
        database.close()


class _Page:
    """Prints one alert, from the rule to the pages."""

    def __init__(self, console: "Console", say: Texts, place: Site) -> None:
        self.console, self.say, self.zone = console, say, place.zone

    def show(self, found: Found) -> None:
        """Everything."""
        from engine.duty.explain_text import explain_text

        event = found.event
        where = " ".join(part for part in (event.outlet, event.factor, event.mn) if part)
        kind = self.say(f"word.class.{event.alert_class}")
        self.line(f"{event.alert_id}  {kind} ({event.severity})  {where}")
        said = {"rule": event.rule, "kind": self.say(f"word.kind.{event.kind}"), "version": event.rule_version}
        self.line(self.say("cli.explain.rule", **said))
        self._numbers(event)
        self._steps(found.steps)
        for text in explain_text(found.explanation, lang=self.say.lang, zone=self.zone):
            self.line(text)
        self._pages(found.pages)

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

    def _pages(self, pages: "list[PageRow]") -> None:
        if not pages:
            return
        self.line(self.say("cli.explain.pages"))
        for page in pages:
            state = self.say(f"word.page.{page.state}")
            self.line(f"  {self.at(page.decided_ms)}  {page.person} ({page.channel}): {state} {page.detail}".rstrip())
