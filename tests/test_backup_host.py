"""A backup of a real host under load, kill -9, restored elsewhere: nothing is lost, and no page leaves twice unmarked."""

import asyncio
import json
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import paho.mqtt.client as mqtt
import pytest
from aiohttp import web
from pysqlite3 import dbapi2 as sqlite

from engine.cli.main import run
from rules.alert_json import event_to_json
from sensors.hj212.encode import seal
from tests.chaos.logfile import rows, taken_apart
from tests.chaos.undisturbed import undisturbed
from tests.duty_receiver import Receiver, listening, ok
from tests.http_host import STAGES, account, total, values_in
from tests.real_host import MN, RealHost, means, publish, running

KEY = "webhook-key-0815"
OTHER = "010000A8900016F000169DC1"


@contextmanager
def receiving() -> Iterator[Receiver]:
    """A receiver of pages on a thread of its own."""
    receiver = Receiver(KEY)
    begun, over = threading.Event(), asyncio.Event()
    loops: list[asyncio.AbstractEventLoop] = []

    async def main() -> None:
        async with listening(receiver):
            loops.append(asyncio.get_running_loop())
            begun.set()
            await over.wait()

    thread = threading.Thread(target=lambda: asyncio.run(main()))
    thread.start()
    assert begun.wait(10)
    try:
        yield receiver
    finally:
        loops[0].call_soon_threadsafe(over.set)
        thread.join(10)


class Load:
    """Publishes frames, each of them different, as fast as they are acknowledged; notes what was."""

    def __init__(self, port: int, password: str) -> None:
        self.acknowledged: list[bytes] = []
        self._sent: dict[int, bytes] = {}
        self._stop = threading.Event()
        self._client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, client_id=MN)
        self._client.username_pw_set(MN, password)
        self._client.on_publish = lambda client, userdata, mid, *_: self.acknowledged.append(self._sent[mid])
        self._client.connect("127.0.0.1", port)
        self._client.loop_start()
        self._thread = threading.Thread(target=self._publish)
        self._thread.start()

    def _publish(self) -> None:
        number = 0
        while not self._stop.is_set():
            number += 1
            head = f"QN=20260301{number:09d};ST=32;CN=2011;PW=123456;MN={MN};Flag=5;CP=&&"
            payload = seal(f"{head}DataTime=20260301000000;w01018-Rtd={number}.0,w01018-Flag=N&&")
            info = self._client.publish(f"outfall/v1/{MN}/up", payload, qos=1)
            self._sent[info.mid] = payload
            if number % 20 == 0:
                self._stop.wait(0.02)

    def stop(self) -> None:
        """No more; nothing is sent again."""
        self._stop.set()
        self._thread.join(10)
        self._client.loop_stop()


def configured(folder: Path, url: str, capsys: pytest.CaptureFixture[str]) -> tuple[Path, dict[str, str]]:
    """A configuration that pages by webhook, and the passwords of its monitors."""
    assert run(["init", str(folder), "--json"], {}) == 0
    given = json.loads(capsys.readouterr().out)["credentials"]
    (folder / "webhook").write_text(KEY)
    (folder / "webhook").chmod(0o600)
    config = folder / "config.yaml"
    text = config.read_text("utf-8").replace("port: 1883}", "port: 0}")
    hook = f"{{name: hook, kind: webhook, url: '{url}', secret_file: webhook}}"
    text = text.replace("    - {name: screen, kind: terminal}\n", f"    - {hook}\n")
    config.write_text(f"{text}\nhttp: {{port: 0}}\nhost: {{snapshot_s: 0.5}}\n", "utf-8")
    return config, {row["login"]: row["password"] for row in given}


def wait_until(true: Callable[[], bool], seconds: float = 60.0) -> None:
    """Ask ten times a second."""
    pause = threading.Event()
    for _ in range(round(seconds * 10)):
        if true():
            return
        pause.wait(0.1)
    raise AssertionError("it did not come to pass")


def at_rest(host: RealHost) -> bool:
    """Nothing waits: no record, no page."""
    values = values_in(host.get("/metrics"))
    waits = total(values, "outfall_stage_lag_records") + total(values, "outfall_outbox_unsent")
    return not waits and all(given == done for given, done in (account(values, stage) for stage in STAGES))


def outbox(folder: Path) -> dict[str, str]:
    """Page id -> state."""
    with sqlite.connect(f"file:{folder / 'data/core.db'}?mode=ro", uri=True) as database:
        return dict(database.execute("select page_id, state from outbox"))


def events(folder: Path) -> dict[tuple[str, int], Any]:
    """(alert, step) -> the event as it was written down."""
    with sqlite.connect(f"file:{folder / 'data/core.db'}?mode=ro", uri=True) as database:
        found = database.execute("select alert_id, seq, body from alert_event")
        return {(alert, seq): json.loads(body) for alert, seq, body in found}


def busy(_: int) -> web.StreamResponse:
    """The receiver is there, and takes nothing."""
    return web.json_response({}, status=503)


def test_a_backup_under_load_holds_what_was_acknowledged_and_its_restoration_goes_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file, new = tmp_path / "backup.tar.zst", tmp_path / "new"
    with receiving() as receiver:
        config, passwords = configured(tmp_path / "old", receiver.url, capsys)
        with running(config) as host:
            publish(host.port, passwords[MN], means([95.0] * 3))
            wait_until(lambda: len(receiver.pages) == 2 and at_rest(host))
            receiver.answer = busy
            publish(host.port, passwords[OTHER], means([950.0] * 3, OTHER), OTHER)
            wait_until(lambda: len(receiver.pages) > 2)
            load = Load(host.port, passwords[MN])
            wait_until(lambda: len(load.acknowledged) > 300)
            before = set(load.acknowledged)
            done = backed_up(config, file)
            assert len(load.acknowledged) > len(before)
            receiver.answer = ok
            wait_until(lambda: sum(state == "delivered" for state in outbox(tmp_path / "old").values()) > 2)
            host.process.kill()
            load.stop()
        assert run(["restore", str(file), "--to", str(new), "--json"], {}) == 0
        told = json.loads(capsys.readouterr().out)
        assert told["at_ms"] == done["at_ms"]

        delivered = {page for page, state in outbox(new).items() if state == "delivered"}
        seen = len(receiver.keys)
        with running(Path(told["config"])) as restored:
            wait_until(lambda: at_rest(restored))
            publish(restored.port, passwords[MN], means([95.0] * 3))
            wait_until(lambda: at_rest(restored))

    held = {payload for row in rows(new) if row.kind == b"F" for payload in taken_apart(row.body).payload}
    assert before <= held
    expected = undisturbed(new)
    assert events(new) == {key: json.loads(json.dumps(event_to_json(event))) for key, event in expected.events.items()}
    assert outbox(new).keys() == expected.pages
    assert set(outbox(new).values()) == {"delivered"}
    assert len(delivered) == 2
    again = set(receiver.keys[seen:])
    assert again == outbox(new).keys() - delivered
    assert all(body["resend"] for body in receiver.bodies[seen:])


def backed_up(config: Path, file: Path) -> dict[str, Any]:
    """What `outfall backup` says, run as a process of its own."""
    command = [sys.executable, "-m", "engine.cli", "backup", "-c", str(config), "--with-secrets", str(file), "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    found: dict[str, Any] = json.loads(done.stdout)
    return found
