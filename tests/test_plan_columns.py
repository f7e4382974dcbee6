"""Registry and limits as objects or as tables are planned alike, and carry one version."""

from dataclasses import fields

import numpy as np

from rules.limits import Averaging, Basis, Limit, Weighting
from rules.plan import Checks, InstantChecks
from rules.planner import plan_for
from rules.rule import AlertClass, Judging, Rule, RuleKind, RuleSet, Selector
from rules.ruleset_json import make_ruleset, ruleset_from_json, ruleset_to_json
from sensors.reading import Kind
from sensors.registry import Binding, Enterprise, Medium, Monitor, Outlet, Registry
from sensors.registry_json import registry_from_json, registry_to_json
from sensors.table import Table

FACTORS = {Medium.GAS: ("a21026", "a19001"), Medium.WATER: ("w01018", "w00000")}


def registry() -> Registry:
    media = [Medium.GAS, Medium.WATER, Medium.GAS]
    kinds = [Kind.REALTIME, Kind.MINUTE, Kind.HOUR]
    return Registry(
        enterprises=(Enterprise(id="e", name="E", home=3), Enterprise(id="f", name="F", home=4)),
        outlets=tuple(Outlet(id=f"o{n}", enterprise="ef"[n % 2], name="", medium=m) for n, m in enumerate(media)),
        monitors=tuple(Monitor(mn=f"m{n}", outlet=f"o{n}", minute_min=n + 1) for n in range(3)),
        bindings=tuple(
            Binding(outlet=f"o{n}", factor=code, judged_from=kinds[n]) for n, m in enumerate(media) for code in FACTORS[m]
        ),
    )


def rules() -> RuleSet:
    gas = Limit(outlet="o0", factor="a21026", averaging=Averaging.HOUR, ceiling=50, basis=Basis.CONVERTED, reference_o2=6)
    limits = (
        gas,
        Limit(outlet="o2", factor="a21026", averaging=Averaging.HOUR, ceiling=50.0, decimals=1),
        Limit(outlet="o1", factor="w01018", averaging=Averaging.DAY, ceiling=40.0, weighting=Weighting.FLOW),
        Limit(outlet="o1", factor="w01018", averaging=Averaging.DAY, ceiling=30.0, valid_to_ms=5),
        Limit(outlet="nowhere", factor="a21026", averaging=Averaging.HOUR, ceiling=1.0),
    )
    legal = {"alert_class": AlertClass.LEGAL}
    return make_ruleset(
        judging=Judging(),
        rules=(
            Rule(id="hour", kind=RuleKind.EXCEEDANCE, select=Selector(mediums=(Medium.GAS,)), **legal),
            Rule(id="day", kind=RuleKind.EXCEEDANCE, averaging=Averaging.DAY, **legal),
            Rule(id="early", kind=RuleKind.INSTANT, fraction=0.57, alert_class=AlertClass.EARLY_WARNING),
        ),
        limits=limits,
    )


def as_tables() -> tuple[Registry, RuleSet]:
    return registry_from_json(registry_to_json(registry())), ruleset_from_json(ruleset_to_json(rules()))


def test_objects_and_tables_make_one_plan() -> None:
    tables, limits = as_tables()
    for partition in (0, 1):
        plans = [plan_for(r, s, partition=partition, partitions=2) for r, s in ((registry(), rules()), (tables, limits))]
        assert plans[0].specs == plans[1].specs
        for name, cls in (("checks", Checks), ("instants", InstantChecks)):
            for f in fields(cls):
                one, other = (getattr(getattr(plan, name), f.name) for plan in plans)
                np.testing.assert_array_equal(one, other, err_msg=f"{name}.{f.name}")


def test_limits_of_one_place_are_told_apart_by_their_number() -> None:
    plan = plan_for(registry(), rules())
    names = [plan.name(plan.checks, n) for n in range(len(plan.checks))]
    assert names == [
        ("hour", "o0", "a21026", 0), ("hour", "o2", "a21026", 0), ("day", "o1", "w01018", 0), ("day", "o1", "w01018", 1)
    ]  # fmt: skip


def test_a_rule_set_of_a_table_has_the_version_of_the_same_limits_as_objects() -> None:
    made = rules()
    table = ruleset_from_json(ruleset_to_json(made)).limits
    assert isinstance(table, Table) and table == made.limits
    assert make_ruleset(judging=made.judging, rules=made.rules, limits=table).version == made.version
