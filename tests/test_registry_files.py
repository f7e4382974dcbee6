"""Registry files in YAML and CSV: the same register either way, every error named, nothing half loaded."""

from pathlib import Path

import pytest

from engine.config.problem import BadFile
from engine.registry_files.load import load_register
from engine.registry_files.standards import built_in
from engine.texts import Texts
from rules.limits import Averaging, Basis, Weighting
from sensors.reading import Kind
from sensors.registry import FOREVER_MS, Medium

YAML = """
enterprises:
  - id: beicheng
    name: 北城污水厂
    grid_cell: 江北区/北城街道
    outlets:
      - id: ww
        name: 总排口
        medium: water
        labels: {trade: sewage}
        standards: [GB 18918-2002/1A]
        permit: {number: P-1, valid_from: 2025-07-01, valid_to: 2030-07-01}
        monitors:
          - {mn: 010000A8900016F000169DC0, realtime_s: 60, minute_min: 10, valid_to: 2026-03-01}
          - {mn: "00000000000000", legacy_mn: true, realtime_s: 60, minute_min: 10, valid_from: 2026-03-01}
        factors: [w00000, w01018, {factor: w20117, unit: mg/L, judged_from: hour}]
        limits: [{factor: w01018, averaging: day, ceiling: 40000, unit: ug/L, weighting: flow}]
  - id: rongfa
    outlets:
      - id: stack
        medium: gas
        standards: [GB 13223-2011/coal-new]
        monitors: [{mn: 010000A8900016F000169DC1}]
        factors: [a19001, a21026]
"""
TABLES = {
    "enterprises.csv": "id,name,grid_cell\nbeicheng,北城污水厂,江北区/北城街道\nrongfa,,\n",
    "outlets.csv": "id,enterprise,name,medium,standards,permit_number,permit_valid_from,permit_valid_to,label.trade\n"
    "ww,beicheng,总排口,water,GB 18918-2002/1A,P-1,2025-07-01,2030-07-01,sewage\n"
    "stack,rongfa,,gas,GB 13223-2011/coal-new,,,,\n",
    "monitors.csv": "mn,outlet,realtime_s,minute_min,legacy_mn,valid_from,valid_to\n"
    "010000A8900016F000169DC0,ww,60,10,,,2026-03-01\n"
    "00000000000000,ww,60,10,true,2026-03-01,\n"
    "010000A8900016F000169DC1,stack,,,,,\n",
    "factors.csv": "outlet,factor,unit,judged_from\nww,w00000,,\nww,w01018,,\nww,w20117,mg/L,hour\n"
    "stack,a19001,,\nstack,a21026,,\n",
    "limits.csv": "outlet,factor,averaging,ceiling,unit,weighting\nww,w01018,day,40000,ug/L,flow\n",
}


def write(folder: Path, tables: dict[str, str]) -> Path:
    for name, text in tables.items():
        (folder / name).write_text(text, "utf-8")
    return folder


def problems_of(path: Path) -> list[str]:
    try:
        load_register([path], zone="Asia/Shanghai", catalogue=built_in())
    except BadFile as error:
        return [p.text(Texts(lang="en")).replace(f"{path.parent}/", "") for p in error.problems]
    return []


def test_yaml_and_tables_say_the_same(tmp_path: Path) -> None:
    (tmp_path / "r.yaml").write_text(YAML, "utf-8")
    (tmp_path / "tables").mkdir()
    from_yaml = load_register([tmp_path / "r.yaml"], zone="Asia/Shanghai", catalogue=built_in())
    from_csv = load_register([write(tmp_path / "tables", TABLES)], zone="Asia/Shanghai", catalogue=built_in())
    assert from_yaml == from_csv


def test_what_a_register_becomes(tmp_path: Path) -> None:
    (tmp_path / "r.yaml").write_text(YAML, "utf-8")
    register = load_register([tmp_path / "r.yaml"], zone="Asia/Shanghai", catalogue=built_in())
    registry = register.registry
    first, second, third = registry.monitors
    assert (first.valid_from_ms, first.valid_to_ms) == (0, 1772294400000)  # 2026-03-01 00:00 in Shanghai
    assert (second.mn, second.valid_from_ms, second.valid_to_ms) == ("00000000000000", 1772294400000, FOREVER_MS)
    assert (third.realtime_s, third.minute_min) == (30, 10)
    assert registry.outlet("ww").labels == (("trade", "sewage"),)
    assert registry.outlet("stack").medium is Medium.GAS
    assert registry.enterprise("rongfa").name == "rongfa"
    assert 0 <= registry.enterprise("rongfa").home < 840
    assert [(b.factor, b.judged_from, b.unit) for b in registry.bindings[:3]] == [
        ("w00000", Kind.MINUTE, ""), ("w01018", Kind.MINUTE, ""), ("w20117", Kind.HOUR, "mg/L")
    ]  # fmt: skip
    permit = next(x for x in register.limits if x.source == "P-1")
    assert (permit.ceiling, permit.weighting, permit.averaging) == (40.0, Weighting.FLOW, Averaging.DAY)
    assert (permit.valid_from_ms, permit.valid_to_ms) == (1751299200000, 1909065600000)
    so2 = next(x for x in register.limits if x.factor == "a21026")
    assert (so2.basis, so2.reference_o2, so2.ceiling, so2.unverified) == (Basis.CONVERTED, 6.0, 100.0, False)


BAD_YAML = {
    "an MN that is too short": (
        "010000A8900016F000169DC1", "010000A89",
        "r.yaml:23:25: enterprises[1].outlets[0].monitors[0].mn: '010000A89' has 9 characters, expected 24 (0-9, A-F); "
        "another form needs legacy_mn: true",
    ),
    "an MN in small letters": (
        "010000A8900016F000169DC1", "010000a8900016f000169dc1",
        "r.yaml:23:25: enterprises[1].outlets[0].monitors[0].mn: '010000a8900016f000169dc1' has small letters, expected "
        "24 characters of 0-9, A-F",
    ),
    "a legacy MN that cannot stand in a topic": (
        '"00000000000000"', '"a/b"',
        "r.yaml:15:18: enterprises[0].outlets[0].monitors[1].mn: 'a/b' cannot stand in a topic: expected 1 to 64 of 0-9 "
        "A-Z a-z . _ -",
    ),
    "an MN that speaks for two outlets at once": (
        "010000A8900016F000169DC1", "010000A8900016F000169DC0",
        "r.yaml:23:25: enterprises[1].outlets[0].monitors[0].mn: '010000A8900016F000169DC0' speaks for an outlet at that "
        "time already, see r.yaml:14:18",
    ),
    "a minute interval that HJ 212 does not have": (
        "minute_min: 10, valid_to", "minute_min: 7, valid_to",
        "r.yaml:14:72: enterprises[0].outlets[0].monitors[0].minute_min: expected one of 1, 2, 3, 4, 5, 6, 10, 12, 15, "
        "20, 30 (HJ 212-2017), got 7",
    ),
    "a factor nobody knows": (
        "[a19001, a21026]", "[a19001, a21o26]",
        "r.yaml:24:27: enterprises[1].outlets[0].factors[1]: no factor 'a21o26' in HJ 212-2017; known: a21026?",
    ),
    "a factor code of 2005": (
        "[a19001, a21026]", "[a19001, '02']",
        "r.yaml:24:27: enterprises[1].outlets[0].factors[1]: no factor '02' in HJ 212-2017; known: a21026?",
    ),
    "a water factor at a stack": (
        "[a19001, a21026]", "[a19001, w01018]",
        "r.yaml:24:27: enterprises[1].outlets[0].factors[1]: 'w01018' is not measured in gas",
    ),
    "a unit that does not fit": (
        "unit: mg/L, judged", "unit: mg/m3, judged",
        "r.yaml:16:58: enterprises[0].outlets[0].factors[2].unit: unit 'mg/m3' does not fit w20117; valid: g/L, mg/L, "
        "g/m3, ug/L, ng/L",
    ),
    "a standard nobody knows": (
        "GB 13223-2011/coal-new", "GB 13223-2011/coalnew",
        "r.yaml:22:21: enterprises[1].outlets[0].standards[0]: no standard 'GB 13223-2011/coalnew'; known: "
        "GB 13223-2011/coal-new?",
    ),
    "a standard for water at a stack": (
        "GB 13223-2011/coal-new", "GB 18918-2002/1A",
        "r.yaml:22:21: enterprises[1].outlets[0].standards[0]: GB 18918-2002/1A is for water, the outlet is gas",
    ),
    "a converted limit without O2 at the outlet": (
        "[a19001, a21026]", "[a21026]",
        "r.yaml:22:20: enterprises[1].outlets[0].standards: the limit of a21026 is converted to a reference O2, but the "
        "outlet measures no O2 (a19001)",
    ),
    "a converted limit without reference_o2": (
        "weighting: flow}]", "basis: converted}]",
        "r.yaml:17:86: enterprises[0].outlets[0].limits[0].basis: a converted limit needs reference_o2",
    ),
    "a limit without a bound": (
        "ceiling: 40000, unit: ug/L, ", "",
        "r.yaml:17:18: enterprises[0].outlets[0].limits[0]: expected a ceiling, a floor or both",
    ),
    "a limit of a factor that is not measured": (
        "limits: [{factor: w01018", "limits: [{factor: w21003",
        "r.yaml:17:27: enterprises[0].outlets[0].limits[0].factor: 'w21003' is not measured at this outlet; measured: "
        "w00000, w01018, w20117",
    ),
    "a permit that ends before it begins": (
        "valid_to: 2030-07-01", "valid_to: 2020-07-01",
        "r.yaml:12:65: enterprises[0].outlets[0].permit.valid_to: 2020-07-01 is not after the beginning, 2025-07-01",
    ),
    "a day without its dashes": (
        "valid_to: 2030-07-01", "valid_to: 20300701",
        "r.yaml:12:65: enterprises[0].outlets[0].permit.valid_to: '20300701' is not a day: expected one such as "
        "2026-01-31",
    ),
    "an outlet id used twice": (
        "id: stack", "id: ww",
        "r.yaml:20:13: enterprises[1].outlets[0].id: 'ww' is there already, at r.yaml:7:13",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("old", "new", "expected"), BAD_YAML.values(), ids=BAD_YAML)
def test_an_error_in_yaml(tmp_path: Path, old: str, new: str, expected: str) -> None:
    assert old in YAML
    (tmp_path / "r.yaml").write_text(YAML.replace(old, new), "utf-8")
    assert expected in problems_of(tmp_path / "r.yaml")


BAD_CSV = {
    "an MN that is too short": (
        "monitors.csv", "010000A8900016F000169DC1", "010000A89",
        "t/monitors.csv:4:1: mn: '010000A89' has 9 characters, expected 24 (0-9, A-F); another form needs legacy_mn: true",
    ),
    "a column nobody knows": (
        "limits.csv", "weighting", "wieghting",
        "t/limits.csv:1:38: wieghting: unknown column 'wieghting'; valid here: weighting?",
    ),
    "a column that is missing": (
        "factors.csv", "outlet,factor,", "outlet,facto,",
        "t/factors.csv:1: column 'factor' is missing",
    ),
    "a row that is too long": (
        "factors.csv", "ww,w00000,,", "ww,w00000,,,",
        "t/factors.csv:2: the row has 5 cells, expected 4 as in the first row",
    ),
    "a number that is none, behind a quoted comma": (
        "limits.csv", "ww,w01018,day,40000", '"ww",w01018,day,"40,000"',
        "t/limits.csv:2:17: ceiling: expected a number, got '40,000'",
    ),
    "an outlet nobody described": (
        "factors.csv", "stack,a21026", "stak,a21026",
        "t/factors.csv:6:1: outlet: no outlet 'stak'; known: stack?",
    ),
    "an enterprise nobody described": (
        "outlets.csv", "stack,rongfa", "stack,rongfo",
        "t/outlets.csv:3:7: enterprise: no enterprise 'rongfo'; known: rongfa?",
    ),
    "a permit that ends before it begins": (
        "outlets.csv", "2030-07-01", "2020-07-01",
        "t/outlets.csv:2:55: permit_valid_to: 2020-07-01 is not after the beginning, 2025-07-01",
    ),
    "a quote that never ends": (
        "enterprises.csv", "rongfa,,", '"rongfa,,',
        "t/enterprises.csv:3: is not CSV: unexpected end of data",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("table", "old", "new", "expected"), BAD_CSV.values(), ids=BAD_CSV)
def test_an_error_in_a_table(tmp_path: Path, table: str, old: str, new: str, expected: str) -> None:
    assert old in TABLES[table]
    (tmp_path / "t").mkdir()
    write(tmp_path / "t", {**TABLES, table: TABLES[table].replace(old, new)})
    assert expected in problems_of(tmp_path / "t")


def test_a_row_that_cannot_be_used_makes_no_strangers_of_the_rows_that_refer_to_it(tmp_path: Path) -> None:
    (tmp_path / "t").mkdir()
    write(tmp_path / "t", {**TABLES, "outlets.csv": TABLES["outlets.csv"].replace(",gas,", ",gass,")})
    assert problems_of(tmp_path / "t") == ["t/outlets.csv:3:15: medium: unknown value 'gass'; valid: gas?"]


def test_errors_of_rows_and_errors_across_rows_are_told_together(tmp_path: Path) -> None:
    text = YAML.replace("minute_min: 10, valid_to", "minute_min: 7, valid_to").replace("a21026]", "a21o26]")
    (tmp_path / "r.yaml").write_text(text, "utf-8")
    assert [line.split(": ")[0] for line in problems_of(tmp_path / "r.yaml")] == ["r.yaml:14:72", "r.yaml:24:27"]


def test_a_file_that_is_not_utf8_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "r.yaml").write_bytes(YAML.encode("gb18030"))
    assert problems_of(tmp_path / "r.yaml") == [
        "r.yaml:4: is not UTF-8 from this line on; save it as UTF-8 (iconv -f gb18030 -t utf-8)"
    ]


def test_a_spreadsheets_byte_order_mark_is_no_part_of_the_first_column(tmp_path: Path) -> None:
    (tmp_path / "t").mkdir()
    write(tmp_path / "t", TABLES)
    (tmp_path / "t/limits.csv").write_text(TABLES["limits.csv"], "utf-8-sig")
    assert problems_of(tmp_path / "t") == []


def test_a_folder_without_registry_files_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "t").mkdir()
    assert problems_of(tmp_path / "t") == ["t: holds no registry: expected *.yaml, or tables such as outlets.csv"]
