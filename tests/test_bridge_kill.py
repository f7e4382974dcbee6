"""kill -9 of the bridge under load, with a real Mosquitto and the shipped file: all that the broker took is in the log."""

import contextlib
import random
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from engine.intake.topics import up
from engine.log.sqlite import SqliteLog
from sensors.mqtt.build import build
from sensors.mqtt.packets import Ack, Publish, Version
from tests.bridge_rig import NAME, Broker, Rig, bridging, payloads
from tests.intake_rig import soon

pytestmark = pytest.mark.real

KILLS = 4
SAVED_S = 3.0
"""The shipped file saves once a second; writing takes a moment, and this machine may be busy."""

DEVICES = [f"010000A8900016F00000000{n}" for n in range(3)]
WINDOW = 40
SEED = 212


class Device(threading.Thread):
    """Publishes payloads nobody has sent before, so many at a time, until it is told to end or the broker dies."""

    def __init__(self, broker: Broker, mn: str, *, window: int = WINDOW, pause_s: float = 0.02) -> None:
        super().__init__()
        self.acknowledged: dict[bytes, float] = {}  # and when
        self.halted = threading.Event()
        self._client = broker.client(mn)
        self._mn = mn
        self._under_way: dict[int, bytes] = {}
        self._sent = 0
        self._window, self._pause_s = window, pause_s

    def run(self) -> None:
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            self._publish(self._window)
            while self._under_way and isinstance(answer := self._client.receive(), Ack):
                self.acknowledged[self._under_way.pop(answer.packet_id)] = time.monotonic()
                if len(self._under_way) <= self._window // 2 and not self.halted.is_set():
                    self._publish(self._window - len(self._under_way))
                    time.sleep(self._pause_s)  # by default so that the bridge keeps up
        self._client.socket.close()

    def _publish(self, count: int) -> None:
        packets = []
        for _ in range(count):
            self._sent += 1
            packet_id = self._sent % 60_000 + 1
            self._under_way[packet_id] = b"%b no %d" % (self._mn.encode(), self._sent)
            packets.append(build(Publish(up(self._mn), self._under_way[packet_id], 1, packet_id), Version.V311))
        self._client.send_bytes(b"".join(packets))


def one_life(broker: Broker, data: Path, seconds: float, *options: str) -> None:
    """Start, wait for its first acknowledgement, and kill it a random moment later."""
    victim = [sys.executable, "-m", "tests.bridge_victim", str(data), str(broker.port), NAME, broker.secrets[NAME], *options]
    with subprocess.Popen(victim, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        assert process.stdout.readline() == "up\n"
        threading.Event().wait(seconds)
        process.kill()


def is_idle(rig: Rig) -> bool:
    """Whether the broker has nothing more for it."""
    before = rig.counts["received"]
    threading.Event().wait(0.3)
    return before == rig.counts["received"] == rig.counts["stored"]


def lives(data: Path, kills: int, *options: str) -> tuple[set[bytes], set[bytes]]:
    """Several lives of a bridge under load, and one that may end in order: what was acknowledged, what is in the log."""
    chance = random.Random(SEED)
    with Broker.running(secrets=dict.fromkeys(DEVICES, "s3cret")) as broker:
        with SqliteLog(data, partitions=2) as log, bridging(log, data, broker.bridge()) as rig:
            assert soon(lambda: rig.counts["broker_logins"] == 1)
        devices = [Device(broker, mn) for mn in DEVICES]
        for device in devices:
            device.start()
        for _ in range(kills):
            one_life(broker, data, chance.uniform(0.0, 0.3), *options)
        for device in devices:
            device.halted.set()
            device.join()
        acknowledged = {payload for device in devices for payload in device.acknowledged}
        with SqliteLog(data, partitions=2) as log, bridging(log, data, broker.bridge()) as rig:
            assert soon(lambda: rig.counts["broker_logins"] == 1)
            assert soon(lambda: is_idle(rig), 30)
            assert rig.counts["sessions_lost"] == 0
        with SqliteLog(data, partitions=2) as log:
            return acknowledged, set(payloads(log))


def test_what_the_broker_acknowledged_is_in_the_log_after_kill_9_of_the_bridge(tmp_path: Path) -> None:
    acknowledged, logged = lives(tmp_path, KILLS)
    assert len(acknowledged) > 1000
    assert acknowledged <= logged


def test_a_bridge_that_acknowledges_before_the_commit_is_found_out(tmp_path: Path) -> None:
    acknowledged, logged = lives(tmp_path, 2, "too-early")
    assert not acknowledged <= logged


def test_a_kill_of_the_broker_costs_at_most_what_it_took_in_the_moment_before(tmp_path: Path) -> None:
    """Under more load than the bridge carries away: the rest waits in the broker's memory, which is saved once a second."""
    with (
        Broker.running(secrets=dict.fromkeys(DEVICES, "s3cret")) as broker,
        SqliteLog(tmp_path, partitions=2) as log,
        bridging(log, tmp_path, broker.bridge()) as rig,
    ):
        assert soon((broker.folder / "mosquitto.db").exists)  # the session is saved
        devices = [Device(broker, mn, window=400, pause_s=0.0) for mn in DEVICES]
        for device in devices:
            device.start()
        threading.Event().wait(2.5)
        killed = time.monotonic()
        broker.kill()
        for device in devices:
            device.join()
        broker.start()
        assert soon(lambda: rig.counts["broker_logins"] == 2)
        assert soon(lambda: is_idle(rig), 30)
        logged = set(payloads(log))
        assert rig.counts["sessions_lost"] == 0
    lost = [at for device in devices for payload, at in device.acknowledged.items() if payload not in logged]
    assert all(killed - at < SAVED_S for at in lost)
