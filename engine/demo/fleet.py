"""The field's side of MQTT: a real client for each monitor, with its own login."""

import select
import time
from collections.abc import Callable, Iterable, Sequence

import paho.mqtt.client as mqtt

KEEP_ALIVE_S = 60
IN_FLIGHT = 500  # publishes of one monitor without their PUBACK
TOPIC = "outfall/v1/{mn}/up"


class FieldError(Exception):
    """The endpoint did not take what the field sent."""


class Device:
    """One MQTT 3.1.1 connection, QoS 1. Driven from one thread: `publish`, then `Fleet.settle`."""

    def __init__(self, mn: str, secret: str) -> None:
        self.mn = mn
        self.published = 0
        self.acknowledged = 0
        self.refused = ""
        self.client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, client_id=mn, protocol=mqtt.MQTTv311)
        self.client.username_pw_set(mn, secret)
        self.client.max_inflight_messages_set(IN_FLIGHT)
        self.client.on_connect = self._on_connect
        self.client.on_publish = self._on_publish

    def connect(self, host: str, port: int) -> None:
        """Open the connection; ConnectionRefusedError, with both addresses, where nobody listens."""
        try:
            self.client.connect(host, port, KEEP_ALIVE_S)
        except OSError as error:
            raise FieldError(f"{self.mn}: expected an MQTT endpoint at {host}:{port}: {error}") from error

    def publish(self, payload: bytes, mn: str = "") -> None:
        """Hand one payload over, as a gateway that of another MN; it counts as acknowledged when its PUBACK is here."""
        sent = self.client.publish(TOPIC.format(mn=mn or self.mn), payload, qos=1)
        if sent.rc != mqtt.MQTT_ERR_SUCCESS:
            raise FieldError(f"{self.mn}: publish: expected success, got {mqtt.error_string(sent.rc)}")
        self.published += 1

    @property
    def waiting(self) -> int:
        """Payloads handed over and not acknowledged."""
        return self.published - self.acknowledged

    def _on_connect(self, *call: object) -> None:
        reason = call[3]
        if getattr(reason, "is_failure", False):
            self.refused = str(reason)

    def _on_publish(self, *_call: object) -> None:
        self.acknowledged += 1


class Fleet:
    """All monitors of the field."""

    def __init__(self, devices: Iterable[Device]) -> None:
        self.devices = {device.mn: device for device in devices}

    def connect(self, host: str, port: int, *, patience_s: float = 20.0) -> None:
        """Connect all of them; FieldError where one is not let in."""
        for device in self.devices.values():
            device.connect(host, port)
        self._turn(lambda g: g.client.is_connected() or bool(g.refused), patience_s, "CONNACK")
        for device in self.devices.values():
            if device.refused:
                raise FieldError(f"{device.mn}: login refused: {device.refused}")

    def publish(self, mn: str, payload: bytes) -> None:
        """As this monitor."""
        self.devices[mn].publish(payload)

    def settle(self, *, patience_s: float = 60.0, waiting_max: int = 0) -> None:
        """Return when at most so many publishes of each device wait for their PUBACK; FieldError after `patience_s`."""
        self._turn(lambda g: g.waiting <= waiting_max, patience_s, "PUBACK")

    def close(self) -> None:
        """DISCONNECT."""
        for device in self.devices.values():
            device.client.disconnect()

    @property
    def published(self) -> int:
        """Payloads handed over by all devices."""
        return sum(g.published for g in self.devices.values())

    @property
    def acknowledged(self) -> int:
        """Payloads that every device has a PUBACK for."""
        return sum(g.acknowledged for g in self.devices.values())

    def _turn(self, done: Callable[[Device], bool], patience_s: float, waits_for: str) -> None:
        """Read and write on all connections until each is done."""
        deadline = time.monotonic() + patience_s
        while open_ := [g for g in self.devices.values() if not done(g)]:
            if time.monotonic() > deadline:
                names = ", ".join(f"{g.mn} ({g.waiting} waiting)" for g in open_)
                raise FieldError(f"no {waits_for} within {patience_s:.0f} s: {names}")
            _serve(open_)


def _serve(devices: Sequence[Device]) -> None:
    """Wait until one of the connections has something to read or room to write, and do it."""
    by_socket = {device.client.socket(): device for device in devices}
    if None in by_socket:
        raise FieldError(f"{by_socket[None].mn}: the endpoint closed the connection")
    wants = [sock for sock, device in by_socket.items() if device.client.want_write()]
    readable, writable, _ = select.select(list(by_socket), wants, [], 0.5)
    for sock in writable:
        by_socket[sock].client.loop_write()
    for sock in readable:
        by_socket[sock].client.loop_read()
    for device in devices:
        device.client.loop_misc()
