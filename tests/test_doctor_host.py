"""The doctor at the machine itself: data directory, clock, ports, certificates, packages."""

import os
import socket
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from engine.doctor import data, environment
from engine.doctor.data import data_findings
from engine.doctor.environment import environment_findings
from engine.doctor.listeners import listener_findings
from engine.doctor.patient import Patient
from engine.doctor.tls import tls_findings
from engine.doctor.x509 import certificates_in, ends_at
from engine.intake.credentials import Credentials
from engine.intake.settings import IntakeSettings, TlsSettings
from engine.log.lock import DirectoryLock
from engine.log.sqlite import SqliteLog
from tests.doctor_rig import config_of, found
from tests.servers.certificates import make_certificates


@pytest.fixture
def config(tmp_path: Path) -> Any:
    made = config_of(tmp_path / "site")
    made.host.data.chmod(0o750)
    return made


def of(config: Any, **more: Any) -> Patient:
    return Patient(config=config, brokers=(), **more)


def test_the_environment_that_the_tests_run_in_is_well(config: Any) -> None:
    assert set(found(environment_findings, of(config)).values()) == {"good"}


def test_a_package_that_is_missing_and_one_that_is_too_old(config: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = ["orjson>=99", "no-such-package>=1", "pytest>=1; extra == 'test'"]
    monkeypatch.setattr(environment.metadata, "requires", lambda name: wanted)
    seen = found(environment_findings, of(config))
    assert (seen["environment_package"], seen["environment_missing"]) == ("warning", "error")


def test_a_data_directory_that_is_well(config: Any) -> None:
    with SqliteLog(config.host.data, partitions=1):
        pass
    seen = found(data_findings, of(config, probe=True))
    assert seen["data_open"] == seen["data_room"] == "good"
    assert seen["data_fsync"] in ("good", "note")
    assert list(config.host.data.glob("doctor-*")) == []


def test_one_that_others_can_read_with_the_monitors_secrets_in_it(config: Any) -> None:
    config.host.data.chmod(0o755)
    credentials = config.host.data / "devices.json"
    Credentials(credentials).add("A1")
    credentials.chmod(0o644)
    seen = found(data_findings, of(config))
    assert (seen["data_open"], seen["data_credentials"]) == ("note", "error")


def test_no_data_directory_yet(config: Any, tmp_path: Path) -> None:
    elsewhere = replace(config, host=replace(config.host, data=tmp_path / "none"))
    assert found(data_findings, of(elsewhere)) == {"data_none": "note"}


@pytest.mark.parametrize(("kind", "check"), [("nfs4", "data_remote"), ("tmpfs", "data_memory")])
def test_a_file_system_that_a_log_must_not_lie_on(
    config: Any, monkeypatch: pytest.MonkeyPatch, kind: str, check: str
) -> None:
    monkeypatch.setattr(data, "file_system", lambda path, mounts: kind)
    assert found(data_findings, of(config))[check] == "error"


def test_a_disk_that_is_nearly_full(config: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = type(data.shutil.disk_usage(config.host.data))
    for free, severity in ((50 << 20, "error"), (500 << 20, "warning"), (500 << 30, "good")):
        monkeypatch.setattr(data.shutil, "disk_usage", lambda path, free=free: usage(1 << 40, (1 << 40) - free, free))
        assert found(data_findings, of(config))["data_room"] == severity


def test_a_log_that_is_ahead_of_the_clock(config: Any) -> None:
    now_ms = data.wall_ms()
    with SqliteLog(config.host.data, partitions=1, now_ms=lambda: now_ms + 3_600_000) as log:
        log.append(data.Topic.FRAMES, 0, data_kind(), b"").result()
    assert found(data_findings, of(config))["data_clock"] == "error"


def test_a_host_that_runs_and_writes_nothing(config: Any) -> None:
    now_ms = data.wall_ms()
    with SqliteLog(config.host.data, partitions=1, now_ms=lambda: now_ms - 600_000) as log:
        log.append(data.Topic.FRAMES, 0, data_kind(), b"").result()
        assert found(data_findings, of(config))["data_silent"] == "error"


def data_kind() -> Any:
    from engine.log.record import RecordKind

    return RecordKind.TICK


def test_ports_that_are_free_ours_closed_or_somebody_elses(config: Any) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        listening = replace(config, listeners=(IntakeSettings(port=port),), http=None)
        assert found(listener_findings, of(listening)) == {"listener_taken": "error"}
        lock = DirectoryLock(config.host.data)  # this process is the host
        assert found(listener_findings, of(listening)) == {"listener_ours": "good"}
        child = os.fork()
        if not child:
            os._exit(0)
        os.waitpid(child, 0)
    assert found(listener_findings, of(listening)) == {"listener_closed": "error"}
    lock.close()
    assert found(listener_findings, of(listening)) == {"listener_free": "good"}


def test_certificates_that_end_and_a_key_that_others_can_read(config: Any, tmp_path: Path) -> None:
    made = make_certificates(tmp_path)
    made.key.chmod(0o644)
    tls = TlsSettings(cert=made.cert, key=made.key)
    listening = replace(config, listeners=(IntakeSettings(tls=tls),))
    assert found(tls_findings, of(listening)) == {"tls_soon": "warning", "tls_key": "error"}
    made.key.chmod(0o600)
    made.cert.write_text("no certificate")
    assert found(tls_findings, of(listening)) == {"tls_unreadable": "error", "tls_key": "good"}


def test_the_end_of_a_certificate_is_read_from_its_bytes(tmp_path: Path) -> None:
    (der,) = certificates_in(make_certificates(tmp_path).cert)
    left = ends_at(der) - datetime.now(UTC)
    assert timedelta(days=6) < left <= timedelta(days=7)
    with pytest.raises(ValueError, match="expected a certificate"):
        ends_at(b"")
