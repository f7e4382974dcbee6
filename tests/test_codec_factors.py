"""The factor catalogue against the traps of the standard, and the arithmetic of units."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sensors.factors import alias_2005, catalogue, factor, nearest
from sensors.registry import Medium
from sensors.units import GROUPS, UnitError, conversion, unit


def test_the_catalogue_has_41_factors_of_water_and_63_of_gas() -> None:
    media = [entry.medium for entry in catalogue().values()]
    assert (media.count(Medium.WATER), media.count(Medium.GAS)) == (41, 63)


def test_every_wire_unit_is_known_and_converts_to_the_judging_unit() -> None:
    for entry in catalogue().values():
        assert unit(entry.wire_unit) == entry.wire_unit
        conversion(entry.wire_unit, entry.unit)
        assert entry.alias_2005 == "" or alias_2005(entry.alias_2005, entry.medium) == entry.code


TRAPS = [
    ("Hg", "w20111", "ug/L", "mg/L", 999.99),
    ("Cd", "w20115", "ug/L", "mg/L", 999.9),
    ("Cr(VI)", "w20117", "ug/L", "mg/L", 99.999),
    ("As", "w20119", "ug/L", "mg/L", 99.999),
    ("Pb", "w20120", "ug/L", "mg/L", 9999.0),
    ("total Cr is in mg/L", "w20116", "mg/L", "mg/L", 999.999),
    ("Tl", "w20089", "ng/L", "mg/L", 9999.0),
    ("NH3 in gas", "a21001", "ng/m3", "mg/m3", 9999.999),
    ("methane", "a05002", "ng/m3", "mg/m3", 9999.9),
    ("PM2.5", "a34004", "ng/m3", "mg/m3", 999.999),
    ("stack PM", "a34013", "mg/m3", "mg/m3", 9999.0),
    ("gas flow", "a00000", "m3/s", "m3/s", 999_999.9),
    ("wastewater flow", "w00000", "L/s", "L/s", 99_999.99),
    ("pH", "w01001", "pH", "pH", 99.99),
]


@pytest.mark.parametrize(("code", "wire", "judged", "most"), [t[1:] for t in TRAPS], ids=[t[0] for t in TRAPS])
def test_units_and_ranges_where_they_are_easily_mistaken(code: str, wire: str, judged: str, most: float) -> None:
    found = factor(code)
    assert found is not None
    assert (found.wire_unit, found.unit, found.max_abs) == (wire, judged, most)


ALIASES = [
    ("001", Medium.WATER, "w01001"),
    ("01", Medium.GAS, "a34013"),
    ("01", Medium.AIR, "a34013"),
    ("01", Medium.WATER, None),
    ("001", Medium.GAS, None),
    ("030", Medium.WATER, "w20123"),
    ("30", Medium.GAS, "a05001"),
    ("S08", Medium.GAS, "a01013"),
    ("065", Medium.WATER, "w21001"),
    ("101", Medium.WATER, "w21011"),
    ("", Medium.GAS, None),
]


@pytest.mark.parametrize(("code", "medium", "expected"), ALIASES)
def test_a_2005_code_is_text_and_means_what_its_medium_says(code: str, medium: Medium, expected: str | None) -> None:
    assert alias_2005(code, medium) == expected


def test_total_nitrogen_and_phosphorus_cod_and_the_permanganate_index_are_not_swapped() -> None:
    names = {code: entry.name_zh for code, entry in catalogue().items()}
    assert (names["w21001"], names["w21011"], names["w01010"], names["w01012"]) == ("总氮", "总磷", "水温", "悬浮物")
    assert (names["w01018"], names["w01019"], names["w01017"]) == ("化学需氧量", "高锰酸盐指数", "五日生化需氧量")


NEAREST = [("W01018", "w01018"), ("w01O18", "w01018"), ("a2126", "a21026"), ("氨氮", "w21003"), ("x" * 50, None)]


@pytest.mark.parametrize(("word", "code"), NEAREST)
def test_the_nearest_factor_to_a_word(word: str, code: str | None) -> None:
    assert nearest(word) == code


EXACT = [
    ("ug/L", "mg/L", 50.0, 0.05),
    ("ng/L", "mg/L", 3.0, 3e-6),
    ("ng/m3", "mg/m3", 87.0, 8.7e-5),
    ("m3/h", "m3/s", 36_000.0, 10.0),
    ("m3/h", "L/s", 36.0, 10.0),
    ("m3/d", "L/s", 86.4, 1.0),
    ("L/s", "m3/h", 10.0, 36.0),
    ("g/m3", "mg/L", 18.0, 18.0),
    ("g/m3", "mg/m3", 0.018, 18.0),
    ("Pa", "kPa", -212.0, -0.212),
]


@pytest.mark.parametrize(("source", "target", "value", "expected"), EXACT)
def test_conversions_are_exact_where_decimals_are(source: str, target: str, value: float, expected: float) -> None:
    assert conversion(source, target)(value) == expected


PAIRS = [(a, b) for units in GROUPS.values() for a in units for b in units]


@given(st.sampled_from(PAIRS), st.floats(1e-3, 1e6))
def test_there_and_back_is_where_one_started(pair: tuple[str, str], value: float) -> None:
    source, target = pair
    assert conversion(target, source)(conversion(source, target)(value)) == pytest.approx(value, rel=1e-12)


SPELLINGS = [("µg/L", "ug/L"), ("μg/l", "ug/L"), ("MG/L", "mg/L"), ("m³/h", "m3/h"), ("℃", "°C"), ("mg / m³", "mg/m3")]


@pytest.mark.parametrize(("text", "name"), SPELLINGS)
def test_a_unit_is_known_by_its_usual_spellings(text: str, name: str) -> None:
    assert unit(text) == name


def test_an_unknown_unit_is_refused_with_the_nearest_name() -> None:
    with pytest.raises(UnitError, match="'mgL': not known; the nearest is mg/L"):
        unit("mgL")
    with pytest.raises(UnitError, match="expected one such as mg/L"):
        unit("furlongs per fortnight and so on")


def test_a_gas_unit_for_a_water_factor_is_no_conversion() -> None:
    with pytest.raises(UnitError, match="expected one that converts to mg/L"):
        conversion("mg/m3", "mg/L")
