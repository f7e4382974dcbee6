"""kill -9 of the endpoint under load: what was acknowledged is in the log exactly once, and the log goes on."""

import random
import subprocess
import sys
import threading
from collections import Counter
from pathlib import Path

from engine.intake.credentials import Credentials
from engine.intake.topics import up
from engine.log.sqlite import SqliteLog
from sensors.mqtt.build import build
from sensors.mqtt.packets import Ack, Publish, Version
from tests.intake_rig import RawClient, rows_of

KILLS = 5
DEVICES = [f"010000A8900016F00000000{n}" for n in range(3)]
WINDOW = 200
SEED = 212


class Device(threading.Thread):
    """Publishes payloads nobody has sent before, WINDOW at a time, never again the same, until the line is cut."""

    def __init__(self, port: int, mn: str, secret: str, life: int) -> None:
        super().__init__()
        self.acknowledged: list[bytes] = []
        self.first_answer = threading.Event()
        self._client = RawClient(port)
        self._client.connect(mn, secret)
        self._mn = mn
        self._life = life
        self._under_way: dict[int, bytes] = {}
        self._sent = 0

    def run(self) -> None:
        try:
            self._publish(WINDOW)
            while isinstance(answer := self._client.receive(), Ack):
                self.acknowledged.append(self._under_way.pop(answer.packet_id))
                self.first_answer.set()
                if len(self._under_way) <= WINDOW // 2:
                    self._publish(WINDOW - len(self._under_way))
        except (BrokenPipeError, ConnectionResetError):
            self._rest()

    def _publish(self, count: int) -> None:
        packets = []
        for _ in range(count):
            self._sent += 1
            packet_id = self._sent % 60_000 + 1
            self._under_way[packet_id] = b"%b life %d no %d" % (self._mn.encode(), self._life, self._sent)
            packets.append(build(Publish(up(self._mn), self._under_way[packet_id], 1, packet_id), Version.V311))
        self._client.send_bytes(b"".join(packets))

    def _rest(self) -> None:
        """Acknowledgements that had left before the end."""
        self._client.socket.settimeout(0.2)
        try:
            while isinstance(answer := self._client.receive(), Ack):
                self.acknowledged.append(self._under_way.pop(answer.packet_id))
        except (TimeoutError, BrokenPipeError, ConnectionResetError):
            pass


def one_life(data: Path, secrets: dict[str, str], life: int, seconds: float, *options: str) -> list[bytes]:
    """Start, load, kill: what was acknowledged."""
    command = [sys.executable, "-m", "tests.intake_victim", str(data), *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as victim:
        assert victim.stdout
        port = int(victim.stdout.readline())
        devices = [Device(port, mn, secret, life) for mn, secret in secrets.items()]
        for device in devices:
            device.start()
        assert all(device.first_answer.wait(10) for device in devices)
        threading.Event().wait(seconds)
        victim.kill()
        for device in devices:
            device.join()
    return [payload for device in devices for payload in device.acknowledged]


def lives(data: Path, kills: int, *options: str) -> tuple[list[bytes], Counter[bytes]]:
    """Several lives on one data directory: what was acknowledged, and how often each payload is in the log."""
    chance = random.Random(SEED)
    secrets = Credentials(data / "devices.json").add_many(dict.fromkeys(DEVICES, ()))
    acknowledged: list[bytes] = []
    for life in range(kills):
        acknowledged += one_life(data, secrets, life, chance.uniform(0.0, 0.3), *options)
    with SqliteLog(data, partitions=2) as log:
        return acknowledged, Counter(payload for _, _, payload in rows_of(log))


def test_what_was_acknowledged_is_in_the_log_exactly_once_after_kill_9(tmp_path: Path) -> None:
    acknowledged, logged = lives(tmp_path, KILLS)
    assert [payload for payload in acknowledged if payload not in logged] == []
    assert set(logged.values()) == {1}
    assert len(acknowledged) >= KILLS * len(DEVICES)


def test_an_endpoint_that_acknowledges_before_the_commit_is_found_out(tmp_path: Path) -> None:
    acknowledged, logged = lives(tmp_path, 1, "too-early")
    assert [payload for payload in acknowledged if payload not in logged] != []
