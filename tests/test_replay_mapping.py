"""Mappings: the documented one, what each may say, and every mistake with its place."""

from pathlib import Path

import pytest

from engine.config.document import parse_document
from engine.config.problem import BadFile
from engine.replay.command import recording_of
from engine.replay.mapping.load import mapping_of, read_mapping
from rules.limits import Averaging, Weighting
from rules.rule import AlertClass, RuleKind
from sensors.reading import Flag, Kind
from sensors.registry import Medium

MAPPINGS = Path(__file__).parents[1] / "docs/mappings"

WIDE = """
time: {column: t}
every: 15 min
outlet: a
columns:
  cod: {factor: w01018, unit: mg/L}
  q: {factor: w00000, unit: m3/d}
"""


def mapping(text):
    return mapping_of(parse_document(text, "m.yaml"))


def wrong(text):
    with pytest.raises(BadFile) as caught:
        mapping(text)
    return str(caught.value)


@pytest.mark.parametrize("file", sorted(MAPPINGS.glob("*.yaml")), ids=lambda file: file.name)
def test_every_mapping_in_the_docs_is_right(file):
    assert read_mapping(file).columns()


def test_the_documented_example_says_what_its_remarks_say():
    m = read_mapping(MAPPINGS / "example.yaml")
    assert (m.cadence_s, m.kind, m.medium) == (300, Kind.MINUTE, Medium.WATER)
    assert m.outlets["main"].id == "north-works"
    assert dict(m.wide)["flow"].conversion(3.6) == pytest.approx(1.0)
    assert m.flags["维护"] is Flag.MAINTENANCE and m.flags["N"] is Flag.NORMAL
    assert m.numbers.blank_numbers == (-9999.0,)
    assert [r.id for r in m.rules] == ["exceedance-day", "range-day", "exceedance-hour", "early", "silent"]
    assert m.units == {"k1": "mS/cm"} and m.names == {"k1": "conductivity at 25 degrees"}


def test_the_documented_example_runs(tmp_path):
    file = tmp_path / "example.csv"
    file.write_text("time,flow,ph,cod,nh3n,cond,cod_flag\n2024-01-01 00:00,36,7.1,12,0.4,1.2,0\n", encoding="utf-8")
    assert recording_of(file, MAPPINGS / "example.yaml").source.names()[0] == "time"


def test_limits_ask_for_their_rules():
    text = WIDE + "limits: [{factor: w01018, averaging: hour, ceiling: 9}, {factor: w00000, averaging: day, floor: 1}]"
    rules = mapping(text).rules
    assert [(r.id, r.kind, r.averaging, r.alert_class) for r in rules] == [
        ("exceedance-hour", RuleKind.EXCEEDANCE, Averaging.HOUR, AlertClass.LEGAL),
        ("range-day", RuleKind.RANGE, Averaging.DAY, AlertClass.LEGAL),
    ]


def test_a_rule_of_the_same_id_takes_the_place_of_one_that_a_limit_asks_for():
    text = WIDE + (
        "limits: [{factor: w01018, averaging: hour, ceiling: 9}]\n"
        "rules: [{id: exceedance-hour, kind: exceedance, averaging: hour, severity: 5}]"
    )
    (rule,) = mapping(text).rules
    assert rule.severity == 5


def test_the_unit_of_a_limit_is_converted():
    text = WIDE + "limits: [{factor: w01018, averaging: day, ceiling: 50000, unit: ug/L, weighting: flow}]"
    (bound,) = mapping(text).bounds
    assert (bound.limit.ceiling, bound.limit.weighting) == (50.0, Weighting.FLOW)


@pytest.mark.parametrize(
    ("every", "kind"),
    [("30 s", Kind.REALTIME), ("1 min", Kind.MINUTE), ("15 min", Kind.MINUTE), ("1 h", Kind.HOUR), ("1 d", Kind.DAY)],
)
def test_the_cadence_tells_the_kind(every, kind):
    assert mapping(WIDE.replace("15 min", every)).kind is kind


@pytest.mark.parametrize(
    ("text", "told"),
    [
        pytest.param(
            WIDE.replace("every:", "evry:"),
            ["m.yaml:3:1: evry: unknown word 'evry'; valid here: every?", "every: missing"],
            id="a word nobody knows, and the one that is missing for it",
        ),
        pytest.param(
            WIDE.replace("w01018", "w1018"),
            ["m.yaml:6:17: columns.cod.factor: no factor 'w1018' in HJ 212-2017 (w01018?)"],
            id="a factor nobody knows",
        ),
        pytest.param(
            WIDE.replace("m3/d", "mg/L"),
            ["m.yaml:7:29: columns.q.unit: unit 'mg/L' does not fit w00000"],
            id="a unit of something else",
        ),
        pytest.param(
            WIDE.replace("15 min", "7 min"),
            ["m.yaml:3:8: every: readings of kind minute come every 1, 2, 3"],
            id="a cadence HJ 212 has not",
        ),
        pytest.param(WIDE.replace("15 min", "2 h"), ["every: readings of kind hour come every 1 h"], id="every second hour"),
        pytest.param(
            WIDE.replace("15 min", "often"), ["m.yaml:3:8: every: 'often' is not a span of time"], id="no span at all"
        ),
        pytest.param(
            WIDE + "value_column: v\n",
            ["columns: columns is for files with a column per factor"],
            id="wide and long at once",
        ),
        pytest.param("time: {column: t}\nevery: 1 h\noutlet: a\n", ["nothing says where the values are"], id="no values"),
        pytest.param(WIDE.replace("outlet: a\n", ""), ["nothing says which outlet is measured"], id="no outlet"),
        pytest.param(
            WIDE + "outlet_column: b\n", ["m.yaml:4:9: outlet: expected outlet or outlet_column"], id="two outlets"
        ),
        pytest.param(
            WIDE + "zone: Asia/Shangai\n",
            ["m.yaml:8:7: zone: time zone 'Asia/Shangai' is not known"],
            id="a zone nobody knows",
        ),
        pytest.param(
            WIDE + "limits: [{factor: w21003, averaging: day, ceiling: 4}]\n",
            ["m.yaml:8:19: limits[0].factor: factor 'w21003' is in no column; mapped:"],
            id="a limit of a factor that is not measured",
        ),
        pytest.param(
            WIDE.replace("  q: {factor: w00000, unit: m3/d}\n", "")
            + "limits: [{factor: w01018, averaging: day, ceiling: 4, weighting: flow}]\n",
            ["limits[0].weighting: the limit of w01018 is weighted by flow, but the outlet measures no flow"],
            id="flow weighting without a flow",
        ),
        pytest.param(
            WIDE + "limits: [{factor: w01018, averaging: day, ceiling: 4, basis: converted}]\n",
            ["a converted limit needs reference_o2", "measures no O2"],
            id="a conversion without its oxygen",
        ),
        pytest.param(
            WIDE + "limits: [{factor: w01018, averaging: day}]\n",
            ["expected a ceiling, a floor or both"],
            id="a limit without a bound",
        ),
        pytest.param(
            WIDE + "flags: {ok: Y}\n",
            ["m.yaml:8:13: flags.ok: flag 'Y': expected a letter"],
            id="a flag letter nobody knows",
        ),
        pytest.param(
            WIDE + "csv: {encoding: gbq, decimal: ','}\n",
            ["encoding 'gbq' is not known", "cannot be both decimal mark and delimiter"],
            id="how the file is written",
        ),
        pytest.param(
            WIDE + "rules: [{id: x, kind: instantt}]\n",
            ["unknown value 'instantt'; valid: instant?"],
            id="a kind of rule nobody knows",
        ),
        pytest.param("time: [", ["is not YAML"], id="no YAML"),
        pytest.param("", ["time: missing", "every: missing"], id="an empty file"),
    ],
)
def test_a_mistake_is_told_with_its_place(text, told):
    said = wrong(text)
    for part in told:
        assert part in said


def test_all_mistakes_are_told_at_once():
    said = wrong(
        WIDE.replace("w01018", "w1018").replace("15 min", "7 min") + "blank: []\nlimits: [{factor: pH, averaging: week}]\n"
    )
    assert len(said.splitlines()) >= 4


def test_a_column_the_file_does_not_have_is_told_with_the_nearest_one(tmp_path):
    (tmp_path / "m.yaml").write_text(WIDE.replace("  cod:", "  codd:"), encoding="utf-8")
    (tmp_path / "r.csv").write_text("t,cod,q\n", encoding="utf-8")
    with pytest.raises(BadFile, match=r"m.yaml:6:3: columns.codd: no column 'codd' in .*r.csv; it has: cod\?"):
        recording_of(tmp_path / "r.csv", tmp_path / "m.yaml")
