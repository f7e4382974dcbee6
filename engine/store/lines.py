"""Facts as InfluxDB line protocol: measurements `reading`, `verdict` and `alert`, explicit times in milliseconds."""

from collections.abc import Iterator
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from engine.detect.facts import Facts, Outcome, VerdictCode, Verdicts
from engine.store.names import KIND_NAMES, Names
from engine.store.rows import reading_rows
from rules.alert import AlertEvent
from rules.rule import RuleSet
from sensors.reading import KINDS, LETTERS, Flag
from sensors.registry import Registry

FLAG_TEXTS = {**{flag: letter for letter, flag in LETTERS.items()}, Flag.UNSTATED: "", Flag.UNKNOWN: "?"}
CODE_TEXTS = {code: code.name.lower() for code in VerdictCode}
JUDGED = "verdict"
"""The place of verdicts and alerts; that of a reading is its kind."""


class Line(NamedTuple):
    """One point. A string of it is its line."""

    place: str  # what it is, for whoever keeps things for different lengths of time: a kind of KIND_NAMES, or JUDGED
    series: str  # measurement and tags
    rest: str  # fields and time

    def __str__(self) -> str:
        return f"{self.series} {self.rest}"


def tag(text: str) -> str:
    r"""A tag value; what would end it is escaped, and a line break, which no escape can carry, becomes a blank.

    >>> print(tag("out 1,a=b"))
    out\ 1\,a\=b
    """
    plain = text.replace("\r", " ").replace("\n", " ").rstrip("\\")
    return plain.replace(",", r"\,").replace("=", r"\=").replace(" ", r"\ ")


def words(text: str) -> str:
    r"""A string field.

    >>> print(words('a "b" \\ c'))
    "a \"b\" \\ c"
    """
    plain = text.replace("\r", " ").replace("\n", " ")
    return '"' + plain.replace("\\", "\\\\").replace('"', '\\"') + '"'


def lines_of(facts: Facts, names: Names) -> Iterator[Line]:
    """One line a reading, a verdict and a step of an alert."""
    yield from _readings(facts, names.registry)
    if facts.verdicts is not None:
        yield from _verdicts(facts.verdicts, names)
    yield from map(_alert, facts.events)


def batches(lines: list[str], *, lines_max: int, bytes_max: int) -> Iterator[list[str]]:
    """The lines in runs of at most so many lines and bytes; a longer line stands alone.

    >>> list(batches(["aa", "bb", "cccccc", "d"], lines_max=2, bytes_max=6))
    [['aa', 'bb'], ['cccccc'], ['d']]
    """
    run: list[str] = []
    size = 0
    for line in lines:
        length = len(line.encode()) + 1
        if run and (len(run) == lines_max or size + length > bytes_max):
            yield run
            run, size = [], 0
        run.append(line)
        size += length
    if run:
        yield run


def _readings(facts: Facts, registry: Registry) -> Iterator[Line]:
    """Fields: value; flag, the letter as sent; rev, 1 where it took the place of another value; recv, log time.

    The server keeps the last value of a time. So one with a flag, which the judge left aside for a normal one, is no line.
    """
    aside = (facts.outcome == Outcome.SUPERSEDED) & (facts.readings.flag != Flag.NORMAL)
    facts = replace(facts, readings=facts.readings.take(~aside), outcome=facts.outcome[~aside]) if aside.any() else facts
    rows = reading_rows((facts,))
    batch = facts.readings
    corrected = facts.outcome == Outcome.CORRECTED
    places = zip(batch.series[corrected].tolist(), batch.device_ms[corrected].tolist(), strict=True)
    replaced = set(places)
    heads = {number: _head(number, registry) for number in np.unique(rows["series"]).tolist()}
    for series, device_ms, value, flag, log_ms, _ in rows.tolist():
        rev = int((series, device_ms) in replaced)
        fields = f'value={value!r},flag="{FLAG_TEXTS[Flag(flag)]}",rev={rev}i,recv={log_ms}i'
        yield Line(*heads[series], f"{fields} {device_ms}")


def _head(series: int, registry: Registry) -> tuple[str, str]:
    """(place, measurement and tags) of a series."""
    number, kind = divmod(series, KINDS)
    if number >= len(registry.bindings):
        raise ValueError(f"series {series}: expected one of the {len(registry.bindings)} bindings of the registry")
    binding, name = registry.bindings[number], KIND_NAMES[kind]
    return name, f"reading,factor={tag(binding.factor)},kind={name},outlet={tag(binding.outlet)}"


def _verdicts(verdicts: Verdicts, names: Names) -> Iterator[Line]:
    """Fields: value (absent where not judgeable), ceiling and floor as far as there are, code, valid, due, rev, recv."""
    rules: RuleSet = names.rules
    columns = (getattr(verdicts, name).tolist() for name in VERDICT_COLUMNS)
    for number, rule, day, start_ms, at_ms, value, n_valid, n_due, code, revision in zip(*columns, strict=True):
        binding = names.registry.bindings[number]
        tags = f"factor={tag(binding.factor)},outlet={tag(binding.outlet)},rule={tag(rules.rules[rule].id)}"
        ceiling, floor = names.bounds.of(binding.outlet, binding.factor, rules.rules[rule], start_ms)
        fields = _numbers(value=None if code == VerdictCode.NOT_JUDGEABLE else value, ceiling=ceiling, floor=floor)
        counts = f"valid={n_valid}i,due={n_due}i,rev={int(revision)}i,recv={at_ms}i"
        rest = f'{fields}code="{CODE_TEXTS[VerdictCode(code)]}",{counts} {start_ms}'
        yield Line(JUDGED, f"verdict,{tags},window={'day' if day else 'hour'}", rest)


VERDICT_COLUMNS = ("binding", "rule", "day", "start_ms", "at_ms", "value", "n_valid", "n_due", "code", "revision")


def _alert(event: AlertEvent) -> Line:
    """A step in the life of an alert, at the start of what it speaks of."""
    tags = {
        "class": event.alert_class.value, "factor": event.factor, "mn": event.mn, "outlet": event.outlet,
        "rule": event.rule, "step": event.step.value,
    }  # fmt: skip
    given = ",".join(f"{name}={tag(value)}" for name, value in tags.items() if value)
    numbers = _numbers(value=event.value, ceiling=event.ceiling, floor=event.floor)
    whole = {"seq": event.seq, "severity": event.severity, "recv": event.at_ms, "end": event.end_ms}
    counts = ",".join(f"{name}={value}i" for name, value in whole.items() if value is not None)
    says = {"id": event.alert_id, "text": _sentence(event), "unit": event.unit, "source": event.source}
    texts = ",".join(f"{name}={words(value)}" for name, value in says.items())
    marks = f"late={_truth(event.late)},unverified={_truth(event.unverified)}"
    return Line(JUDGED, f"alert,{given}", f"{numbers}{texts},{counts},{marks} {event.start_ms}")


def _sentence(event: AlertEvent) -> str:
    """What stands beside the mark in a chart.

    The words are those of the rules, and figures with their unit: a chart has one language for everybody.
    """
    bounds = [f"{sign} {bound:g}" for sign, bound in (("<=", event.ceiling), (">=", event.floor)) if bound is not None]
    value = "" if event.value is None else f" {event.value:g} {event.unit}".rstrip()
    unverified = " (unverified)" if event.unverified else ""
    limit = f", limit {' and '.join(bounds)}{unverified}" if bounds else ""
    return f"{event.rule} {event.step.value}: {event.outlet} {event.factor or event.mn}{value}{limit}"


def _numbers(**given: float | None) -> str:
    """Fields of numbers as far as they are given, each with a comma behind it."""
    return "".join(f"{name}={float(value)!r}," for name, value in given.items() if value is not None)


def _truth(value: bool) -> str:
    return "true" if value else "false"
