"""The catalogue of standards: every figure that was not read in its text says so, and what is here is consistent."""

import pytest

from engine.config.document import parse_document
from engine.config.problem import BadFile
from engine.registry_files.standards import built_in, catalogue_of
from rules.catalogue import standard_texts
from rules.limits import Averaging, Basis, Weighting
from rules.precedence import Level
from sensors.factors import factor
from sensors.registry import Medium

CONFIRMED = {
    "GB 13223-2011/coal-new": {"a21026", "a21002"},
    "GB 13223-2011/coal-existing": {"a21026", "a21002"},
    "GB 18485-2014/hour": {"a34013", "a21026", "a21002", "a21024", "a21005"},
    "GB 18485-2014/day": {"a34013", "a21026", "a21002", "a21024", "a21005"},
}
"""Figures read in a text or in a plant's settings, with the mean they speak of. All others are marked."""


def test_every_figure_that_was_not_read_in_its_text_is_marked_unverified() -> None:
    verified = {ref: {f.factor for f in cls.figures if not f.unverified} for ref, cls in built_in().items()}
    assert {ref: factors for ref, factors in verified.items() if factors} == CONFIRMED


@pytest.mark.parametrize("ref", built_in())
def test_a_class_fits_its_medium(ref: str) -> None:
    cls = built_in()[ref]
    for figure in cls.figures:
        known = factor(figure.factor)
        assert known is not None
        assert (known.medium is Medium.WATER) is (cls.medium is Medium.WATER)
        assert (figure.reference_o2 is not None) is (figure.basis is Basis.CONVERTED)
        assert figure.weighting is Weighting.EVEN or (cls.medium, figure.averaging) == (Medium.WATER, Averaging.DAY)


def test_a_limit_quotes_its_source_and_what_is_not_applied() -> None:
    (limit,) = built_in()["GB 18918-2002/1A"].limits("o", frozenset({"w21003"}))
    assert limit.source == "GB 18918-2002/1A (8 mg/L at water of 12 °C and below: not applied)"
    assert (limit.ceiling, limit.unverified) == (5.0, True)


LOCAL = """
standard: DB 99/1-2020
title_zh: 示例地方标准
title_en: A local standard
level: local
medium: water
classes:
  a:
    averaging: day
    weighting: flow
    figures:
      - {factor: w01018, ceiling: 30}
"""


def test_a_users_own_standard_is_read_the_same_way() -> None:
    cls = catalogue_of([parse_document(LOCAL, "db.yaml")])["DB 99/1-2020/a"]
    assert (cls.level, cls.figures[0].ceiling) == (Level.LOCAL, 30.0)


def test_errors_in_a_users_standard_have_their_places() -> None:
    text = LOCAL.replace("w01018, ceiling: 30", "w1018").replace("level: local", "level: city")
    with pytest.raises(BadFile) as caught:
        catalogue_of([parse_document(text, "db.yaml")])
    assert str(caught.value).splitlines() == ["db.yaml:5:8: level: unknown value 'city'; valid: national, local"]
    with pytest.raises(BadFile) as caught:
        catalogue_of([parse_document(text.replace("city", "local"), "db.yaml")])
    assert str(caught.value).splitlines() == [
        "db.yaml:12:9: classes.a.figures[0]: expected a ceiling, a floor or both",
        "db.yaml:12:18: classes.a.figures[0].factor: no factor 'w1018' in HJ 212-2017; known: w01018?",
    ]


def test_every_file_of_the_package_is_a_standard() -> None:
    assert len(catalogue_of(parse_document(text, name) for name, text in standard_texts().items())) == len(built_in())
