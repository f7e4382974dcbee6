"""The doctor at real brokers: one with the shipped file, one with Mosquitto's defaults, and some with one thing wrong."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from engine.doctor import mqtt_probe
from engine.doctor.mosquitto_conf import conf_findings
from engine.doctor.mqtt import mqtt_findings
from engine.doctor.mqtt_probe import queued
from engine.doctor.patient import Broker as Examined
from engine.doctor.patient import Patient
from engine.doctor.tls import tls_findings
from engine.duty.settings import Secret
from engine.intake.bridge.settings import BrokerTls
from engine.log.sqlite import SqliteLog
from tests.bridge_rig import SHIPPED, Broker, bridging, shipped_conf
from tests.doctor_rig import config_of, found
from tests.intake_rig import soon
from tests.servers import Mosquitto
from tests.servers.certificates import make_certificates
from tests.servers.process import free_port

pytestmark = pytest.mark.real

DEFAULTS = "listener {port} 127.0.0.1\nallow_anonymous true\n"
"""Mosquitto without a word about losing data."""


@pytest.fixture(scope="module")
def broker() -> Iterator[Broker]:
    with Broker.running() as server:
        yield server


@pytest.fixture(autouse=True)
def a_broker_on_this_machine_is_silent_sooner(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mqtt_probe, "SILENCE_S", 1.0)


@pytest.fixture
def config(tmp_path: Path) -> Any:
    return config_of(tmp_path / "site")


def examined(server: Mosquitto, user: str = "outfall-doctor", secret: str = "", **more: Any) -> Examined:
    secret = secret or getattr(server, "secrets", {}).get(user, "any")
    return Examined(host="127.0.0.1", port=server.port, user=user, password=Secret(secret), **more)


def test_the_shipped_broker_is_well(broker: Broker, config: Any) -> None:
    patient = Patient(config=config, brokers=(examined(broker),), probe=True, mosquitto_conf=SHIPPED / "mosquitto.conf")
    assert found(mqtt_findings, patient) == {
        "mqtt_anonymous": "good", "mqtt_login": "good", "mqtt_client_id": "good", "mqtt_version": "note",
        "mqtt_dropped": "good", "mqtt_rights": "good", "mqtt_silent_denial": "note", "mqtt_queue": "good",
        "mqtt_under_way": "good", "mqtt_conf": "good",
    }  # fmt: skip


def test_a_broker_with_its_defaults_loses_what_it_acknowledged_and_lets_anybody_do_anything(config: Any) -> None:
    with Mosquitto.running(conf=DEFAULTS) as server:
        conf = server.folder / "mosquitto.conf"
        patient = Patient(config=config, brokers=(examined(server),), probe=True, mosquitto_conf=conf)
        assert found(mqtt_findings, patient) == {
            "mqtt_anonymous": "error", "mqtt_login": "good", "mqtt_client_id": "warning", "mqtt_version": "note",
            "mqtt_dropped": "good", "mqtt_rights": "error", "mqtt_queue": "error", "mqtt_under_way": "note",
            "mqtt_conf_persistence": "error", "mqtt_conf_queued": "error", "mqtt_conf_client_id": "warning",
            "mqtt_conf_anonymous": "error", "mqtt_conf_rights": "error",
        }  # fmt: skip
        lost = queued(examined(server))
        assert lost is not None
        assert lost.acknowledged == 3000
        assert lost.kept == 1020  # 20 under way, 1000 waiting


def test_without_probe_nothing_is_written_and_it_says_what_it_did_not_try(broker: Broker, config: Any) -> None:
    seen = found(mqtt_findings, Patient(config=config, brokers=(examined(broker),)))
    assert seen["mqtt_not_probed"] == seen["mqtt_conf_unseen"] == "note"
    assert not {"mqtt_queue", "mqtt_rights"} & seen.keys()


def test_a_doctor_without_a_user_looks_from_outside(broker: Broker, config: Any) -> None:
    patient = Patient(config=config, brokers=(Examined(host="127.0.0.1", port=broker.port),), probe=True)
    assert found(mqtt_findings, patient) == {
        "mqtt_anonymous": "good", "mqtt_no_user": "note", "mqtt_conf_unseen": "note",
    }  # fmt: skip


def test_a_wrong_password_and_a_port_where_nobody_is(broker: Broker, config: Any) -> None:
    nobody = Examined(host="127.0.0.1", port=free_port())
    seen = found(mqtt_findings, Patient(config=config, brokers=(examined(broker, secret="guessed"), nobody)))
    assert (seen["mqtt_login"], seen["mqtt_reach"]) == ("error", "error")


def test_a_user_without_the_right_to_the_probes_topic(config: Any) -> None:
    with Broker.running(secrets={"somebody": "s3cret"}) as server:
        seen = found(mqtt_findings, Patient(config=config, brokers=(examined(server, "somebody"),), probe=True))
    assert seen["mqtt_probe_refused"] == "error"
    assert seen["mqtt_sys_unseen"] == "note"


def test_the_probe_takes_itself_away_and_harms_no_bridge(broker: Broker, tmp_path: Path, config: Any) -> None:
    with SqliteLog(tmp_path / "data", partitions=2) as log, bridging(log, tmp_path, broker.bridge()) as rig:
        assert soon(lambda: rig.counts["broker_logins"] == 1)
        for _ in range(2):
            seen = found(mqtt_findings, Patient(config=config, brokers=(examined(broker),), probe=True))
            assert seen["mqtt_queue"] == "good"
        assert rig.counts["received"] == rig.counts["broker_losses"] == 0


def test_a_brokers_certificate_that_ends_soon_is_seen(tmp_path: Path, config: Any) -> None:
    made = make_certificates(tmp_path)
    tls = f"cafile {made.ca}\ncertfile {made.cert}\nkeyfile {made.key}\n"
    with Broker.running(changed={"listener": "{port} 127.0.0.1\n" + tls}) as server:
        patient = Patient(config=config, brokers=(examined(server, tls=BrokerTls(ca=made.ca)),), probe=True)
        assert found(mqtt_findings, patient)["mqtt_queue"] == "good"
        assert found(tls_findings, patient) == {"tls_soon": "warning"}
        stranger = Patient(config=config, brokers=(examined(server, tls=BrokerTls()),))
        assert found(mqtt_findings, stranger)["mqtt_reach"] == "error"


LINES = {
    "not on disk": ("persistence true", "persistence false", "mqtt_conf_persistence"),
    "on disk every half hour": ("autosave_interval 1", "", "mqtt_conf_autosave"),
    "the whole file at every change": ("autosave_on_changes false", "autosave_on_changes true", "mqtt_conf_on_changes"),
    "a bound on what waits": ("max_queued_messages 0", "max_queued_messages 5000", "mqtt_conf_queued"),
    "a bound on its bytes": ("max_queued_bytes 0", "max_queued_bytes 1000000", "mqtt_conf_bytes"),
    "sessions that end": ("persistence true", "persistence true\npersistent_client_expiration 1d", "mqtt_conf_expiration"),
    "any client id": ("use_username_as_clientid true", "", "mqtt_conf_client_id"),
    "anybody": ("allow_anonymous false", "allow_anonymous true", "mqtt_conf_anonymous"),
    "no rights": ("acl_file {folder}/acl", "", "mqtt_conf_rights"),
    "more files": ("persistence true", "persistence true\ninclude_dir /etc/mosquitto/conf.d", "mqtt_conf_include"),
}  # fmt: skip


@pytest.mark.parametrize(("line", "instead", "check"), LINES.values(), ids=LINES)
def test_one_line_of_the_file_that_is_wrong(tmp_path: Path, line: str, instead: str, check: str) -> None:
    file = tmp_path / "mosquitto.conf"
    text = shipped_conf()
    assert line in text
    file.write_text(text.replace(line, instead))
    assert [finding.check for finding in conf_findings(file)] == [check]
