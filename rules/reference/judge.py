"""The whole judgement of a history, part by part."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rules.alert import AlertEvent
from rules.outcome import Outcome
from rules.reference.alerts import Life
from rules.reference.book import Book
from rules.reference.checks import Check, alert_factor, instant_checks, used_series, window_checks
from rules.reference.history import Entry, Epoch, epochs, spells
from rules.reference.instant import Run, instant_events
from rules.reference.moments import Moments
from rules.reference.monitors import Heard, clock_events, hear, offline_events
from rules.reference.verdict import Verdict
from rules.rule import RuleKind

Name = tuple[str, str, str]
"""What alert ids are made of besides the window: rule, outlet, factor. Alerts go on under it when rules change."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """What follows from a history."""

    outcomes: tuple[Outcome, ...]  # of every reading, in log order
    verdicts: tuple[Verdict, ...]  # of every window, by log time
    events: tuple[AlertEvent, ...]  # sorted by log time, alert id and number


def judge(history: Sequence[Entry]) -> Judgement:
    """Judge a history from its first entry to its last; deadlines that the last entry does not pass stay open."""
    stretches = epochs(history)
    book = Book()
    outcomes = list(_outcomes(history, stretches, book))
    verdicts, events = _windows(stretches, book)
    events += _instants(stretches, book)
    events += _monitors(history, stretches, hear(history, stretches, outcomes))
    return Judgement(
        outcomes=tuple(outcome for of_entry in outcomes for outcome in of_entry),
        verdicts=tuple(sorted(verdicts, key=lambda verdict: verdict.at_ms)),
        events=tuple(sorted(events, key=lambda e: (e.at_ms, e.alert_id, e.seq))),
    )


def _outcomes(history: Sequence[Entry], stretches: list[Epoch], book: Book) -> Iterator[list[Outcome]]:
    used = {epoch.start_ms: used_series(epoch) for epoch in stretches}
    for entry in history:
        epoch = next(e for e in stretches if e.judges(entry.log_ms))
        sent = [reading for payload in entry.payloads for reading in payload.readings]
        yield [book.enter(reading, entry.log_ms, epoch, used[epoch.start_ms]) for reading in sent]


def _windows(stretches: list[Epoch], book: Book) -> tuple[list[Verdict], list[AlertEvent]]:
    judged: list[tuple[Epoch, Verdict]] = []
    for spell in spells(stretches, lambda epoch: {check.name: check for check in window_checks(epoch)}):
        moments = Moments(book)
        judged += [(epoch, verdict) for epoch, check in spell for verdict in moments.verdicts(check, epoch)]
    judged.sort(key=lambda found: found[0].start_ms)
    lives: dict[Name, Life] = defaultdict(Life)
    events = [event for epoch, verdict in judged for event in lives[_name(verdict.check, epoch)].step(verdict, epoch)]
    return [verdict for _, verdict in judged], events


def _instants(stretches: list[Epoch], book: Book) -> Iterator[AlertEvent]:
    runs: dict[Name, Run] = defaultdict(Run)
    for epoch in stretches:
        for check in instant_checks(epoch):
            yield from instant_events(check, runs[_name(check, epoch)], book, epoch)


def _name(check: Check, epoch: Epoch) -> Name:
    return check.rule.id, check.limit.outlet, alert_factor(check, epoch)


def _monitors(history: Sequence[Entry], stretches: list[Epoch], heard: Heard) -> Iterator[AlertEvent]:
    for kind, events_of in ((RuleKind.OFFLINE, offline_events), (RuleKind.CLOCK, clock_events)):
        for spell in spells(stretches, lambda epoch: {r.id: r for r in epoch.rules.rules if r.kind is kind}):  # noqa: B023
            yield from events_of(history, spell, heard)
