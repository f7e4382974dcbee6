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
from rules.rule import Rule, RuleKind

Heard = dict[str, list[tuple[int, list[tuple[Sent, Outcome]]]]]
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


def offline_events(rule_id: str, history: Sequence[Entry], stretches: list[Epoch], heard: Heard) -> Iterator[AlertEvent]:
    """Every event of one `offline` rule, over all epochs."""
    unheard = unheard_spans(history)
    listening = [entry.log_ms for entry in history if entry.said is not Mark.END_OF_INPUT]
    for mn, payloads in heard.items():
        times = [log_ms for log_ms, _ in payloads]
        for start, back in zip(times, [*times[1:], None], strict=True):
            for epoch, rule in _rules(rule_id, RuleKind.OFFLINE, mn, stretches):
                silent = silent_from(start, rule.silence_s * 1000, unheard)
                end = listening[-1] if back is None else back
                if epoch.judges(silent) and silent <= end:
                    opened = _opened(rule, epoch, mn, start_ms=start, at_ms=silent)
                    yield opened
                    if back is not None:
                        yield _returned(opened, back)


def clock_events(rule_id: str, stretches: list[Epoch], heard: Heard) -> Iterator[AlertEvent]:
    """Every event of one `clock` rule, over all epochs."""
    for mn, payloads in heard.items():
        opened: AlertEvent | None = None
        for log_ms, readings in payloads:
            ahead = [sent.device_ms - log_ms for sent, outcome in readings if outcome is Outcome.FUTURE]
            if opened is not None and readings and not ahead:
                yield _returned(opened, log_ms)
                opened = None
            elif opened is None and ahead:
                for epoch, rule in _rules(rule_id, RuleKind.CLOCK, mn, stretches):
                    if epoch.judges(log_ms):
                        opened = _opened(rule, epoch, mn, start_ms=log_ms, at_ms=log_ms, value=ahead[0] / 1000)
                        yield opened


def hear(history: Sequence[Entry], stretches: list[Epoch], outcomes: list[list[Outcome]]) -> Heard:
    """What every registered monitor said, and what became of it."""
    heard: Heard = defaultdict(list)
    for entry, of_entry in zip(history, outcomes, strict=True):
        epoch = next(e for e in stretches if e.judges(entry.log_ms))
        left = iter(of_entry)
        said: dict[str, list[tuple[Sent, Outcome]]] = {}
        for payload in entry.payloads:
            said.setdefault(payload.mn, []).extend((sent, next(left)) for sent in payload.readings)
        for mn, readings in said.items():
            if mn in epoch.registry.monitors_at(entry.log_ms):
                heard[mn].append((entry.log_ms, readings))
    return heard


def _rules(rule_id: str, kind: RuleKind, mn: str, stretches: list[Epoch]) -> Iterator[tuple[Epoch, Rule]]:
    """The epochs in which a rule of that kind speaks of a monitor, with the rule as it then reads."""
    for epoch in stretches:
        outlet = next((m.outlet for m in epoch.registry.monitors if m.mn == mn), None)
        for rule in epoch.rules.rules:
            if (rule.id, rule.kind) == (rule_id, kind) and outlet and selects(rule, epoch.registry.outlet(outlet)):
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
