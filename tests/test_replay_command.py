"""`outfall replay`: what it prints, what it writes, how it ends."""

import json
import re
from datetime import UTC, datetime
from itertools import pairwise
from xml.etree import ElementTree

import pytest

from engine.cli.main import run
from engine.replay.alerts import sha256_of
from engine.replay.command import run_replay
from engine.replay.options import ReplayOptions
from engine.replay.report.axes import Axis, round_range, time_marks
from tests.replay_world import recording, written

MAPPING = """
time: {column: t}
every: 10 min
outlet: "<b>stack & co</b>"
columns:
  so2: {factor: a21026, unit: mg/m3, flag_column: f}
limits: [{factor: a21026, averaging: hour, ceiling: 50, source: "x <script>alert(1)</script>", unverified: true}]
rules: [{id: early, kind: instant, in_a_row: 2}]
"""


@pytest.fixture
def small(tmp_path):
    rows = ["t,so2,f"]
    for n in range(6 * 8):
        value = 70 if 12 <= n < 18 else 20
        rows.append(f"2024-03-01 {n // 6:02d}:{n % 6}0,{value},{'M' if n == 15 else 'N'}")
    rows[3] = "2024-03-01 00:20,<i>bad</i>,N"
    return written(tmp_path, "\n".join(rows), MAPPING)


def answered(capsys, *arguments):
    code = run(["replay", *map(str, arguments)], {})
    return code, capsys.readouterr()


def test_json_is_one_object_whose_hash_can_be_checked(small, capsys):
    code, said = answered(capsys, small[0], "--mapping", small[1], "--json")
    result = json.loads(said.out)
    assert code == 0 and result["ok"]
    assert (result["readings"], result["refused"]) == (47, {"bad_value": 1})
    first = result["alerts"][0]
    assert {"id", "rule", "outlet", "factor", "start_ms", "end_ms", "value", "limit"} <= first.keys()
    assert sha256_of(result["alerts"]) == result["alerts_sha256"]
    starts = [(a["start_ms"], a["rule"], a["outlet"], a["factor"], a["id"]) for a in result["alerts"]]
    assert starts == sorted(starts)


def test_a_table_for_people_in_both_languages(small, capsys):
    code, said = answered(capsys, small[0], "--mapping", small[1])
    assert code == 0 and "47 readings judged, 1 refused" in said.out and "exceedance-hour" in said.out
    code, said = answered(capsys, small[0], "--mapping", small[1], "--lang", "zh")
    assert "已判定读数 47 个" in said.out


def test_the_page_holds_charts_numbers_and_nothing_from_outside(small, tmp_path, capsys):
    page = tmp_path / "out.html"
    code, _ = answered(capsys, small[0], "--mapping", small[1], "--report", page, "--quiet")
    text = page.read_text("utf-8")
    assert code == 0
    assert "<script" not in text and "alert(1)" in text  # escaped
    assert "&lt;b&gt;stack &amp; co&lt;/b&gt;" in text
    assert not re.search(r"(src|href)=\"?(https?:)?//", text) and "@import" not in text
    charts = re.findall(r"<svg viewBox=\"0 0 860.*?</svg>", text, re.S)
    assert len(charts) == 2  # the hour, and the early warning
    for chart in charts:
        tree = ElementTree.fromstring(chart)
        assert tree.find("title").text
        assert any("limit" in (e.get("class") or "") for e in tree)
        assert any((e.get("class") or "") == "left-out" for e in tree)
    assert "unverified" in text and "5 of 6" in text


def test_the_page_of_a_year_in_chinese(tmp_path, capsys):
    file, mapping = recording("effluent_hourly_cn")
    page = tmp_path / "out.html"
    code, _ = answered(capsys, file, "--mapping", mapping, "--report", page, "--lang", "zh", "--json")
    text = page.read_text("utf-8")
    assert code == 0 and '<html lang="zh-CN">' in text and "氨氮" in text and "未核实" in text
    assert len(page.read_bytes()) < 1_500_000


def test_the_page_of_a_shuffled_file_has_every_reading_once(small, tmp_path, capsys):
    head, *rows = small[0].read_text("utf-8").splitlines()
    shuffled = tmp_path / "shuffled.csv"
    shuffled.write_text("\n".join([head, *rows[30:], *rows[:30]]), encoding="utf-8")
    charts = []
    for file in (small[0], shuffled):
        page = tmp_path / "out.html"
        code, _ = answered(capsys, file, "--mapping", small[1], "--report", page, "--json")
        assert code == 0
        charts.append(re.findall(r"<svg viewBox=\"0 0 860.*?</svg>", page.read_text("utf-8"), re.S))
    assert charts[0] == charts[1]


def test_the_page_of_a_frame_log(tmp_path, capsys):
    from engine.demo.rulebook import make_rulebook
    from engine.demo.story import START_MS, happenings
    from engine.log.record import Control, ControlKind, RecordKind, Topic
    from engine.log.sqlite import SqliteLog
    from rules.ruleset_json import ruleset_to_json
    from sensors.field.district import make_district
    from sensors.frames import FrameBatch
    from sensors.registry_json import registry_to_json

    district = make_district(seed=4, happenings=happenings())
    rules = ruleset_to_json(make_rulebook(district.registry))
    controls = ((ControlKind.REGISTRY, registry_to_json(district.registry)), (ControlKind.RULES, rules))
    with SqliteLog(tmp_path, now_ms=lambda: 0) as log:
        for n, (kind, content) in enumerate(controls):
            body = Control(kind=kind, content=content).encode()
            log.append(Topic.FRAMES, 0, RecordKind.CONTROL, body, log_ms=START_MS - 2 + n).result()
        log_ms = START_MS
        for frame in district.frames(START_MS, START_MS + 15 * 60_000):
            log_ms = max(log_ms + 1, frame.at_ms)
            body = FrameBatch.of([(log_ms, frame.mn, frame.mn, frame.payload)]).encode()
            log.append(Topic.FRAMES, 0, RecordKind.FRAMES, body, log_ms=log_ms)
    page = tmp_path / "out.html"
    code, said = answered(capsys, tmp_path, "--report", page, "--json")
    assert code == 0 and json.loads(said.out)["alerts"]
    assert "judged by the rules of the log itself" in page.read_text("utf-8") and "dots around" in page.read_text("utf-8")


def test_a_page_without_alerts_says_so(tmp_path, capsys):
    file, mapping = written(tmp_path, "t,so2,f\n2024-03-01 00:00,1,N\n", MAPPING)
    page = tmp_path / "out.html"
    code, _ = answered(capsys, file, "--mapping", mapping, "--report", page)
    assert code == 0 and "None: every window" in page.read_text("utf-8")


def test_every_refusal_can_be_read(small, tmp_path, capsys):
    refused = tmp_path / "refused.txt"
    answered(capsys, small[0], "--mapping", small[1], "--refused", refused)
    assert refused.read_text("utf-8") == f"bad_value\t{small[0]}:4: so2: '<i>bad</i>': expected a number\n"


def test_from_and_to(small, capsys):
    options = ReplayOptions(
        file=small[0],
        mapping=small[1],
        json=True,
        from_time=datetime(2024, 2, 29, 18, 5, tzinfo=UTC),
        to_time=datetime(2024, 2, 29, 18, 30, tzinfo=UTC),
    )
    assert run_replay(options) == 0
    result = json.loads(capsys.readouterr().out)
    assert result["readings"] == 2 * 6 + 3 - 1
    assert result["alerts"] == []  # the early warning began before


@pytest.mark.parametrize(
    ("content", "name", "code", "told"),
    [
        pytest.param("a,b\n1,2\n", "r.csv", 3, "no column 't'", id="a file without the columns"),
        pytest.param("", "r.csv", 1, "expected names of columns, got nothing", id="an empty file"),
        pytest.param("x", "r.parquet", 1, "expected a Parquet file", id="no Parquet"),
        pytest.param("x", "r.xyz", 1, "expected .csv, .jsonl or .parquet", id="a name that tells no format"),
    ],
)
def test_input_that_cannot_be_read_ends_with_a_message(tmp_path, capsys, content, name, code, told):
    file, mapping = written(tmp_path, content, MAPPING, name)
    ended, said = answered(capsys, file, "--mapping", mapping)
    assert (ended, told in said.err) == (code, True), said.err


def test_without_a_mapping_it_says_what_is_needed(small, capsys):
    code, said = answered(capsys, small[0])
    assert code == 3 and "expected --mapping" in said.err


def test_ctrl_c_says_how_far_it_came(small, capsys, monkeypatch):
    import engine.replay.recording as module

    def interrupted(*_args, **_kwargs):
        raise KeyboardInterrupt

    monkeypatch.setattr(module, "_take_over", interrupted)
    code, said = answered(capsys, small[0], "--mapping", small[1])
    assert code == 130 and "stopped after 0 readings" in said.err


@pytest.mark.parametrize(("low", "high"), [(0, 0), (3, 3), (-5, 5), (0.001, 0.0011), (99, 101), (0, 1e6)])
def test_axes_hold_what_they_show(low, high):
    first, last, marks = round_range(low, high)
    assert first <= low <= high <= last and 2 <= len(marks) <= 12
    axis = Axis(low=first, high=last, start=200, end=0)
    assert axis(first) == 200 and axis(last) == 0


@pytest.mark.parametrize("hours", [0.05, 1, 5, 30, 24 * 9, 24 * 40, 24 * 400, 24 * 4000])
def test_time_is_marked_a_handful_of_times(hours):
    marks = time_marks(1704038400000, 1704038400000 + int(hours * 3_600_000), "Asia/Shanghai")
    assert 1 <= len(marks) <= 10


def test_a_change_of_clocks_does_not_move_the_marks_of_days():
    marks = time_marks(1648000000000, 1648000000000 + 14 * 86_400_000, "Europe/Rome")
    assert [label for _, label in marks] == ["03-24", "03-26", "03-28", "03-30", "04-01", "04-03", "04-05"]
    assert {b - a for (a, _), (b, _) in pairwise(marks)} == {2 * 86_400_000, 47 * 3_600_000}
