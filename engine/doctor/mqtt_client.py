"""A blocking MQTT client that does nothing by itself: what the doctor sends is all that is sent."""

import socket
import ssl
import time
from collections.abc import Iterator
from types import TracebackType
from typing import Self

from engine.doctor.patient import Broker
from engine.intake.bridge.wire import tls_context
from sensors.mqtt.build import build
from sensors.mqtt.packets import Connack, Connect, Goodbye, Packet, PacketType, Version
from sensors.mqtt.reader import PacketReader
from sensors.mqtt.reasons import MqttError

ANSWER_S = 5.0
PACKET_MAX = 1 << 20


class Client:
    """One connection. OSError where there is none; so is an answer that is not MQTT."""

    def __init__(self, broker: Broker, version: Version = Version.V311) -> None:
        self.version = version
        self._reader = PacketReader(packet_max=PACKET_MAX, version=version)
        plain = socket.create_connection((broker.host, broker.port), timeout=ANSWER_S)
        context = tls_context(broker.tls)
        self._socket = plain if context is None else context.wrap_socket(plain, server_hostname=broker.host)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._socket.close()

    @property
    def certificate(self) -> bytes | None:
        """What the broker showed, DER; None over plain MQTT."""
        return self._socket.getpeercert(binary_form=True) if isinstance(self._socket, ssl.SSLSocket) else None

    def login(self, client_id: str, user: str, password: str, *, clean: bool = True) -> Connack:
        """CONNECT, and the answer to it."""
        given = {"username": user, "password": password.encode()} if user else {}
        self.send(Connect(version=self.version, client_id=client_id, clean_start=clean, keep_alive_s=30, **given))  # type: ignore[arg-type]
        answer = next(self.packets(ANSWER_S), None)
        if not isinstance(answer, Connack):
            raise OSError(f"expected an answer to CONNECT, got {type(answer).__name__ if answer else 'nothing'}")
        return answer

    def send(self, *packets: Packet) -> None:
        """In one write."""
        self._socket.settimeout(ANSWER_S)
        self._socket.sendall(b"".join(build(packet, self.version) for packet in packets))

    def packets(self, silence_s: float) -> Iterator[Packet]:
        """What arrives, until nothing comes for so long or the broker closes."""
        end = time.monotonic() + silence_s
        while True:
            try:
                packet = self._reader.next()
            except MqttError as error:
                raise OSError(f"expected MQTT, got: {error}") from error
            if packet is not None:
                yield packet
                end = time.monotonic() + silence_s
            elif not self._read(end - time.monotonic()):
                return

    def is_closed(self, seconds: float) -> bool:
        """Whether the broker ends the connection in that time."""
        for _ in self.packets(seconds):
            pass
        try:
            self._socket.settimeout(0.01)
            return self._socket.recv(1) == b""
        except TimeoutError:
            return False
        except OSError:
            return True

    def leave(self) -> None:
        """DISCONNECT."""
        self.send(Goodbye(type=PacketType.DISCONNECT))

    def _read(self, seconds: float) -> bool:
        if seconds <= 0:
            return False
        self._socket.settimeout(seconds)
        try:
            data = self._socket.recv(1 << 16)
        except (TimeoutError, ConnectionResetError):
            return False
        self._reader.feed(data)
        return bool(data)
