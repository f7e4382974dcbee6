"""`outfall run` as people meet it: a real process, a real client, Ctrl-C, and the questions one asks afterwards."""

import json
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import paho.mqtt.client as mqtt
import pytest

from engine.cli.main import run
from sensors.hj212.encode import seal
from sensors.hj212.times import data_time
from tests.influx_rig import held
from tests.servers import Influx

MN = "010000A8900016F000169DC0"
TOPIC = f"outfall/v1/{MN}/up"


@pytest.fixture
def site(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> tuple[Path, str]:
    """A configuration on a free port, and the password of its first monitor."""
    assert run(["init", str(tmp_path), "--json"], {}) == 0
    password = json.loads(capsys.readouterr().out)["credentials"][0]["password"]
    config = tmp_path / "config.yaml"
    config.write_text(config.read_text("utf-8").replace("port: 1883}", "port: 0}"), "utf-8")
    return config, password


LISTENS = r"listens on 127\.0\.0\.1:(\d+)"


@contextmanager
def host(config: Path, says: str = LISTENS) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """`outfall run` from when it says that it listens until Ctrl-C; yields the process and its port."""
    command = [sys.executable, "-m", "engine.cli", "run", "-c", str(config), "--json"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        yield process, _port(process, says)
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
        process.wait(30)


def _port(process: subprocess.Popen[str], says: str) -> int:
    assert process.stderr is not None
    for line in process.stderr:
        if found := re.search(says, line):
            return int(found[1])
    raise AssertionError(f"outfall run ended with {process.wait()}")


def publish(port: int, password: str, payloads: list[bytes]) -> None:
    """Publish with QoS 1 and wait for every acknowledgement."""
    client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, client_id=MN)
    client.username_pw_set(MN, password)
    client.connect("127.0.0.1", port)
    client.loop_start()
    for payload in payloads:
        client.publish(TOPIC, payload, qos=1).wait_for_publish(10)
    client.disconnect()
    client.loop_stop()


def minutes_over_the_limit() -> list[bytes]:
    """Three ten-minute means of COD over the permit's 40 mg/L, the last of them the present one."""
    now = time.time_ns() // 1_000_000 // 600_000 * 600_000
    head = f"ST=32;CN=2051;PW=123456;MN={MN};Flag=5;CP=&&"
    starts = [now - n * 600_000 for n in (3, 2, 1)]
    return [seal(f"{head}DataTime={data_time(ms)};w01018-Avg=95.0,w01018-Flag=N&&") for ms in starts]


def answer(capsys: pytest.CaptureFixture[str], *arguments: str, code: int = 0) -> Any:
    assert run([*arguments, "--json"], {}) == code
    return json.loads(capsys.readouterr().out)


def test_a_day_at_the_command_line(site: tuple[Path, str], capsys: pytest.CaptureFixture[str]) -> None:
    config, password = site
    place = ("-c", str(config))
    with host(config) as (process, port):
        publish(port, password, [*minutes_over_the_limit(), b"##0101nonsense"])
        assert answer(capsys, "status", *place)["running"] is True
        second = subprocess.run(
            [sys.executable, "-m", "engine.cli", "run", *place], capture_output=True, text=True, check=False
        )
        assert second.returncode == 10
        assert f"in use by process {process.pid}" in second.stderr
    assert process.returncode == 0

    found = answer(capsys, "alerts", *place, "--all")["alerts"]
    assert {(a["rule"], a["value"], a["ceiling"]) for a in found} == {("cod-early", 95.0, 40.0), ("instant", 95.0, 40.0)}
    assert answer(capsys, "alerts", *place, "--class", "legal")["alerts"] == []

    explained = answer(capsys, "explain", found[0]["alert_id"][:8].lower(), *place)
    assert explained["alert_id"] == found[0]["alert_id"]
    assert [step["step"] for step in explained["steps"]] == ["opened"]
    assert run(["explain", found[0]["alert_id"], *place, "--lang", "zh"], {}) == 0
    assert "判定值 95 mg/L" in capsys.readouterr().out

    refused = answer(capsys, "frames", *place)
    assert refused["counts"] == {"bad_length": 1}
    assert refused["refused"][0]["sample"] == "##0101nonsense"
    assert answer(capsys, "status", *place, code=1)["host"]["state"] == "stopped"


def test_a_port_in_use_is_said_with_address_and_ends_with_12(site: tuple[Path, str]) -> None:
    config, _ = site
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        config.write_text(config.read_text("utf-8").replace("port: 0}", f"port: {port}}}"), "utf-8")
        command = [sys.executable, "-m", "engine.cli", "run", "-c", str(config)]
        ended = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == 12
    assert f"cannot listen on 127.0.0.1:{port}" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_data_directory_that_cannot_be_one_is_said_and_ends_with_11(
    site: tuple[Path, str], capsys: pytest.CaptureFixture[str]
) -> None:
    config, _ = site
    config.write_text(config.read_text("utf-8").replace("data: ./data", "data: ./config.yaml/data"), "utf-8")
    found = answer(capsys, "run", "-c", str(config), code=11)["error"]
    assert "config.yaml/data: expected a directory this user may write to" in found["text"]


def test_a_registry_that_changed_takes_over_at_the_next_start(site: tuple[Path, str]) -> None:
    from engine.run import registry_in_force

    config, _ = site
    data = config.parent / "data"
    with host(config):
        pass
    first = registry_in_force(data)
    assert first is not None and first.version == 1
    with host(config):
        pass
    assert registry_in_force(data) == first
    file = config.parent / "registry/district.yaml"
    file.write_text(file.read_text("utf-8").replace("factors: [w00000, w01001,", "factors: [w01001, w00000,"), "utf-8")
    file.write_text(file.read_text("utf-8").replace("name: 总排口", "name: 新总排口"), "utf-8")
    with host(config):
        pass
    second = registry_in_force(data)
    assert second is not None and second.version == 2
    assert second.bindings == first.bindings
    assert second.outlets[0].name == "新总排口"


def also_to(config: Path, influx: Influx, bucket: str) -> None:
    """Name an InfluxDB in the configuration."""
    token = config.parent / "token"
    token.write_text(influx.token)
    token.chmod(0o600)
    place = f"{{url: {influx.url}, org: {influx.org}, bucket: {bucket}, token_file: token}}"
    config.write_text(config.read_text("utf-8").replace("store:\n", f"store:\n  influx: {place}\n"), "utf-8")


def until(holds: Callable[[], bool], most_s: float = 30.0) -> None:
    """Wait until something holds."""
    deadline = time.monotonic() + most_s
    while not holds():
        assert time.monotonic() < deadline, "it did not come about"
        time.sleep(0.1)


@pytest.mark.real
def test_readings_and_alerts_go_to_influxdb_as_well(
    site: tuple[Path, str], influx: Influx, bucket: str, capsys: pytest.CaptureFixture[str]
) -> None:
    config, password = site
    also_to(config, influx, bucket)
    with host(config) as (_, port):
        publish(port, password, minutes_over_the_limit())
    assert [value for _, value in held(influx, bucket)] == [95.0, 95.0, 95.0]
    assert {value for _, value in held(influx, bucket, "alert", "ceiling")} == {40}
    assert influx.token not in json.dumps(answer(capsys, "check", "-c", str(config)))


@pytest.mark.real
def test_while_influxdb_is_down_alerts_and_pages_go_on_and_nothing_is_lost(
    site: tuple[Path, str], capsys: pytest.CaptureFixture[str]
) -> None:
    config, password = site
    with Influx.running() as influx:
        also_to(config, influx, "outfall")
        with host(config) as (_, port):
            influx.kill()
            publish(port, password, minutes_over_the_limit())
            until(lambda: bool(answer(capsys, "alerts", "-c", str(config))["alerts"]))

            def waits() -> bool:
                return "InfluxDB" in answer(capsys, "status", "-c", str(config))["host"]["stages"]["store"]["waits"]

            until(waits)
            assert sum(answer(capsys, "status", "-c", str(config))["pages"].values()) > 0
            influx.start()
            until(lambda: len(held(influx, "outfall")) == 3, 60)
            until(lambda: not waits())
        assert {value for _, value in held(influx, "outfall", "alert", "ceiling")} == {40}
