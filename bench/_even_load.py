"""A process that publishes minute frames of many outlets, spread evenly over each minute, over a few connections.

`run_load` runs this module as a program: options over stdin, result over stdout.
"""

import selectors
import socket
import subprocess
import sys
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np
import orjson

from bench._district import MINUTE_MS, Frames, mn_of
from engine.intake.topics import up
from sensors.mqtt.build import build
from sensors.mqtt.packets import Connect, Publish, Version

ALERT_CYCLE = 500
"""An outlet is over its limit in one minute of so many; a 500th of the outlets is, in each minute."""

LET_IN = b"\x20\x02\x00\x00"
PUBACK_BYTES = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class EvenLoad:
    """What is published."""

    port: int  # of an endpoint or a broker
    connections: int  # outlet i speaks over connection i % connections
    outlets: int
    first_minute_ms: int  # device time of the first frames
    minutes: float
    minute_s: float = 60.0  # real seconds a minute takes
    alert_cycle: int = ALERT_CYCLE
    secret: str = ""  # connection n logs in as load-n with it; without it anonymously


@dataclass(frozen=True, slots=True, kw_only=True)
class EvenlyLoaded:
    """What came of it. Instants are `time.monotonic` seconds, which all processes of a machine share."""

    published: int
    acknowledged: int
    seconds: float
    late_s_max: float  # the generator's own: how far it fell behind its plan
    puback_ms: tuple[float, float, float]  # p50, p99, max, from the write to the PUBACK
    over: list[tuple[int, int, float]]  # (outlet, device minute) that is over, and when it was written


def is_over(outlet: int, minute_ms: int, cycle: int = ALERT_CYCLE) -> bool:
    """Whether an outlet is over its limit in this minute; in the minute before and after it is not."""
    return (outlet + 7 * (minute_ms // MINUTE_MS)) % cycle == 0


def name_of(connection: int) -> str:
    """The client id of the n-th connection, and its user where it logs in."""
    return f"load-{connection}"


class Line:
    """One connection."""

    def __init__(self, port: int, name: str, secret: str = "") -> None:
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        user, password = (name, secret.encode()) if secret else (None, None)
        hello = Connect(version=Version.V311, client_id=name, keep_alive_s=0, username=user, password=password)
        self.socket.sendall(build(hello, Version.V311))
        if (answer := self.socket.recv(4)) != LET_IN:
            raise ConnectionError(f"{name}: expected to be let in, got CONNACK {answer.hex()}")
        self.socket.setblocking(False)
        self.out = bytearray()
        self.sent = 0
        self.acknowledged = 0
        self.waits_ms: list[float] = []
        self._under_way: deque[float] = deque()
        self._unread = 0

    def publish(self, mn: str, payload: bytes) -> None:
        """Queue one PUBLISH, QoS 1."""
        self.sent += 1
        self.out += build(Publish(up(mn), payload, 1, self.sent % 65535 + 1), Version.V311)
        self._under_way.append(time.monotonic())

    def write(self) -> None:
        """As much as the socket takes."""
        if self.out:
            try:
                del self.out[: self.socket.send(self.out)]
            except BlockingIOError:
                return

    def read(self) -> None:
        """Count PUBACKs; they come in the order of the publishes."""
        got = self.socket.recv(65536)
        if not got:
            raise ConnectionError("the endpoint closed the connection")
        whole, self._unread = divmod(self._unread + len(got), PUBACK_BYTES)
        now = time.monotonic()
        self.acknowledged += whole
        self.waits_ms.extend((now - self._under_way.popleft()) * 1000 for _ in range(whole))


def run_load(load: EvenLoad) -> EvenlyLoaded:
    """Run it in a process of its own; CalledProcessError where that fails."""
    command = [sys.executable, "-m", "bench._even_load"]
    done = subprocess.run(command, input=orjson.dumps(asdict(load)), stdout=subprocess.PIPE, check=True)
    raw = orjson.loads(done.stdout)
    return EvenlyLoaded(**{**raw, "puback_ms": tuple(raw["puback_ms"]), "over": [tuple(row) for row in raw["over"]]})


def publish_evenly(load: EvenLoad) -> EvenlyLoaded:
    """Publish it all and wait for the last PUBACK."""
    frames = Frames.make()
    lines = [Line(load.port, name_of(number), load.secret) for number in range(load.connections)]
    selector = selectors.DefaultSelector()
    for line in lines:
        selector.register(line.socket, selectors.EVENT_READ, line)
    total = int(load.outlets * load.minutes)
    a_second = load.outlets / load.minute_s
    over: list[tuple[int, int, float]] = []
    began, sent, late = time.monotonic(), 0, 0.0
    while sent < total or any(line.acknowledged < line.sent for line in lines):
        now = time.monotonic()
        due = min(total, int((now - began) * a_second) + 1)
        late = max(late, (due - sent) / a_second)
        for number in range(sent, due):
            minute, outlet = divmod(number, load.outlets)
            minute_ms = load.first_minute_ms + minute * MINUTE_MS
            is_high = is_over(outlet, minute_ms, load.alert_cycle)
            lines[outlet % len(lines)].publish(mn_of(outlet), frames.payload(outlet, minute_ms, over=is_high))
            if is_high:
                over.append((outlet, minute_ms, time.monotonic()))
        sent = due
        _serve(lines, selector)
    return _result(lines, time.monotonic() - began, late, over)


def _serve(lines: Sequence[Line], selector: selectors.BaseSelector) -> None:
    for line in lines:
        line.write()
    for key, _ in selector.select(0.002):
        key.data.read()


def _result(lines: Sequence[Line], seconds: float, late: float, over: list[tuple[int, int, float]]) -> EvenlyLoaded:
    waits = np.array([wait for line in lines for wait in line.waits_ms])
    p50, p99, most = np.percentile(waits, [50, 99, 100]).tolist()
    return EvenlyLoaded(
        published=sum(line.sent for line in lines),
        acknowledged=sum(line.acknowledged for line in lines),
        seconds=seconds,
        late_s_max=late,
        puback_ms=(p50, p99, most),
        over=over,
    )


if __name__ == "__main__":
    done = publish_evenly(EvenLoad(**orjson.loads(sys.stdin.buffer.read())))
    sys.stdout.buffer.write(orjson.dumps(asdict(done)))
