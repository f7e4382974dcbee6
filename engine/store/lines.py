"""Facts as InfluxDB line protocol: measurements `reading` and `verdict`, explicit times in milliseconds."""

from collections.abc import Iterator

import numpy as np

from engine.detect.facts import Facts, Outcome, VerdictCode, Verdicts
from engine.store.names import KIND_NAMES, Names
from engine.store.rows import reading_rows
from rules.rule import RuleSet
from sensors.reading import KINDS, LETTERS, Flag
from sensors.registry import Registry

FLAG_TEXTS = {**{flag: letter for letter, flag in LETTERS.items()}, Flag.UNSTATED: "", Flag.UNKNOWN: "?"}
CODE_TEXTS = {code: code.name.lower() for code in VerdictCode}


def tag(text: str) -> str:
    r"""A tag value; what would end it is escaped, and a line break, which no escape can carry, becomes a blank.

    >>> print(tag("out 1,a=b"))
    out\ 1\,a\=b
    """
    plain = text.replace("\r", " ").replace("\n", " ").rstrip("\\")
    return plain.replace(",", r"\,").replace("=", r"\=").replace(" ", r"\ ")


def lines_of(facts: Facts, names: Names) -> Iterator[str]:
    """One line a reading and verdict."""
    yield from _readings(facts, names.registry)
    if facts.verdicts is not None:
        yield from _verdicts(facts.verdicts, names)


def batches(lines: Iterator[str], *, lines_max: int, bytes_max: int) -> Iterator[list[str]]:
    """The lines in runs of at most so many lines and bytes; a longer line stands alone.

    >>> list(batches(iter(["aa", "bb", "cccccc", "d"]), lines_max=2, bytes_max=6))
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


def _readings(facts: Facts, registry: Registry) -> Iterator[str]:
    """Fields: value; flag, the letter as sent; rev, 1 where it took the place of another value; recv, log time."""
    rows = reading_rows((facts,))
    batch = facts.readings
    corrected = facts.outcome == Outcome.CORRECTED
    places = zip(batch.series[corrected].tolist(), batch.device_ms[corrected].tolist(), strict=True)
    replaced = set(places)
    heads = {number: _head(number, registry) for number in np.unique(rows["series"]).tolist()}
    for series, device_ms, value, flag, log_ms, _ in rows.tolist():
        rev = int((series, device_ms) in replaced)
        yield f'{heads[series]}value={value!r},flag="{FLAG_TEXTS[Flag(flag)]}",rev={rev}i,recv={log_ms}i {device_ms}'


def _head(series: int, registry: Registry) -> str:
    number, kind = divmod(series, KINDS)
    if number >= len(registry.bindings):
        raise ValueError(f"series {series}: expected one of the {len(registry.bindings)} bindings of the registry")
    binding = registry.bindings[number]
    return f"reading,factor={tag(binding.factor)},kind={KIND_NAMES[kind]},outlet={tag(binding.outlet)} "


def _verdicts(verdicts: Verdicts, names: Names) -> Iterator[str]:
    """Fields: value (absent where not judgeable), code, valid, due, rev, recv."""
    rules: RuleSet = names.rules
    columns = (getattr(verdicts, name).tolist() for name in VERDICT_COLUMNS)
    for number, rule, day, start_ms, at_ms, value, n_valid, n_due, code, revision in zip(*columns, strict=True):
        binding = names.registry.bindings[number]
        tags = f"factor={tag(binding.factor)},outlet={tag(binding.outlet)},rule={tag(rules.rules[rule].id)}"
        judged = f"value={value!r}," if code != VerdictCode.NOT_JUDGEABLE else ""
        counts = f"valid={n_valid}i,due={n_due}i,rev={int(revision)}i,recv={at_ms}i"
        yield (
            f"verdict,{tags},window={'day' if day else 'hour'} "
            f'{judged}code="{CODE_TEXTS[VerdictCode(code)]}",{counts} {start_ms}'
        )


VERDICT_COLUMNS = ("binding", "rule", "day", "start_ms", "at_ms", "value", "n_valid", "n_due", "code", "revision")
