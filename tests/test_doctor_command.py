"""`outfall doctor` as people and programs use it, and its texts."""

import ast
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from engine.cli import doctor as command
from engine.cli.main import run
from engine.doctor import examine
from engine.doctor.finding import Severity
from engine.texts import area
from tests.doctor_rig import example
from tests.servers.process import free_port

DOCTOR = Path(examine.__file__).parent
PARTS = ("saw", "why", "fix")


@pytest.fixture
def site(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    config = example(tmp_path)
    config.write_text(config.read_text("utf-8").replace("port: 1883}", f"port: {free_port()}}}"), "utf-8")
    capsys.readouterr()
    return config


def answer(capsys: pytest.CaptureFixture[str], *arguments: str, code: int = 0) -> Any:
    assert run(["doctor", *arguments, "--json"], {}) == code
    return json.loads(capsys.readouterr().out)


def test_a_fresh_site_has_no_errors(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    told = answer(capsys, "-c", str(site))
    assert told["counts"].get("error", 0) == 0
    assert {row["subject"] for row in told["findings"]} == {"configuration", "environment", "data", "listener", "database"}
    assert {*told["findings"][0]} == {"subject", "check", "severity", "where", "saw", "why", "fix"}


def test_only_what_is_asked_for(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    told = answer(capsys, "-c", str(site), "--only", "environment")
    assert {row["subject"] for row in told["findings"]} == {"environment"}


def test_a_broker_that_is_not_there_is_an_error_with_a_fix_beside_it(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    place = f"127.0.0.1:{free_port()}"
    assert run(["doctor", "-c", str(site), "--only", "mqtt", "--broker", place, "--lang", "en"], {}) == 1
    said = capsys.readouterr().out
    assert f"ERROR   mqtt {place}: cannot be reached" in said
    assert "fix: start the broker" in said
    assert run(["doctor", "-c", str(site), "--only", "mqtt", "--broker", place, "--lang", "zh"], {}) == 1
    assert "办法：请启动代理" in capsys.readouterr().out


def test_a_configuration_that_is_wrong_is_a_finding(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    site.write_text(site.read_text("utf-8").replace("silence_s: 1800", "silence_s: -1"), "utf-8")
    (row,) = answer(capsys, "-c", str(site), code=1)["findings"]
    assert (row["check"], row["severity"]) == ("configuration_wrong", "error")
    assert "silence_s" in row["saw"]


def test_an_address_that_is_none_is_a_wrong_command_line(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["doctor", "-c", str(site), "--broker", "somewhere"], {}) == 2
    assert "'somewhere'" in capsys.readouterr().err


def test_a_check_that_breaks_is_a_finding_and_the_others_go_on(
    site: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(examine.CHECKS, "data", lambda patient: iter([1 // 0]))
    told = answer(capsys, "-c", str(site), code=1)
    (broken,) = [row for row in told["findings"] if row["check"] == "failed"]
    assert broken["where"] == "data" and "ZeroDivisionError" in broken["saw"]
    assert "environment" in {row["subject"] for row in told["findings"]}


def made_in_code() -> Iterator[tuple[str, str]]:
    """Severity and check of every finding that the code makes."""
    for file in DOCTOR.glob("*.py"):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Name)
                and node.func.id in Severity.__members__.values()
            ):
                name = node.args[0]
                if isinstance(name, ast.Constant):
                    yield node.func.id, str(name.value)


def test_every_finding_has_its_texts_and_no_text_is_left_over() -> None:
    made = set(made_in_code())
    wanted = {f"doctor.{check}.good" for severity, check in made if severity == "good"}
    wanted |= {f"doctor.{check}.{part}" for severity, check in made if severity != "good" for part in PARTS}
    assert wanted == set(area("doctor"))


def test_every_subject_can_be_asked_for() -> None:
    assert command.SUBJECTS == examine.SUBJECTS
    assert {check.partition("_")[0] for _, check in made_in_code()} - {"failed"} == set(examine.SUBJECTS)
