"""A bridge on a real log and a real Mosquitto with the file that comes with Outfall."""

import asyncio
import subprocess
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, Self

from engine.duty.settings import Secret
from engine.intake.bridge.bridge import Bridge
from engine.intake.bridge.history import Station
from engine.intake.bridge.memory import Memory, memories
from engine.intake.bridge.settings import BridgeSettings
from engine.intake.settings import IntakeSettings
from engine.log.api import FrameLog
from engine.log.sqlite import SqliteLog
from tests.intake_rig import MN, OTHER, RawClient, partition_of, rows_of
from tests.servers import Mosquitto
from tests.servers.programs import program

SHIPPED = Path(__file__).parent.parent / "docker" / "mosquitto"
NAME = "outfall-bridge"
SECRETS = {name: f"secret-of-{name}" for name in (NAME, "outfall-doctor", MN, OTHER)}
STATIONS = (Station(mn=MN, system="32"), Station(mn=OTHER, system="31"))


def shipped_conf(changed: Mapping[str, str] | None = None) -> str:
    """docker/mosquitto/mosquitto.conf for `Mosquitto`: port and paths of its own, and lines that a test changes."""
    own = {
        "listener": "{port} 127.0.0.1",
        "password_file": "{folder}/passwords",
        "acl_file": "{folder}/acl",
        "persistence_location": "{folder}/",
        **(changed or {}),
    }
    lines = (SHIPPED / "mosquitto.conf").read_text().splitlines()
    words = [line.partition(" ")[0] for line in lines]
    assert set(own) <= set(words), "a line that the shipped file has not"
    return "\n".join(f"{w} {own[w]}" if w in own else line for w, line in zip(words, lines, strict=True)) + "\n"


class Broker(Mosquitto):
    """Mosquitto with the shipped files. Bridge, doctor and two monitors have passwords; more can be given."""

    def __init__(
        self,
        folder: Path,
        *,
        changed: Mapping[str, str] | None = None,
        secrets: Mapping[str, str] | None = None,
        acl: str = "",
    ) -> None:
        self.secrets = {**SECRETS, **(secrets or {})}
        self._acl = acl
        super().__init__(folder, conf=shipped_conf(changed))

    def prepare(self) -> None:
        """Passwords as its own program makes them, and the shipped rights."""
        super().prepare()
        passwords = self.folder / "passwords"
        passwords.write_text("".join(f"{name}:{secret}\n" for name, secret in self.secrets.items()))
        passwords.chmod(0o600)
        subprocess.run([program("mosquitto_passwd"), "-U", str(passwords)], check=True)
        (self.folder / "acl").write_text((SHIPPED / "acl").read_text() + self._acl)

    def bridge(self, **changed: Any) -> BridgeSettings:
        """Settings of a bridge to it."""
        given = {
            "client_id": NAME,
            "user": NAME,
            "password": Secret(self.secrets[NAME]),
            "port": self.port,
            "reconnect_s_max": 0.5,
        }
        return BridgeSettings(**{**given, **changed})

    def client(self, name: str = MN, **connect: object) -> RawClient:
        """A monitor that is logged in."""
        client = RawClient(self.port)
        assert client.connect(name, self.secrets[name], **connect).code == 0
        return client


class Held:
    """A log that takes nothing until `let_go`."""

    def __init__(self, log: FrameLog) -> None:
        self._log = log
        self._open = threading.Event()

    def let_go(self) -> None:
        self._open.set()

    async def append_frames(self, partition: int, rows: list[tuple[str, str, bytes]]) -> Any:
        while not self._open.is_set():
            await asyncio.sleep(0.005)
        return await self._log.append_frames(partition, rows)


class Rig:
    """A bridge on a thread of its own."""

    def __init__(
        self,
        data: Path,
        log: FrameLog,
        settings: BridgeSettings,
        intake: IntakeSettings,
        stations: Callable[[], Sequence[Station]],
        restored_ms: int,
    ) -> None:
        self.folder = data / "bridges"
        self.bridge = Bridge(settings, intake, log, partition_of, stations, self.folder, restored_ms=restored_ms)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)

    def __enter__(self) -> Self:
        self._thread.start()
        self._run(self.bridge.start)
        return self

    def __exit__(self, *_: object) -> None:
        self._run(self.bridge.stop)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
        assert self.bridge.failure is None

    @property
    def counts(self) -> dict[str, int]:
        return self.bridge.counts

    @property
    def memory(self) -> Memory:
        """What the file says now."""
        return next(memories(self.folder))

    def _run(self, make: Callable[[], Any]) -> None:
        asyncio.run_coroutine_threadsafe(make(), self._loop).result(20)


@contextmanager
def bridging(
    log: FrameLog,
    data: Path,
    settings: BridgeSettings,
    *,
    stations: Sequence[Station] = (),
    restored_ms: int = 0,
    **intake: Any,
) -> Iterator[Rig]:
    """A running bridge on a log."""
    with Rig(data, log, settings, replace(IntakeSettings(stop_s_max=5.0), **intake), lambda: stations, restored_ms) as rig:
        yield rig


def payloads(log: SqliteLog) -> list[bytes]:
    """Everything in the log, partition by partition."""
    return [payload for _, _, payload in rows_of(log)]
