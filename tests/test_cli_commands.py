"""Each command answers people and programs, in two languages, and ends with the code that the docs state."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from engine.cli.main import COMMANDS, run
from engine.intake.credentials import Credentials

MN = "010000A8900016F000169DC0"
GOOD = f"##0101QN=20160801085857223;ST=32;CN=1062;PW=100000;MN={MN};Flag=5;CP=&&RtdInterval=30&&1C80"


@pytest.fixture
def site(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    """A folder that `outfall init` made."""
    assert run(["init", str(tmp_path / "site")], {}) == 0
    capsys.readouterr()
    return tmp_path / "site"


def answer(capsys: pytest.CaptureFixture[str], *arguments: object, code: int = 0) -> Any:
    """The one JSON object that a command prints."""
    assert run([*map(str, arguments), "--json"], {}) == code
    out, err = capsys.readouterr()
    assert err == ""
    assert out.count("\n") == 1
    return json.loads(out)


def said(capsys: pytest.CaptureFixture[str], *arguments: object, code: int = 0) -> str:
    """What a command shows people, on either stream."""
    assert run(list(map(str, arguments)), {}) == code
    out, err = capsys.readouterr()
    return out + err


@pytest.mark.parametrize("command", COMMANDS)
def test_help_has_examples_in_both_languages(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert f"outfall {command}" in said(capsys, command, "--help")
    chinese = said(capsys, command, "--help", "--lang", "zh")
    assert "用法" in chinese and "示例" in chinese and "显示此说明并退出" in chinese


def test_no_command_at_all_shows_the_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert "First steps" in said(capsys)
    assert "sensor import" in said(capsys, "sensor")


def test_a_reader_that_has_seen_enough_is_no_error() -> None:
    command = f"{sys.executable} -m engine.cli replay --help | head -1"
    ended = subprocess.run(["/bin/sh", "-c", command], capture_output=True, text=True, check=True)
    assert ended.stderr == ""


def test_help_is_there_at_once() -> None:
    code = "import sys; from engine.cli.main import run; run(['--help'], {}); print(sorted(sys.modules))"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert "Commands" in shown
    for heavy in ("'numpy'", "'pydantic'", "'rich'", "'faust'", "'sqlalchemy'", "'numba'"):
        assert heavy not in shown


def test_the_language_is_the_locales_unless_one_is_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--help"], {"LANG": "zh_CN.UTF-8"}) == 0
    assert "用法" in capsys.readouterr().out
    assert run(["--help", "--lang=en"], {"LANG": "zh_CN.UTF-8"}) == 0
    assert "Usage" in capsys.readouterr().out


def test_init_makes_a_configuration_that_check_finds_good(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = answer(capsys, "check", "-c", site / "config.yaml")
    assert (found["outlets"], found["monitors"], found["warnings"]) == (3, 3, [])
    assert found["memory"]["bytes"] == found["memory"]["slots"] * 11 > 0


def test_init_gives_credentials_that_let_the_monitors_in(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = answer(capsys, "init", tmp_path / "new")
    first = found["credentials"][0]
    login = Credentials(tmp_path / "new/data/devices.json").verify(first["login"], first["password"].encode())
    assert login is not None and login.mns == {first["login"]}


def test_init_overwrites_nothing(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = (site / "config.yaml").read_text("utf-8")
    text = said(capsys, "init", site, code=1)
    assert "config.yaml is there already and is left as it is" in text
    assert (site / "config.yaml").read_text("utf-8") == before


def test_check_tells_every_error_and_ends_with_3(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = (site / "config.yaml").read_text("utf-8")
    (site / "config.yaml").write_text(text.replace("silence_s: 1800", "silense_s: 1").replace("[li]", "[lee]"), "utf-8")
    found = answer(capsys, "check", "-c", site / "config.yaml", code=3)["error"]
    assert found["exit_code"] == 3
    assert [(p["problem"], p["path"]) for p in found["problems"]] == [
        ("unknown_word", "rules[1].silense_s"), ("unknown_person", "duty.shifts[0].squads[0][0]")
    ]  # fmt: skip
    shown = said(capsys, "check", "-c", site / "config.yaml", "--lang", "zh", code=3)
    assert "未知的字段“silense_s”；此处可用：silence_s?" in shown


def test_check_warns_of_gaps_in_the_roster(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = (site / "config.yaml").read_text("utf-8").replace("[[li], [wang], [zhao]]", "[[li], []]")
    (site / "config.yaml").write_text(text, "utf-8")
    warnings = answer(capsys, "check", "-c", site / "config.yaml")["warnings"]
    assert 3 <= len(warnings) <= 5
    assert all("nobody is on duty from" in warning for warning in warnings)


def test_a_configuration_that_is_not_there_says_how_to_make_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "outfall init" in said(capsys, "check", "-c", tmp_path / "gone.yaml", code=3)


def test_a_wrong_option_is_one_object_too(capsys: pytest.CaptureFixture[str]) -> None:
    found = answer(capsys, "check", "--nonsense", code=2)
    assert found["error"]["kind"] == "usage"
    assert "--nonsense" in found["error"]["text"]


def test_a_frame_is_taken_apart(capsys: pytest.CaptureFixture[str]) -> None:
    found = answer(capsys, "frames", GOOD)
    assert found["valid"] is True
    (frame,) = found["frames"]
    assert (frame["head"]["CN"], frame["edition"], frame["plain"]) == ("1062", "2017", {"RtdInterval": "30"})


def test_a_wrong_crc_says_what_it_should_be(capsys: pytest.CaptureFixture[str]) -> None:
    found = answer(capsys, "frames", GOOD.replace("1C80", "1C81"), code=1)
    assert (found["frames"][0]["crc_sent"], found["frames"][0]["crc_right"]) == ("1C81", "1C80")
    assert "expected 1C80, got 1C81" in said(capsys, "frames", GOOD.replace("1C80", "1C81"), code=1)


def test_what_holds_no_frame_says_what_one_begins_with(capsys: pytest.CaptureFixture[str]) -> None:
    assert "expected ## and four digits" in said(capsys, "frames", "hello", code=1)


def test_the_register_is_listed_and_shown(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = ("-c", site / "config.yaml")
    listed = answer(capsys, "sensor", "list", *config, "--enterprise", "rongfa")["monitors"]
    assert [monitor["outlet"] for monitor in listed] == ["rongfa-out"]
    shown = answer(capsys, "sensor", "show", MN, *config)
    assert shown["outlet"]["id"] == "beicheng-out"
    assert {limit["source"] for limit in shown["limits"] if limit["factor"] == "w01018"} == {
        "GB 18918-2002/1A", "91320000MA1TEST01X001V"
    }  # fmt: skip
    assert "(unverified)" in said(capsys, "sensor", "show", "beicheng-out", *config)
    assert "known: beicheng-out?" in said(capsys, "sensor", "show", "beichen-out", *config, code=1)


NEW = """
enterprises:
  - id: newfirm
    name: 新厂
    outlets:
      - {id: new-out, medium: water, standards: [GB 8978-1996/I], factors: [w00000, w01018],
         monitors: [{mn: 010000A8900016F000169DFF}]}
"""


def test_an_import_is_tried_first_and_then_done(site: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "new.yaml").write_text(NEW, "utf-8")
    arguments = ("sensor", "import", tmp_path / "new.yaml", "-c", site / "config.yaml")
    tried = answer(capsys, *arguments, "--dry-run")
    assert not (site / "registry/new.yaml").exists()
    assert [(c["sign"], c["table"]) for c in tried["changes"]] == [
        ("+", "enterprise"), ("+", "outlet"), ("+", "monitor"), ("+", "factor"), ("+", "factor"), ("+", "limit")
    ]  # fmt: skip
    assert answer(capsys, *arguments)["changes"] == tried["changes"]
    assert answer(capsys, *arguments)["changes"] == []
    assert answer(capsys, "check", "-c", site / "config.yaml")["enterprises"] == 4


def test_an_import_with_errors_changes_nothing(site: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "new.yaml").write_text(NEW.replace("w01018", "w1018").replace("new-out", "rongfa-out"), "utf-8")
    found = answer(capsys, "sensor", "import", tmp_path / "new.yaml", "-c", site / "config.yaml", code=3)
    assert {p["problem"] for p in found["error"]["problems"]} >= {"unknown_factor", "duplicate"}
    assert not (site / "registry/new.yaml").exists()


def test_a_folder_of_tables_takes_the_place_of_the_one_before(
    site: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "tables"
    folder.mkdir()
    (folder / "enterprises.csv").write_text("id,name\nx,厂\n", "utf-8")
    arguments = ("sensor", "import", folder, "-c", site / "config.yaml")
    answer(capsys, *arguments)
    (folder / "enterprises.csv").write_text("id,name\ny,厂\n", "utf-8")
    assert [(c["sign"], c["name"]) for c in answer(capsys, *arguments)["changes"]] == [("-", "x"), ("+", "y")]


def test_a_login_is_given_shown_once_and_taken_away(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = ("-c", site / "config.yaml")
    found = answer(capsys, "sensor", "login", "gateway-1", "--for", MN, *config)
    credentials = Credentials(site / "data/devices.json")
    login = credentials.verify("gateway-1", found["password"].encode())
    assert login is not None and login.mns == {MN}
    answer(capsys, "sensor", "login", "gateway-1", "--remove", *config)
    assert credentials.verify("gateway-1", found["password"].encode()) is None
    assert "had no password" in said(capsys, "sensor", "login", "gateway-1", "--remove", *config, code=1)
    assert f"{MN[:-1]}9 is not in the registry; known: {MN[:-1]}" in said(
        capsys, "sensor", "login", MN[:-1] + "9", *config, code=1
    )


def test_questions_to_a_directory_that_never_ran_say_so(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = ("-c", site / "config.yaml")
    assert "no host has run on" in said(capsys, "status", *config, code=1)
    assert "core.db: no such file" in said(capsys, "alerts", *config, code=14)
