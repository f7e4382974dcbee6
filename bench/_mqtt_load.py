"""A process that publishes QoS 1 as fast as it is acknowledged: raw sockets, packets made beforehand."""

import selectors
import socket
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from engine.intake.topics import up
from sensors.hj212.encode import encode_data
from sensors.mqtt.build import build
from sensors.mqtt.packets import Connect, Publish, Version

FACTORS = ("w01018", "w21003", "w21011")  # COD, NH3-N, TP
PACKETS = 500
"""Packets a connection has ready; it sends them over and over."""

FIRST_MS = 1_704_067_200_000  # 2024-01-01


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """What one run puts on the endpoint."""

    port: int
    logins: Sequence[tuple[str, str]]  # MN and secret, one connection each
    window: int  # messages sent and not acknowledged yet, per connection
    seconds: float
    warm_s: float = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """What came of it."""

    acknowledged: int  # in the measured time
    all_acknowledged: int  # with the time before and after it
    seconds: float
    p50_ms: float  # from the write of a message to its PUBACK
    p99_ms: float
    frame_bytes: float  # mean


def frame(mn: str, no: int) -> bytes:
    """A minute frame of a wastewater outlet: three factors, about 300 bytes."""
    value = 20 + no % 97 / 10
    items = [(c, {"Min": f"{value - 1:.1f}", "Avg": f"{value:.1f}", "Max": f"{value + 2:.1f}"}) for c in FACTORS]
    at_ms = FIRST_MS + no * 60_000
    return encode_data(mn, 2051, at_ms, [(code, {**fields, "Flag": "N"}) for code, fields in items], qn_ms=at_ms)


class Sender:
    """One connection."""

    def __init__(self, port: int, mn: str, secret: str, window: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        hello = Connect(version=Version.V311, client_id=mn, username=mn, password=secret.encode(), keep_alive_s=0)
        self.socket.sendall(build(hello, Version.V311))
        if (answer := self.socket.recv(4)) != b"\x20\x02\x00\x00":
            raise ConnectionError(f"{mn}: expected to be let in, got CONNACK {answer.hex()}")
        packets = [build(Publish(up(mn), frame(mn, n), 1, n + 1), Version.V311) for n in range(PACKETS)]
        self._bytes = memoryview(b"".join(packets))
        self._ends = [0, *np.cumsum([len(packet) for packet in packets]).tolist()]
        self._next = 0
        self._free = window
        self._sent = 0
        self.acknowledged = 0
        self._under_way: deque[tuple[int, float]] = deque()  # (messages sent so far, when)

    def send(self) -> None:
        """As much as the window allows."""
        while self._free:
            stop = min(PACKETS, self._next + self._free)
            self._free -= stop - self._next
            self._sent += stop - self._next
            self._under_way.append((self._sent, time.perf_counter()))
            self.socket.sendall(self._bytes[self._ends[self._next] : self._ends[stop]])
            self._next = stop % PACKETS

    def receive(self, latencies: list[float]) -> None:
        """Count PUBACKs, four bytes each."""
        data = self.socket.recv(65536)
        if not data:
            raise ConnectionError("the endpoint closed a connection under load")
        while len(data) % 4:
            data += self.socket.recv(4 - len(data) % 4)
        if data[::4].strip(b"\x40") or data[1::4].strip(b"\x02"):
            raise ConnectionError(f"expected nothing but PUBACKs, got {data[:16].hex()}")
        self.acknowledged += len(data) // 4
        self._free += len(data) // 4
        now = time.perf_counter()
        while self._under_way and self._under_way[0][0] <= self.acknowledged:
            latencies.append(now - self._under_way.popleft()[1])


def run(load: Load) -> Loaded:
    """Connect, warm up, measure, wait for the last PUBACK, leave."""
    senders = [Sender(load.port, mn, secret, load.window) for mn, secret in load.logins]
    latencies: list[float] = []
    with selectors.DefaultSelector() as selector:
        for sender in senders:
            selector.register(sender.socket, selectors.EVENT_READ, sender)
            sender.send()
        turn(selector, load.warm_s, latencies, send=True)
        latencies.clear()
        before, start = sum(s.acknowledged for s in senders), time.perf_counter()
        turn(selector, load.seconds, latencies, send=True)
        acknowledged, seconds = sum(s.acknowledged for s in senders) - before, time.perf_counter() - start
        turn(selector, 2.0, [], send=False)
    for sender in senders:
        sender.socket.close()
    p50, p99 = np.percentile(latencies, [50, 99]) * 1000
    return Loaded(
        acknowledged=acknowledged,
        all_acknowledged=sum(s.acknowledged for s in senders),
        seconds=seconds,
        p50_ms=float(p50),
        p99_ms=float(p99),
        frame_bytes=float(np.mean([len(frame(load.logins[0][0], n)) for n in range(PACKETS)])),
    )


def turn(selector: selectors.BaseSelector, seconds: float, latencies: list[float], *, send: bool) -> None:
    """Serve every socket that has something, for that long; without sending, until nothing comes any more."""
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        ready = selector.select(0.25)
        for key, _ in ready:
            key.data.receive(latencies)
            if send:
                key.data.send()
        if not ready and not send:
            return
