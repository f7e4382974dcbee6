"""Facts for the tests of stores: two outlets, a rule, and readings written as rows."""

from collections.abc import Iterable, Sequence

import numpy as np

from engine.detect.facts import Facts, Outcome, VerdictCode, Verdicts
from engine.store.names import Names
from rules.rule import AlertClass, Judging, Rule, RuleKind, RuleSet
from sensors.reading import Flag, Kind, ReadingBatch
from sensors.refusal import Refusal
from sensors.registry import Binding, Enterprise, Medium, Outlet, Registry, series_no

REGISTRY = Registry(
    enterprises=(Enterprise(id="mill", name="造纸厂", home=0),),
    outlets=(
        Outlet(id="out 1", enterprise="mill", name="总排口", medium=Medium.WATER),
        Outlet(id="stack,2", enterprise="mill", name="锅炉烟囱", medium=Medium.GAS),
    ),
    bindings=(Binding(outlet="out 1", factor="w01018"), Binding(outlet="stack,2", factor="a21026")),
)
RULES = RuleSet(
    version="r1",
    judging=Judging(),
    rules=(
        Rule(id="water-day", kind=RuleKind.EXCEEDANCE, alert_class=AlertClass.LEGAL),
        Rule(id="gas-hour", kind=RuleKind.EXCEEDANCE, alert_class=AlertClass.LEGAL),
    ),
)
NAMES = Names(registry=REGISTRY, rules=RULES)

COD = series_no(0, Kind.MINUTE)
SO2 = series_no(1, Kind.MINUTE)
MINUTE = 60_000
HOUR = 60 * MINUTE
DAY = 24 * HOUR
NOON = 1_772_337_600_000  # 2026-03-01 12:00 in Shanghai

Row = tuple[int, int, float, Flag, int]
"""series, device_ms, value, flag, log_ms."""


def facts_of(
    rows: Iterable[Row] = (),
    *,
    log_ms: int | None = None,
    outcome: Outcome = Outcome.NEW,
    verdicts: Verdicts | None = None,
    refused: Sequence[Refusal] = (),
    offset: int = -1,
) -> Facts:
    """Facts of one record; its log time is that of the last row where none is given."""
    held = list(rows)
    columns = list(zip(*held, strict=True)) or [()] * 5
    batch = ReadingBatch(
        series=np.array(columns[0], np.int32),
        device_ms=np.array(columns[1], np.int64),
        value=np.array(columns[2], np.float64),
        flag=np.array(columns[3], np.uint8),
        log_ms=np.array(columns[4], np.int64),
    )
    return Facts(
        log_ms=log_ms if log_ms is not None else held[-1][4],
        offset=offset,
        readings=batch,
        outcome=np.full(len(held), outcome, np.uint8),
        verdicts=verdicts,
        refused=tuple(refused),
    )


def verdict(
    *, start_ms: int, at_ms: int, value: float | None, code: VerdictCode, binding: int = 1, rule: int = 1
) -> Verdicts:
    """One verdict of an hour; value None: not judgeable."""
    return Verdicts(
        binding=np.array([binding], np.int32),
        rule=np.array([rule], np.int32),
        day=np.array([False]),
        start_ms=np.array([start_ms]),
        at_ms=np.array([at_ms]),
        value=np.array([np.nan if value is None else value]),
        n_valid=np.array([60], np.int32),
        n_due=np.array([60], np.int32),
        code=np.array([code], np.uint8),
        revision=np.array([False]),
    )
