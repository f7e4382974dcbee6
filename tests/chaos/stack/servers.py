"""The real servers of a run, each a private process on the loopback."""

import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.servers import Influx, Kafka, Mosquitto, Postgres
from tests.servers.programs import program

SHIPPED = Path(__file__).parents[3] / "docker" / "mosquitto" / "mosquitto.conf"
BRIDGE = "outfall-bridge"


@dataclass(frozen=True, kw_only=True)
class Servers:
    """All of them, ready."""

    mosquitto: Mosquitto
    kafka: Kafka
    influx: Influx
    postgres: Postgres


@contextmanager
def running(folder: Path, secrets: dict[str, str]) -> Iterator[Servers]:
    """Start every server in a directory of its own under `folder`; they end with the block."""
    with ExitStack() as stack:
        started = Servers(
            mosquitto=Mosquitto(_made(folder / "mosquitto"), conf=_conf(folder / "mosquitto", secrets)),
            kafka=Kafka(_made(folder / "kafka")),
            influx=Influx(_made(folder / "influx")),
            postgres=Postgres(_made(folder / "postgres")),
        )
        for server in (started.mosquitto, started.kafka, started.influx, started.postgres):
            stack.callback(server.stop)
            server.start()
        yield started


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True)
    return folder


def _conf(folder: Path, secrets: dict[str, str]) -> str:
    """The shipped settings, with the places of this run; everybody's password in a file as mosquitto_passwd makes it."""
    passwords, acl = folder / "passwords", folder / "acl"
    passwords.write_text("".join(f"{name}:{secret}\n" for name, secret in secrets.items()))
    subprocess.run([program("mosquitto_passwd"), "-U", str(passwords)], check=True)
    acl.write_text(
        f"user {BRIDGE}\ntopic read outfall/v1/+/up\ntopic write outfall/v1/+/down\n\n"
        "pattern write outfall/v1/%u/up\npattern read outfall/v1/%u/down\n"
    )
    return placed(SHIPPED.read_text("utf-8"), {"password_file": str(passwords), "acl_file": str(acl)})


def placed(conf: str, places: dict[str, str]) -> str:
    """A configuration with other values for some words, and with the listener and directory of the test's server."""
    own = {"listener": "{port} 127.0.0.1", "persistence_location": "{folder}/", **places}
    kept = [line for line in conf.splitlines() if line.split(" ")[0] not in own]
    return "\n".join([*(f"{word} {value}" for word, value in own.items()), *kept]) + "\n"
