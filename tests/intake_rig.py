"""A running endpoint on a real log and real sockets, and a client that can say anything."""

import asyncio
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Self

from engine.intake.credentials import Credentials
from engine.intake.endpoint import MqttEndpoint
from engine.intake.settings import IntakeSettings
from engine.intake.topics import up
from engine.log.api import Log
from engine.log.record import RecordKind, Topic
from engine.log.sqlite import SqliteLog
from sensors.frames import FrameBatch
from sensors.mqtt.build import build
from sensors.mqtt.packets import Connack, Connect, Packet, PacketType, Ping, Publish, Version
from sensors.mqtt.reader import PacketReader

MN = "010000A8900016F000169DC0"
OTHER = "010000A8900016F000169DC1"
GATEWAY = "gateway-1"
FRAME = b"##0087QN=20240101110500000;ST=91;CN=9014;PW=123456;MN=010000A8900016F000169DC0;Flag=4;CP=&&&&1DC0\r\n"

SETTINGS = IntakeSettings(port=0, credentials_check_s=0.02, stop_s_max=5.0)


class Rig:
    """An endpoint on a thread of its own, with a device, another device and a gateway for both."""

    def __init__(self, data: Path, log: Log, settings: IntakeSettings) -> None:
        self.log = log
        self.credentials = Credentials(data / "devices.json")
        self.secret = self.credentials.add_many({MN: (), OTHER: (), GATEWAY: (MN, OTHER)})
        self.endpoint = MqttEndpoint(settings, log, self.credentials, partition_of)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)

    def __enter__(self) -> Self:
        self._thread.start()
        self.run(self.endpoint.start)
        return self

    def __exit__(self, *_: object) -> None:
        self.run(self.endpoint.stop)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def run(self, make: Callable[[], object]) -> None:
        """Run a coroutine function on the endpoint's loop."""
        asyncio.run_coroutine_threadsafe(make(), self._loop).result(20)  # type: ignore[arg-type]

    @property
    def port(self) -> int:
        return self.endpoint.port

    @property
    def counts(self) -> dict[str, int]:
        return self.endpoint.counts

    def rows(self) -> list[tuple[str, str, bytes]]:
        """(login, claimed MN, payload) of everything in the log."""
        return rows_of(self.log)

    def client(self, name: str = MN, **connect: object) -> "RawClient":
        """A client of that login, with its CONNACK already read."""
        client = RawClient(self.port)
        client.connect(name, self.secret[name], **connect)
        return client

    def counted(self, **expected: int) -> bool:
        """Wait until the counts are so ("refused.x" is written refused_x)."""
        wanted = {name.replace("refused_", "refused."): value for name, value in expected.items()}
        return soon(lambda: all(self.counts[name] == value for name, value in wanted.items()))


@contextmanager
def running(data: Path, settings: IntakeSettings = SETTINGS, **changed: object) -> Iterator[Rig]:
    """A rig on a SQLite log of two partitions."""
    with SqliteLog(data, partitions=2) as log, Rig(data, log, replace(settings, **changed)) as rig:  # type: ignore[arg-type]
        yield rig


def partition_of(mn: str) -> int:
    """Neighbours land in different partitions."""
    return sum(mn.encode()) % 2


def rows_of(log: Log) -> list[tuple[str, str, bytes]]:
    """(login, claimed MN, payload) of everything in FRAMES, partition by partition."""
    found = []
    for partition in range(log.partitions(Topic.FRAMES)):
        for record in log.read(Topic.FRAMES, partition, 0, 1_000_000):
            if record.kind is RecordKind.FRAMES:
                batch = FrameBatch.decode(record.body)
                for row in range(len(batch)):
                    names = batch.names[batch.login[row]], batch.names[batch.claimed[row]]
                    found.append((*names, bytes(batch.payload(row))))
    return found


def soon(true: Callable[[], bool], seconds: float = 10.0) -> bool:
    """Whether it comes true in that time."""
    end = time.monotonic() + seconds
    while not true():
        if time.monotonic() > end:
            return False
        time.sleep(0.002)
    return True


class RawClient:
    """A socket and the codec: sends any bytes, reads packets."""

    def __init__(self, port: int, version: Version = Version.V311) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=10)
        self.version = version
        self._reader = PacketReader(packet_max=1 << 20, version=version)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def connect(self, name: str, secret: str, **fields: object) -> Connack:
        """CONNECT; the answer."""
        self.version = fields.pop("version", Version.V311)  # type: ignore[assignment]
        self._reader.version = self.version
        given = {"client_id": name, "username": name, "password": secret.encode(), **fields}
        self.send(Connect(version=self.version, **given))  # type: ignore[arg-type]
        answer = self.receive()
        assert isinstance(answer, Connack)
        return answer

    def send(self, *packets: Packet) -> None:
        """All in one write."""
        self.send_bytes(b"".join(build(packet, self.version) for packet in packets))

    def send_bytes(self, data: bytes) -> None:
        """Anything."""
        self.socket.sendall(data)

    def publish(self, payload: bytes = FRAME, *, mn: str = MN, qos: int = 1, packet_id: int = 1) -> None:
        """To the up topic of that MN."""
        self.send(Publish(up(mn), payload, qos, packet_id if qos else 0))

    def receive(self) -> Packet | None:
        """The next packet; None: the endpoint has closed."""
        while (packet := self._reader.next()) is None:
            try:
                piece = self.socket.recv(65536)
            except ConnectionResetError:
                return None
            if not piece:
                return None
            self._reader.feed(piece)
        return packet

    def closed(self) -> bool:
        """The endpoint has closed, without another word."""
        return self.receive() is None

    def is_served(self) -> bool:
        """It still answers."""
        self.send(Ping(type=PacketType.PINGREQ))
        return isinstance(self.receive(), Ping)
