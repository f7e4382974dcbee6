"""The first start in containers: every password is made once, belongs to its reader alone, and opens what it should."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest
from influxdb_client import InfluxDBClient
from influxdb_client.client.write_api import SYNCHRONOUS
from influxdb_client.rest import ApiException

from engine.files import CREDENTIALS
from engine.intake.credentials import Credentials
from tests.first_run import script
from tests.servers import Influx, Mosquitto

ROOT = Path(__file__).parent.parent
MNS = ["010000A8900016F000169DC0", "010000A8900016F000169DC1", "010000A8900016F000169DC2"]


@pytest.fixture
def scripts() -> dict[str, ModuleType]:
    """The scripts by name."""
    return {name: script(name) for name in ("passwords", "influx")}


@pytest.fixture
def owners(monkeypatch: pytest.MonkeyPatch) -> dict[str, int]:
    """Whom files were given to, by name: only root may give them, and tests are not always root."""
    given: dict[str, int] = {}
    real = Path.replace
    last: list[int] = []
    monkeypatch.setattr(os, "chown", lambda _, uid, __: last.append(uid))

    def noted(draft: Path, target: Path) -> Path:
        given[f"{target.parent.name}/{target.name}"] = last.pop() if last else os.geteuid()
        return real(draft, target)

    monkeypatch.setattr(Path, "replace", noted)
    return given


def make(scripts: dict[str, ModuleType], root: Path) -> list[str]:
    """The first start on the project's own configuration."""
    new: list[str] = scripts["passwords"].make(root / "secrets", ROOT / "config.yaml", root / "data")
    return new


def contents(root: Path) -> dict[str, str]:
    """Every secret by its place."""
    files = (file for file in (root / "secrets").rglob("*") if file.is_file())
    return {str(file.relative_to(root / "secrets")): file.read_text("utf-8") for file in files}


def test_a_second_start_changes_no_password(scripts: dict[str, ModuleType], owners: dict[str, int], tmp_path: Path) -> None:
    assert make(scripts, tmp_path) == MNS
    first = contents(tmp_path)
    assert make(scripts, tmp_path) == []
    second = contents(tmp_path)
    salted = "mosquitto/passwd"
    assert {**first, salted: ""} == {**second, salted: ""}


def test_a_file_is_for_its_reader_alone(scripts: dict[str, ModuleType], owners: dict[str, int], tmp_path: Path) -> None:
    make(scripts, tmp_path)
    assert owners["outfall/postgres"] == owners["outfall/bridge"] == owners["outfall/doctor"] == 10001
    assert owners["mosquitto/passwd"] == 1883
    assert owners["grafana/admin"] == 472
    modes = {file.stat().st_mode & 0o777 for file in (tmp_path / "secrets").rglob("*") if file.is_file()}
    assert modes == {0o400}
    assert contents(tmp_path)["outfall/postgres"] == contents(tmp_path)["postgres/password"]


def test_a_monitor_that_is_added_later_gets_a_password(
    scripts: dict[str, ModuleType], owners: dict[str, int], tmp_path: Path
) -> None:
    register = tmp_path / "registry.yaml"
    whole = (ROOT / "registry/district.yaml").read_text("utf-8")
    config = tmp_path / "config.yaml"
    config.write_text("data: data\nregistry: [registry.yaml]\n", "utf-8")
    register.write_text(whole[: whole.index("  - id: redian")], "utf-8")
    secrets, data = tmp_path / "secrets", tmp_path / "data"
    assert scripts["passwords"].make(secrets, config, data) == MNS[:2]
    before = scripts["passwords"].shown(secrets / "monitors/passwords")
    register.write_text(whole, "utf-8")
    assert scripts["passwords"].make(secrets, config, data) == MNS[2:]
    after = scripts["passwords"].shown(secrets / "monitors/passwords")
    assert {mn: after[mn] for mn in before} == before


def test_the_endpoint_knows_the_same_password(
    scripts: dict[str, ModuleType], owners: dict[str, int], tmp_path: Path
) -> None:
    make(scripts, tmp_path)
    logins = Credentials(tmp_path / "data" / CREDENTIALS)
    for mn, password in scripts["passwords"].shown(tmp_path / "secrets/monitors/passwords").items():
        assert logins.verify(mn, password.encode()) is not None


def test_a_register_that_cannot_be_read_is_told_with_its_place(
    scripts: dict[str, ModuleType], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "config.yaml").write_text("data: data\nregistry: [nowhere.yaml]\n", "utf-8")
    monkeypatch.setenv("OUTFALL_CONFIG", str(tmp_path / "config.yaml"))
    monkeypatch.setenv("OUTFALL_SECRETS", str(tmp_path / "secrets"))
    assert scripts["passwords"].main([]) == 3
    assert "nowhere.yaml" in capsys.readouterr().err


@pytest.mark.real
def test_mosquitto_lets_in_who_has_a_password(scripts: dict[str, ModuleType], tmp_path: Path) -> None:
    passwd = tmp_path / "passwd"
    passwd.write_text(scripts["passwords"].password_file({MNS[0]: "its own", "outfall-bridge": "another"}))
    conf = f"listener {{port}} 127.0.0.1\nallow_anonymous false\npassword_file {passwd}\n"
    with Mosquitto.running(conf=conf) as broker:
        assert publish(broker, "its own") == 0
        assert publish(broker, "another") != 0


def publish(broker: Mosquitto, password: str) -> int:
    """Publish as the first monitor; the exit code."""
    host, port = broker.address
    login = ["-h", host, "-p", str(port), "-u", MNS[0], "-P", password]
    command = ["mosquitto_pub", *login, "-t", "x", "-m", "y", "-q", "1"]
    return subprocess.run(command, check=False, capture_output=True, timeout=20).returncode


class Empty(Influx):
    """A server that nobody has set up."""

    def _set_up(self) -> None:
        pass


@pytest.fixture
def empty() -> Iterator[Influx]:
    with Empty.running() as server:
        yield server


@pytest.mark.real
def test_influxdb_is_set_up_once_and_tokens_can_do_no_more_than_they_must(
    scripts: dict[str, ModuleType], owners: dict[str, int], empty: Influx, tmp_path: Path
) -> None:
    first_start = scripts["influx"].first_start
    made = first_start(empty.url, tmp_path, "outfall", "outfall")
    assert made == ["organisation outfall, bucket outfall", "token of outfall: read, write", "token of grafana: read"]
    assert first_start(empty.url, tmp_path, "outfall", "outfall") == []
    assert (owners["outfall/influx"], owners["grafana/influx"]) == (10001, 472)
    outfall, grafana = ((tmp_path / name / "influx").read_text().strip() for name in ("outfall", "grafana"))
    assert put(empty, outfall) is None
    assert put(empty, grafana) in (401, 403)
    with InfluxDBClient(empty.url, grafana, org="outfall") as client:
        assert client.query_api().query('from(bucket: "outfall") |> range(start: 0)')
        assert client.buckets_api().find_bucket_by_name("_monitoring") is None


def put(server: Influx, token: str) -> int | None:
    """Write a point; the status of a refusal."""
    with InfluxDBClient(server.url, token, org="outfall") as client:
        try:
            client.write_api(write_options=SYNCHRONOUS).write("outfall", record="m v=1 1700000000000", write_precision="ms")
        except ApiException as error:
            return int(error.status or 0)
    return None
