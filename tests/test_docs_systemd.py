"""The systemd units of docs/systemd: they start what there is, and start it again when that is of use."""

import re
from collections import defaultdict
from pathlib import Path

import pytest

from engine.config.load import load_config
from engine.config.problem import BadFile
from engine.exit_codes import ExitCode

ROOT = Path(__file__).parent.parent
UNITS = sorted((ROOT / "docs/systemd").glob("*.service"))
NO_USE = {ExitCode.USAGE, ExitCode.CONFIG, ExitCode.IN_USE}


def settings(file: Path) -> dict[str, list[str]]:
    """Every setting of a unit with its values; a name may stand more than once."""
    found: dict[str, list[str]] = defaultdict(list)
    for line in file.read_text("utf-8").splitlines():
        if "=" in line and not line.startswith("#"):
            name, _, value = line.partition("=")
            found[name].append(value)
    return found


@pytest.mark.parametrize("file", UNITS, ids=lambda file: file.stem)
def test_a_unit_restarts_on_every_code_that_a_restart_can_cure(file: Path) -> None:
    unit = settings(file)
    assert unit["Restart"] == ["on-failure"]
    assert {int(code) for code in unit["RestartPreventExitStatus"][0].split()} == NO_USE
    ended_by_us = {ExitCode.INTERRUPTED, ExitCode.TERMINATED}
    assert {int(code) for code in unit["SuccessExitStatus"][0].split()} == ended_by_us
    assert unit["StartLimitIntervalSec"] == ["0"]


@pytest.mark.parametrize("file", UNITS, ids=lambda file: file.stem)
def test_a_unit_can_write_its_own_directories_alone(file: Path) -> None:
    unit = settings(file)
    assert unit["ProtectSystem"] == ["strict"]
    assert unit["NoNewPrivileges"] == ["yes"]
    assert unit["CapabilityBoundingSet"] == [""]
    assert "ReadWritePaths" not in unit
    assert unit["User"] == ["outfall"]


@pytest.mark.parametrize("file", UNITS, ids=lambda file: file.stem)
def test_a_unit_starts_a_host_and_waits_for_an_orderly_stop(file: Path) -> None:
    unit = settings(file)
    assert re.match(r"/opt/outfall/bin/outfall run --config /etc/outfall/\S+\.yaml", unit["ExecStart"][0])
    assert int(unit["TimeoutStopSec"][0]) >= 60


def test_every_unit_is_in_the_page_of_operations() -> None:
    page = (ROOT / "docs/operations.md").read_text("utf-8")
    assert all(f"(systemd/{file.name})" in page for file in UNITS)


def test_a_secret_that_systemd_hands_over_may_have_the_mode_of_its_access_list(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = tmp_path / "config.yaml"
    hook = "{name: hook, kind: webhook, url: 'http://127.0.0.1:9/', secret_file: given/hook}"
    register = ROOT / "registry/district.yaml"
    config.write_text(f"data: data\nregistry: ['{register}']\nduty: {{channels: [{hook}]}}\n", "utf-8")
    secret = tmp_path / "given/hook"
    secret.parent.mkdir()
    secret.write_text("key\n")
    secret.chmod(0o440)
    with pytest.raises(BadFile):
        load_config(config)
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(secret.parent))
    assert load_config(config).duty.channels[0].name == "hook"
    secret.chmod(0o444)
    with pytest.raises(BadFile):
        load_config(config)
