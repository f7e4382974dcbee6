"""Registry and rule set survive the way into a control record and back."""

from hypothesis import given, settings
from hypothesis import strategies as st

from engine.log.record import Control, ControlKind
from rules.limits import Averaging, Limit
from rules.rule import Judging, Rule
from rules.ruleset_json import make_ruleset, ruleset_from_json, ruleset_to_json
from sensors.registry import Registry
from sensors.registry_json import registry_from_json, registry_to_json

# Characters that UTF-8 cannot carry never come out of a file that was read as UTF-8.
text = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
st.register_type_strategy(str, text)
st.register_type_strategy(float, st.floats(allow_nan=False, allow_infinity=False))
st.register_type_strategy(int, st.integers(-(1 << 62), 1 << 62))


@settings(max_examples=30, deadline=None)
@given(st.builds(Registry))
def test_a_registry_comes_back_from_a_control_record_as_it_went_in(registry: Registry) -> None:
    record = Control(kind=ControlKind.REGISTRY, content=registry_to_json(registry)).encode()
    assert registry_from_json(Control.decode(record).content) == registry


@settings(max_examples=30, deadline=None)
@given(st.builds(Judging), st.lists(st.builds(Rule), max_size=3), st.lists(st.builds(Limit), max_size=3))
def test_a_rule_set_comes_back_from_a_control_record_as_it_went_in(
    judging: Judging, rules: list[Rule], limits: list[Limit]
) -> None:
    ruleset = make_ruleset(judging=judging, rules=tuple(rules), limits=tuple(limits))
    record = Control(kind=ControlKind.RULES, content=ruleset_to_json(ruleset)).encode()
    assert ruleset_from_json(Control.decode(record).content) == ruleset


def test_equal_content_has_an_equal_version_and_a_changed_ceiling_another() -> None:
    def version(ceiling: float) -> str:
        limit = Limit(outlet="o", factor="w01018", averaging=Averaging.DAY, ceiling=ceiling)
        return make_ruleset(judging=Judging(), rules=(), limits=(limit,)).version

    assert version(50.0) == version(50.0) != version(50.5)
