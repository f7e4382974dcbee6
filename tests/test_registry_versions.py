"""A version of the registry grows out of the last: numbers keep their meaning, the past stays as it was."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sensors.registry import FOREVER_MS, Binding, Enterprise, Medium, Monitor, Outlet, Registry
from sensors.registry_versions import History, MovedError, grown

NOW = 1_000_000


def registry(*factors: str, monitors: tuple[Monitor, ...] = (), home: int = 7) -> Registry:
    """One enterprise with one outlet."""
    return Registry(
        enterprises=(Enterprise(id="e", name="E", home=home),),
        outlets=(Outlet(id="o", enterprise="e", name="O", medium=Medium.WATER),),
        monitors=monitors,
        bindings=tuple(Binding(outlet="o", factor=f) for f in factors),
    )


codes = st.lists(st.sampled_from(["w01018", "w21003", "w21001", "w21011", "w00000"]), unique=True)


@given(st.lists(codes, max_size=4))
def test_a_position_once_given_never_means_another_factor(steps: list[list[str]]) -> None:
    version = registry()
    for step in steps:
        before = version.bindings
        version = grown(version, registry(*step), NOW)
        assert version.bindings[: len(before)] == before
        assert {b.factor for b in version.bindings} >= set(step)


def test_nothing_changed_is_the_version_that_was() -> None:
    first = registry("w01018", monitors=(Monitor(mn="A", outlet="o"),))
    assert grown(first, registry("w01018", monitors=(Monitor(mn="A", outlet="o"),)), NOW) is first


def spans(version: Registry) -> list[tuple[str, int, int, int]]:
    return [(m.mn, m.minute_min, m.valid_from_ms, m.valid_to_ms) for m in version.monitors]


MONITORS = {
    "a new monitor begins now": (
        [Monitor(mn="A", outlet="o")],
        [Monitor(mn="A", outlet="o"), Monitor(mn="B", outlet="o")],
        [("A", 10, 0, FOREVER_MS), ("B", 10, NOW, FOREVER_MS)],
    ),
    "one that is wanted no more ends now": (
        [Monitor(mn="A", outlet="o")], [],
        [("A", 10, 0, NOW)],
    ),
    "a changed one ends now and begins anew": (
        [Monitor(mn="A", outlet="o")], [Monitor(mn="A", outlet="o", minute_min=5)],
        [("A", 10, 0, NOW), ("A", 5, NOW, FOREVER_MS)],
    ),
    "an end stated ahead is kept": (
        [Monitor(mn="A", outlet="o")], [Monitor(mn="A", outlet="o", valid_to_ms=NOW + 5)],
        [("A", 10, 0, NOW + 5)],
    ),
    "an end stated in the past is now: what was judged stays judged": (
        [Monitor(mn="A", outlet="o")], [Monitor(mn="A", outlet="o", valid_to_ms=5)],
        [("A", 10, 0, NOW)],
    ),
    "a beginning stated ahead is kept": (
        [Monitor(mn="A", outlet="o")],
        [Monitor(mn="A", outlet="o", valid_to_ms=NOW + 5), Monitor(mn="B", outlet="o", valid_from_ms=NOW + 5)],
        [("A", 10, 0, NOW + 5), ("B", 10, NOW + 5, FOREVER_MS)],
    ),
    "one that ended stays ended, and may come back": (
        [Monitor(mn="A", outlet="o", valid_to_ms=5)], [Monitor(mn="A", outlet="o")],
        [("A", 10, 0, 5), ("A", 10, NOW, FOREVER_MS)],
    ),
}  # fmt: skip


@pytest.mark.parametrize(("last", "wanted", "expected"), MONITORS.values(), ids=MONITORS)
def test_monitors(last: list[Monitor], wanted: list[Monitor], expected: list[tuple[str, int, int, int]]) -> None:
    version = grown(registry(monitors=tuple(last)), registry(monitors=tuple(wanted)), NOW)
    assert spans(version) == expected
    assert spans(grown(version, registry(monitors=tuple(wanted)), NOW)) == expected


def test_an_enterprise_keeps_the_home_it_was_given() -> None:
    assert grown(registry(home=7), registry("w01018", home=3), NOW).enterprises[0].home == 7


def test_an_outlet_cannot_change_its_medium() -> None:
    wanted = Registry(
        enterprises=(Enterprise(id="e", name="E"),),
        outlets=(Outlet(id="o", enterprise="e", name="O", medium=Medium.GAS),),
    )
    with pytest.raises(MovedError, match=r"outlet 'o' was registered at e \(water\), now at e \(gas\)"):
        grown(registry(), wanted, NOW)


def test_before_the_first_version_there_is_none() -> None:
    history = History(versions=((10, Registry(version=1)),))
    assert history.as_of(10).version == 1
    with pytest.raises(LookupError):
        history.as_of(9)
