"""Alerts explained: what they print gives their verdict again, and a number that was changed is found."""

from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings

from engine.duty.explain_text import explain_text
from engine.texts import area
from rules.alert import AlertEvent, Evidence, Step
from rules.explain import Agreement, Explanation, Why, explain
from rules.limits import Averaging, Basis, Limit, Weighting
from rules.recompute import Left
from rules.reference import Entry
from rules.rule import AlertClass, Judging, Rule, RuleKind, RuleSet
from sensors.reading import Flag
from tests.diary import Example
from tests.driving import Drive
from tests.duty_cases import HOUR, NOON, silence, window
from tests.histories import Case, cases
from tests.law_examples import EXAMPLES

N, D, E = Flag.NORMAL, Flag.FAULT, Flag.EMPTY
TEN_MINUTES = HOUR // 6
DAY_START = NOON - 12 * HOUR


def rules(limit: Limit, rule: Rule) -> RuleSet:
    return RuleSet(version="r1", judging=Judging(), rules=(rule,), limits=(limit,))


HOUR_RULE = Rule(id="hour", kind=RuleKind.EXCEEDANCE, alert_class=AlertClass.LEGAL)
DAY_RULE = replace(HOUR_RULE, id="day", averaging=Averaging.DAY)
SO2 = Limit(outlet="stack-1", factor="a21026", averaging=Averaging.HOUR, ceiling=50.0, source="table 2")
COD = Limit(outlet="out-1", factor="w01018", averaging=Averaging.DAY, ceiling=50.0, weighting=Weighting.FLOW)
PH = Limit(outlet="out-1", factor="w01001", averaging=Averaging.HOUR, ceiling=9.0, floor=6.0)


def event(limit: Limit, rule: Rule, value: float, evidence: Evidence) -> AlertEvent:
    start, end = (NOON, NOON + HOUR) if rule.averaging is Averaging.HOUR else (DAY_START, DAY_START + 24 * HOUR)
    return replace(
        window(0), rule=rule.id, kind=rule.kind, outlet=limit.outlet, factor=limit.factor, value=value,
        ceiling=limit.ceiling, floor=limit.floor, source=limit.source, start_ms=start, end_ms=end, evidence=evidence,
    )  # fmt: skip


def ten_minutes(values: list[float | None], flags: list[Flag], **others: object) -> Evidence:
    """Evidence of one hour in slots of ten minutes."""
    slot_ms = tuple(NOON + n * TEN_MINUTES for n in range(6))
    columns = {"slot_ms": slot_ms, "value": tuple(values), "flag": tuple(flags), "n_due": 6}
    return Evidence(**{**columns, **others})  # type: ignore[arg-type]


ONE_FAULT = ten_minutes([60, 70, 999, 60, 70, 65], [N, N, D, N, N, N], n_valid=5, measured=65.0)
CONVERTED = replace(SO2, basis=Basis.CONVERTED, reference_o2=9.0)
WITH_O2 = replace(ONE_FAULT, o2=11.0)
FLOW_DAY = Evidence(
    slot_ms=tuple(DAY_START + n * HOUR for n in range(24)),
    value=(100.0,) * 12 + (20.0,) * 10 + (20.0, None),
    flag=(N,) * 23 + (E,),
    helper=(3.0,) * 12 + (1.0,) * 10 + (0.0, 1.0),
    n_valid=22, n_due=23,
)  # fmt: skip
FROM_DEVICE = ten_minutes([60, 60, None, None, None, None], [N, N, E, E, E, E], n_valid=2, measured=72.0, from_device=True)
PH_HOUR = ten_minutes([7, 7, 5.5, 9.4, 7, 7], [N] * 6, n_valid=6)
SECONDS = Evidence(  # two slots a minute; one minute has one valid slot, so it weighs as much as the others
    slot_ms=tuple(NOON + n * 30_000 for n in range(120)),
    value=(180.0, 0.0) + (60.0,) * 118,
    flag=(N, D) + (N,) * 118,
    n_valid=60, n_due=60, measured=62.0,
)  # fmt: skip

CASES = [
    ("an hour, the fault left out", SO2, HOUR_RULE, 65.0, ONE_FAULT, Agreement.AGREES, (5, {Left.FLAG: 1})),
    ("converted to 9 % oxygen: 65 x 12 / 10", CONVERTED, HOUR_RULE, 78.0, WITH_O2, Agreement.AGREES, (5, {Left.FLAG: 1})),
    ("minutes of short slots weigh the same", SO2, HOUR_RULE, 62.0, SECONDS, Agreement.AGREES, (119, {Left.FLAG: 1})),
    ("a day weighted with the flow: (36 x 100 + 10 x 20) / 46", COD, DAY_RULE, 82.608696, FLOW_DAY, Agreement.AGREES,
     (22, {Left.ZERO_FLOW: 1, Left.EMPTY: 1})),
    ("pH a third of the hour outside, the farthest shown", PH, replace(HOUR_RULE, kind=RuleKind.RANGE), 5.5, PH_HOUR,
     Agreement.AGREES, (6, {})),
    ("the device's own mean, because two slots are too few", SO2, HOUR_RULE, 72.0, FROM_DEVICE, Agreement.PARTLY,
     (0, {Left.EMPTY: 4, Left.HOUR_NOT_VALID: 2})),
]  # fmt: skip


@pytest.mark.parametrize(
    ("limit", "rule", "value", "evidence", "agreement", "counts"), [c[1:] for c in CASES], ids=[c[0] for c in CASES]
)
def test_worked_examples(
    limit: Limit, rule: Rule, value: float, evidence: Evidence, agreement: Agreement, counts: tuple[int, dict[Left, int]]
) -> None:
    found = explain(event(limit, rule, value, evidence), rules(limit, rule))
    assert found.agreement is agreement, [check for check in found.checks if not check.holds]
    assert (len(found.used), _by_why(found)) == counts


def _by_why(found: Explanation) -> dict[Left, int]:
    whys = [out.why for out in found.left_out]
    return {why: whys.count(why) for why in whys}


CHANGED = [
    ("the value", {"value": 65.1}, {}),
    ("a reading", {}, {"value": (60, 70, 999, 60, 70, 66)}),
    ("a flag", {}, {"flag": (N, N, N, N, N, N)}),
    ("the number of valid readings", {}, {"n_valid": 6}),
    ("the mean", {}, {"measured": 64.0}),
]


@pytest.mark.parametrize(("of_event", "of_evidence"), [c[1:] for c in CHANGED], ids=[c[0] for c in CHANGED])
def test_a_number_that_was_changed_is_found(of_event: dict[str, float], of_evidence: dict[str, object]) -> None:
    honest = event(SO2, HOUR_RULE, 65.0, ONE_FAULT)
    changed = replace(honest, **of_event, evidence=replace(ONE_FAULT, **of_evidence))  # type: ignore[arg-type]
    assert explain(changed, rules(SO2, HOUR_RULE)).agreement is Agreement.DISAGREES


def test_a_value_equal_to_the_limit_does_not_agree() -> None:
    at_limit = ten_minutes([50] * 6, [N] * 6, n_valid=6, measured=50.0)
    found = explain(event(SO2, HOUR_RULE, 50.0, at_limit), rules(SO2, HOUR_RULE))
    assert [check.name for check in found.checks if not check.holds] == ["exceeded"]


def test_without_the_rule_set_it_was_judged_by_nothing_is_claimed() -> None:
    judged = event(SO2, HOUR_RULE, 65.0, ONE_FAULT)
    for at_hand in (None, replace(rules(SO2, HOUR_RULE), version="r2"), rules(PH, HOUR_RULE)):
        found = explain(judged, at_hand)
        assert (found.agreement, found.why) == (Agreement.UNKNOWN, (Why.RULES_UNKNOWN,))


def test_a_silent_monitor() -> None:
    rule = Rule(id="offline", kind=RuleKind.OFFLINE, alert_class=AlertClass.INTEGRITY, silence_s=3600)
    assert explain(silence(0), rules(SO2, rule)).agreement is Agreement.AGREES
    assert explain(silence(0), rules(SO2, replace(rule, silence_s=7200))).agreement is Agreement.DISAGREES


@pytest.mark.parametrize("example", EXAMPLES, ids=[example.sentence for example in EXAMPLES])
def test_the_alerts_of_every_example_follow_from_what_they_print(example: Example) -> None:
    _must_follow(example.diary.history())


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(cases())
def test_every_alert_of_the_judge_follows_from_what_it_prints(case: Case) -> None:
    _must_follow(case.history)


def _must_follow(history: Sequence[Entry]) -> None:
    in_force = {entry.said.version: entry.said for entry in history if isinstance(entry.said, RuleSet)}
    events = Drive(columns=True, batch=500).through(history).events
    for found in (explain(event, in_force[event.rule_version]) for event in events):
        assert found.agreement in (Agreement.AGREES, Agreement.PARTLY), (
            found.event,
            [check for check in found.checks if not check.holds],
        )


def test_as_text_in_english() -> None:
    found = explain(event(SO2, HOUR_RULE, 65.0, ONE_FAULT), rules(SO2, HOUR_RULE))
    assert explain_text(found, lang="en", zone="Asia/Shanghai") == [
        "Computed again from the readings below: agrees.",
        "  valid: 5, computed again 5",
        "  due: 6, computed again 6",
        "  enough valid readings of its own: yes, computed again yes",
        "  mean before conversion: 65, computed again 65",
        "  value: 65, computed again 65",
        "  outside the limit: yes, computed again yes",
        "5 readings used",
        "  2026-03-01 12:00  60",
        "  2026-03-01 12:10  70",
        "  2026-03-01 12:30  60",
        "  2026-03-01 12:40  70",
        "  2026-03-01 12:50  65",
        "1 left out: flag D fault",
        "  2026-03-01 12:20  999",
    ]


def test_as_text_in_chinese_with_what_differs() -> None:
    found = explain(event(SO2, HOUR_RULE, 66.0, ONE_FAULT), rules(SO2, HOUR_RULE))
    lines = explain_text(found, lang="zh", zone="Asia/Shanghai")
    assert lines[0] == "由下列读数重新计算：不一致！"
    assert "  判定值：66，重算 65  ← 不一致" in lines


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_everything_that_can_be_said_has_a_text(lang: str) -> None:
    keys = [*(f"explain.{a}" for a in Agreement), *(f"explain.why_{w}" for w in Why), *(f"explain.left_{x}" for x in Left)]
    for key in keys:
        assert area("explain")[key][lang]


def test_later_steps_print_the_numbers_they_have() -> None:
    opened = event(SO2, HOUR_RULE, 65.0, ONE_FAULT)
    for step in Step:
        found = explain(replace(opened, step=step, seq=1), rules(SO2, HOUR_RULE))
        assert found.agreement is Agreement.AGREES
