"""Real clients, unchanged, against the endpoint: paho-mqtt, gmqtt and mosquitto_pub."""

import asyncio
import shutil
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gmqtt
import paho.mqtt.client as paho
import pytest
from gmqtt.mqtt.constants import MQTTv50, MQTTv311
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from engine.intake.topics import down, up
from tests.intake_rig import FRAME, MN, OTHER, Rig, running, soon

pytestmark = pytest.mark.real

FRAMES = [b"%b no %d" % (FRAME, n) for n in range(300)]


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    with running(tmp_path) as started:
        yield started


def assert_all_logged_once_in_order(rig: Rig) -> None:
    assert rig.counted(stored=len(FRAMES))
    assert rig.rows() == [(MN, MN, frame) for frame in FRAMES]


# paho-mqtt

PAHO = [(paho.MQTTv311, "3.1.1"), (paho.MQTTv31, "3.1"), (paho.MQTTv5, "5")]


class Paho:
    """A paho client with a network thread, and what happened to it."""

    def __init__(self, rig: Rig, protocol: int, name: str = MN, secret: str = "") -> None:
        self.client = paho.Client(CallbackAPIVersion.VERSION2, client_id=name, protocol=protocol)
        self.client.username_pw_set(name, secret or rig.secret[name])
        self.connected = threading.Event()
        self.answers: list[Any] = []
        self.client.on_connect = self._on_connect
        self.client.on_publish = lambda _c, _u, _mid, reason, _p: self.answers.append(reason)
        self.client.on_subscribe = lambda _c, _u, _mid, reasons, _p: self.answers.extend(reasons)
        self.client.on_disconnect = lambda _c, _u, _f, reason, _p: self.answers.append(reason)

    def _on_connect(self, _client: Any, _data: Any, _flags: Any, reason: Any, _properties: Any) -> None:
        self.answers.append(reason)
        self.connected.set()

    def start(self, port: int) -> None:
        self.client.connect("127.0.0.1", port, keepalive=10)
        self.client.loop_start()
        assert self.connected.wait(10)

    def stop(self) -> None:
        self.client.disconnect()
        self.client.loop_stop()


@pytest.mark.parametrize("protocol", [p for p, _ in PAHO], ids=[name for _, name in PAHO])
@pytest.mark.parametrize("qos", [0, 1, 2])
def test_paho_publishes(rig: Rig, protocol: int, qos: int) -> None:
    device = Paho(rig, protocol)
    device.start(rig.port)
    infos = [device.client.publish(up(MN), frame, qos=qos) for frame in FRAMES]
    for info in infos:
        info.wait_for_publish(10)
        assert info.rc == MQTTErrorCode.MQTT_ERR_SUCCESS
    device.stop()
    assert_all_logged_once_in_order(rig)
    assert rig.counted(goodbyes=1)


def test_paho_with_properties_of_mqtt_5(rig: Rig) -> None:
    device = Paho(rig, paho.MQTTv5)
    device.start(rig.port)
    properties = Properties(PacketTypes.PUBLISH)
    properties.UserProperty = [("firmware", "7"), ("firmware", "8")]
    properties.MessageExpiryInterval = 60
    properties.ContentType = "hj212"
    device.client.publish(up(MN), FRAME, qos=1, properties=properties).wait_for_publish(10)
    device.stop()
    assert rig.rows() == [(MN, MN, FRAME)]


def test_paho_of_mqtt_5_is_told_that_it_may_not(rig: Rig) -> None:
    device = Paho(rig, paho.MQTTv5)
    device.start(rig.port)
    device.client.publish(up(OTHER), FRAME, qos=1).wait_for_publish(10)
    assert str(device.answers[-1]) == "Not authorized"
    device.client.subscribe([(down(MN), paho.SubscribeOptions(qos=1)), (down(OTHER), paho.SubscribeOptions(qos=1))])
    assert soon(lambda: len(device.answers) == 4)
    assert [str(answer) for answer in device.answers[2:]] == ["Granted QoS 1", "Not authorized"]
    device.stop()
    assert rig.rows() == []


def test_paho_with_a_wrong_secret_is_told_so(rig: Rig) -> None:
    device = Paho(rig, paho.MQTTv311, secret="a guess")
    device.start(rig.port)
    assert str(device.answers[0]) == "Bad user name or password"
    device.stop()


def test_paho_sends_again_what_was_not_acknowledged_when_the_endpoint_was_away(tmp_path: Path) -> None:
    with running(tmp_path) as rig:
        port = rig.port
        device = Paho(rig, paho.MQTTv311)
        device.client.reconnect_delay_set(min_delay=1, max_delay=1)
        device.start(port)
    assert soon(lambda: not device.client.is_connected())
    infos = [device.client.publish(up(MN), frame, qos=1) for frame in FRAMES]
    with running(tmp_path / "again", port=port) as rig:
        rig.credentials.path.write_bytes((tmp_path / "devices.json").read_bytes())
        assert {info.rc for info in infos} == {MQTTErrorCode.MQTT_ERR_NO_CONN}  # queued in paho until it is back
        assert soon(lambda: len(device.answers) == len(["connect", "disconnect", "connect", *infos]))
        device.stop()
        assert_all_logged_once_in_order(rig)


# gmqtt


@pytest.mark.parametrize("version", [MQTTv311, MQTTv50], ids=["3.1.1", "5"])
@pytest.mark.parametrize("qos", [0, 1])
def test_gmqtt_publishes(rig: Rig, version: int, qos: int) -> None:
    async def publish() -> None:
        client = gmqtt.Client(MN, will_message=gmqtt.Message(up(MN), "gone", qos=1))
        client.set_auth_credentials(MN, rig.secret[MN])
        await client.connect("127.0.0.1", rig.port, version=version, keepalive=10)
        for frame in FRAMES:
            client.publish(up(MN), frame, qos=qos)
        while rig.counts["stored"] < len(FRAMES):
            await asyncio.sleep(0.01)
        await client.disconnect()

    asyncio.run(asyncio.wait_for(publish(), 20))
    assert_all_logged_once_in_order(rig)
    assert rig.counted(goodbyes=1, wills=0)


# mosquitto_pub


def mosquitto_pub(rig: Rig, *args: str, payload: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    """Run it; what it says on stderr is part of the answer."""
    program = shutil.which("mosquitto_pub")
    assert program, "mosquitto_pub is missing: expected the package mosquitto-clients, which script/test installs"
    login = ["-h", "127.0.0.1", "-p", str(rig.port), "-i", MN, "-u", MN, "-P", rig.secret[MN]]
    return subprocess.run([program, *login, *args], input=payload, capture_output=True, timeout=20, check=False)


@pytest.mark.parametrize("version", ["mqttv31", "mqttv311", "mqttv5"])
@pytest.mark.parametrize("qos", ["0", "1", "2"])
def test_mosquitto_pub_publishes(rig: Rig, version: str, qos: str) -> None:
    done = mosquitto_pub(rig, "-V", version, "-q", qos, "-t", up(MN), "-s", payload=FRAME)
    assert (done.returncode, done.stderr) == (0, b"")
    assert rig.counted(stored=1, goodbyes=1)
    assert rig.rows() == [(MN, MN, FRAME)]


def test_mosquitto_pub_publishes_line_after_line(rig: Rig) -> None:
    lines = [b"line %d" % n for n in range(500)]
    done = mosquitto_pub(rig, "-q", "1", "-t", up(MN), "-l", payload=b"\n".join(lines))
    assert (done.returncode, done.stderr) == (0, b"")
    assert rig.rows() == [(MN, MN, line) for line in lines]


def test_mosquitto_pub_under_another_topic_is_never_told_that_it_was_stored(rig: Rig) -> None:
    of_5 = mosquitto_pub(rig, "-V", "mqttv5", "-q", "1", "-t", up(OTHER), "-m", "x")
    assert b"Not authorized" in of_5.stderr
    before_5 = mosquitto_pub(rig, "-V", "mqttv311", "-q", "1", "-t", up(OTHER), "-m", "x", "-d")
    assert b"PUBACK" not in before_5.stdout
    assert before_5.returncode != 0
    assert rig.counts["refused.mn_not_login"] == 2
    assert rig.rows() == []
