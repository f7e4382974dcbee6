"""Monitors that fall silent, and monitors whose clock runs ahead (section 9)."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import pairwise

from rules.alert import AlertEvent, Step, alert_id
from rules.outcome import Outcome
from rules.reference.checks import selects
from rules.reference.days import Window
from rules.reference.history import Entry, Epoch, Mark, Sent
from rules.rule import Rule

Spell = list[tuple[Epoch, Rule]]
"""An unbroken run of epochs that have one rule."""

Readings = list[tuple[Sent, Outcome]]

Heard = dict[str, list[tuple[int, Readings]]]
"""MN -> (log time, readings with their outcomes) of each log time with a payload that names it."""


def unheard_spans(history: Sequence[Entry]) -> list[Window]:
    """The spans of log time in which no host listened: from the record before a host started to that record."""
    pairs = pairwise(history)
    return [(before.log_ms, now.log_ms) for before, now in pairs if now.said is Mark.HOST_STARTED]


def silent_from(heard_ms: int, silence_ms: int, unheard: list[Window]) -> int:
    """The log time at which so much observed time has passed since a payload.

    >>> silent_from(0, 100, [(60, 90), (130, 500), (900, 999)])
    130
    """
    deadline = heard_ms + silence_ms
    for start, end in unheard:
        if heard_ms <= start < deadline:
            deadline += end - start
    return deadline


def offline_events(history: Sequence[Entry], spell: Spell, heard: Heard) -> Iterator[AlertEvent]:
    """Every event of one `offline` rule."""
    unheard = unheard_spans(history)
    listening = [entry.log_ms for entry in history if entry.said is not Mark.END_OF_INPUT]
    for mn, payloads in _during(spell, heard):
        times = [log_ms for log_ms, _ in payloads]
        for start, back in zip(times, [*times[1:], None], strict=True):
            for epoch, rule in _speaking(spell, mn):
                silent = silent_from(start, rule.silence_s * 1000, unheard)
                if epoch.judges(silent) and silent <= (listening[-1] if back is None else back):
                    opened = _opened(rule, epoch, mn, start_ms=start, at_ms=silent)
                    yield opened
                    if back is not None:
                        yield _returned(opened, back)


def clock_events(history: Sequence[Entry], spell: Spell, heard: Heard) -> Iterator[AlertEvent]:
    """Every event of one `clock` rule."""
    for mn, payloads in _during(spell, heard):
        opened: AlertEvent | None = None
        for log_ms, readings in payloads:
            ahead = [sent.device_ms - log_ms for sent, outcome in readings if outcome is Outcome.FUTURE]
            if opened is not None and readings and not ahead:
                yield _returned(opened, log_ms)
                opened = None
            elif opened is None and ahead:
                for epoch, rule in _speaking(spell, mn):
                    if epoch.judges(log_ms):
                        opened = _opened(rule, epoch, mn, start_ms=log_ms, at_ms=log_ms, value=ahead[0] / 1000)
                        yield opened


def hear(history: Sequence[Entry], stretches: list[Epoch], outcomes: list[list[Outcome]]) -> Heard:
    """What every registered monitor said, and what became of it."""
    heard: Heard = defaultdict(list)
    for entry, of_entry in zip(history, outcomes, strict=True):
        epoch = next(e for e in stretches if e.judges(entry.log_ms))
        left = iter(of_entry)
        said: dict[str, Readings] = {}
        for payload in entry.payloads:
            said.setdefault(payload.mn, []).extend((sent, next(left)) for sent in payload.readings)
        for mn, readings in said.items():
            if mn in epoch.registry.monitors_at(entry.log_ms):
                heard[mn].append((entry.log_ms, readings))
    return heard


def _during(spell: Spell, heard: Heard) -> Iterator[tuple[str, list[tuple[int, Readings]]]]:
    """What monitors said while the rule was there: of what was before, it knows nothing."""
    for mn, payloads in heard.items():
        yield mn, [said for said in payloads if any(epoch.judges(said[0]) for epoch, _ in spell)]


def _speaking(spell: Spell, mn: str) -> Iterator[tuple[Epoch, Rule]]:
    """The epochs in which a rule speaks of a monitor, with the rule as it then reads."""
    for epoch, rule in spell:
        outlet = next((m.outlet for m in epoch.registry.monitors if m.mn == mn), None)
        if outlet is not None and selects(rule, epoch.registry.outlet(outlet)):
            yield epoch, rule


def _opened(rule: Rule, epoch: Epoch, mn: str, *, start_ms: int, at_ms: int, value: float | None = None) -> AlertEvent:
    outlet = next(m.outlet for m in epoch.registry.monitors if m.mn == mn)
    return AlertEvent(
        alert_id=alert_id(rule.id, outlet, mn, start_ms),
        seq=0,
        step=Step.OPENED,
        at_ms=at_ms,
        rule=rule.id,
        kind=rule.kind,
        rule_version=epoch.rules.version,
        alert_class=rule.alert_class,
        severity=3 if rule.severity is None else rule.severity,
        outlet=outlet,
        factor="",
        mn=mn,
        start_ms=start_ms,
        end_ms=None,
        value=value,
    )


def _returned(opened: AlertEvent, log_ms: int) -> AlertEvent:
    return replace(opened, seq=1, step=Step.RETURNED, at_ms=log_ms, end_ms=log_ms)
