"""Registry and rule set survive the way into a control record and back."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.log.record import Control, ControlKind
from rules.limits import Averaging, Limit
from rules.rule import Judging, Rule
from rules.ruleset_json import make_ruleset, ruleset_from_json, ruleset_to_json
from sensors import registry_json
from sensors.registry import Binding, Registry
from sensors.registry_json import registry_from_json, registry_to_json
from sensors.table import Coded, Table, coded

# Characters that UTF-8 cannot carry never come out of a file that was read as UTF-8.
text = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
st.register_type_strategy(str, text)
st.register_type_strategy(float, st.floats(allow_nan=False, allow_infinity=False))
st.register_type_strategy(int, st.integers(-(1 << 62), 1 << 62))


@pytest.fixture(params=[registry_json.ROWS_MAX, 0], ids=["in rows", "in columns"])
def way(request: pytest.FixtureRequest) -> Iterator[None]:
    """How tables are written: as small ones, and as large ones."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(registry_json, "ROWS_MAX", request.param)
        yield


BOTH_WAYS = settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@BOTH_WAYS
@given(st.builds(Registry))
def test_a_registry_comes_back_from_a_control_record_as_it_went_in(way: None, registry: Registry) -> None:
    record = Control(kind=ControlKind.REGISTRY, content=registry_to_json(registry)).encode()
    assert registry_from_json(Control.decode(record).content) == registry


@BOTH_WAYS
@given(st.builds(Judging), st.lists(st.builds(Rule), max_size=3), st.lists(st.builds(Limit), max_size=3))
def test_a_rule_set_comes_back_from_a_control_record_as_it_went_in(
    way: None, judging: Judging, rules: list[Rule], limits: list[Limit]
) -> None:
    ruleset = make_ruleset(judging=judging, rules=tuple(rules), limits=tuple(limits))
    record = Control(kind=ControlKind.RULES, content=ruleset_to_json(ruleset)).encode()
    assert ruleset_from_json(Control.decode(record).content) == ruleset


def bindings(*pairs: tuple[str, str]) -> Registry:
    return Registry(bindings=tuple(Binding(outlet=outlet, factor=factor) for outlet, factor in pairs))


def test_the_same_register_is_written_alike_however_it_is_held(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry_json, "ROWS_MAX", 0)
    plain = bindings(("b", "x"), ("a", "y"), ("b", "y"))
    code = np.array([2, 1, 3], np.int32)  # values out of order, one twice, one that no row has
    columns = {"outlet": Coded(["c", "a", "b", "b"], code), "factor": coded(["x", "y", "y"])}
    held = Registry(bindings=Table(Binding, 3, columns))
    assert held == plain
    assert registry_to_json(held) == registry_to_json(plain)
    assert registry_to_json(plain)["bindings"]["coded"][0][0] == ["b", "a"]


DAMAGED = {
    "too few positions": [["a", "b"], "AAAAAA=="],
    "a position without a value": [["a"], "AAAAAAEAAAA="],
    "no value": [[], None],
}


@pytest.mark.parametrize("column", DAMAGED.values(), ids=DAMAGED)
def test_columns_that_do_not_fit_are_refused_with_table_and_column(column: list[Any]) -> None:
    content = registry_to_json(Registry())
    content["bindings"] = {"columns": ["outlet", "factor"], "size": 2, "coded": [column, [["x"], None]]}
    with pytest.raises(ValueError, match="bindings, outlet: expected 2 positions in"):
        registry_from_json(content)


def test_equal_content_has_an_equal_version_and_a_changed_ceiling_another() -> None:
    def version(ceiling: float) -> str:
        limit = Limit(outlet="o", factor="w01018", averaging=Averaging.DAY, ceiling=ceiling)
        return make_ruleset(judging=Judging(), rules=(), limits=(limit,)).version

    assert version(50.0) == version(50.0) != version(50.5)
