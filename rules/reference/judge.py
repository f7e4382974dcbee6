"""The whole judgement of a history, part by part."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rules.alert import AlertEvent
from rules.outcome import Outcome
from rules.reference.alerts import Life
from rules.reference.book import Book
from rules.reference.checks import instant_checks, used_series, window_checks
from rules.reference.history import Entry, Epoch, epochs
from rules.reference.instant import Run, instant_events
from rules.reference.moments import Moments
from rules.reference.monitors import Heard, clock_events, hear, offline_events
from rules.reference.verdict import Verdict
from rules.rule import RuleKind


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
    heard = hear(history, stretches, outcomes)
    verdicts = list(_verdicts(stretches, book))
    events = [
        *_window_events(verdicts),
        *_instant_events(stretches, book),
        *_monitor_events(history, stretches, heard),
    ]
    return Judgement(
        outcomes=tuple(outcome for of_entry in outcomes for outcome in of_entry),
        verdicts=tuple(verdict for verdict, _ in sorted(verdicts, key=lambda pair: pair[0].at_ms)),
        events=tuple(sorted(events, key=lambda e: (e.at_ms, e.alert_id, e.seq))),
    )


def _outcomes(history: Sequence[Entry], stretches: list[Epoch], book: Book) -> Iterator[list[Outcome]]:
    used = {epoch.start_ms: used_series(epoch) for epoch in stretches}
    for entry in history:
        epoch = next(e for e in stretches if e.judges(entry.log_ms))
        sent = [reading for payload in entry.payloads for reading in payload.readings]
        yield [book.enter(reading, entry.log_ms, epoch, used[epoch.start_ms]) for reading in sent]


def _verdicts(stretches: list[Epoch], book: Book) -> Iterator[tuple[Verdict, Epoch]]:
    moments = Moments(book)
    for epoch in stretches:
        for check in window_checks(epoch):
            yield from ((verdict, epoch) for verdict in moments.verdicts(check, epoch))


def _window_events(verdicts: list[tuple[Verdict, Epoch]]) -> Iterator[AlertEvent]:
    lives: dict[tuple[str, int], Life] = defaultdict(Life)
    for verdict, epoch in verdicts:
        yield from lives[verdict.check.rule.id, verdict.check.limit_no].step(verdict, epoch)


def _instant_events(stretches: list[Epoch], book: Book) -> Iterator[AlertEvent]:
    runs: dict[tuple[str, int], Run] = defaultdict(Run)
    for epoch in stretches:
        for check in instant_checks(epoch):
            yield from instant_events(check, runs[check.rule.id, check.limit_no], book, epoch)


def _monitor_events(history: Sequence[Entry], stretches: list[Epoch], heard: Heard) -> Iterator[AlertEvent]:
    for rule in _rule_ids(stretches, RuleKind.OFFLINE):
        yield from offline_events(rule, history, stretches, heard)
    for rule in _rule_ids(stretches, RuleKind.CLOCK):
        yield from clock_events(rule, stretches, heard)


def _rule_ids(stretches: list[Epoch], kind: RuleKind) -> list[str]:
    return sorted({rule.id for epoch in stretches for rule in epoch.rules.rules if rule.kind is kind})
