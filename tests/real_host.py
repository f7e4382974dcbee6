"""`outfall run` as a process of its own: a configuration, its ports, a client that publishes, questions over HTTP."""

import json
import re
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import paho.mqtt.client as mqtt

from engine.cli.main import run
from sensors.hj212.encode import seal
from sensors.hj212.times import data_time

MN = "010000A8900016F000169DC0"


@dataclass(slots=True, kw_only=True)
class RealHost:
    """A running process. What it said on standard error so far is in `said`."""

    process: subprocess.Popen[str]
    port: int
    http: str
    said: list[str] = field(default_factory=list)

    def get(self, path: str, token: str = "") -> str:
        """The body of an answer, whatever its status."""
        request = urllib.request.Request(f"http://{self.http}{path}", headers={"Authorization": f"Bearer {token}"})
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                body: bytes = answer.read()
        except urllib.error.HTTPError as error:
            body = error.read()
        return body.decode()


def made(folder: Path, capsys: object, more: str = "") -> tuple[Path, str]:
    """A configuration on free ports, and the password of its first monitor. `more` goes to its end."""
    assert run(["init", str(folder), "--json"], {}) == 0
    password = json.loads(capsys.readouterr().out)["credentials"][0]["password"]  # type: ignore[attr-defined]
    config = folder / "config.yaml"
    text = config.read_text("utf-8").replace("port: 1883}", "port: 0}")
    config.write_text(f"{text}\nhttp: {{port: 0}}\n{more}", "utf-8")
    return config, password


@contextmanager
def running(config: Path) -> Iterator[RealHost]:
    """From when it listens until it ends: by Ctrl-C, unless it was killed before."""
    command = [sys.executable, "-m", "engine.cli", "run", "-c", str(config), "--json"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    said: list[str] = []
    try:
        host = _listening(process, said)
        rest = threading.Thread(target=said.extend, args=[process.stderr])
        rest.start()
        yield host
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
        process.wait(30)
        rest.join(10)


def _listening(process: subprocess.Popen[str], said: list[str]) -> RealHost:
    assert process.stderr is not None
    http = ""
    for line in process.stderr:
        said.append(line)
        if found := re.search(r"HTTP endpoint listens on (127\.0\.0\.1:\d+)", line):
            http = found[1]
        if found := re.search(r"MQTT intake listens on 127\.0\.0\.1:(\d+)", line):
            return RealHost(process=process, port=int(found[1]), http=http, said=said)
    raise AssertionError("".join(said))


def publish(port: int, password: str, payloads: Sequence[bytes], mn: str = MN) -> None:
    """Publish with QoS 1 and wait for every acknowledgement."""
    client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, client_id=mn)
    client.username_pw_set(mn, password)
    client.connect("127.0.0.1", port)
    client.loop_start()
    for payload in payloads:
        client.publish(f"outfall/v1/{mn}/up", payload, qos=1).wait_for_publish(10)
    client.disconnect()
    client.loop_stop()


def means(values: Sequence[float], mn: str = MN) -> list[bytes]:
    """Ten-minute means of COD, the last of them the present one; over 40 mg/L they are over the permit."""
    now = time.time_ns() // 1_000_000 // 600_000 * 600_000
    head = f"ST=32;CN=2051;PW=123456;MN={mn};Flag=5;CP=&&"
    starts = [now - n * 600_000 for n in range(len(values), 0, -1)]
    return [
        seal(f"{head}DataTime={data_time(ms)};w01018-Avg={value:.1f},w01018-Flag=N&&")
        for ms, value in zip(starts, values, strict=True)
    ]
