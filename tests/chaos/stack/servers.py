"""The real servers of a run, each a private process on the loopback."""

import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.servers import Influx, Kafka, Mosquitto, Postgres, Server
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

    @property
    def all(self) -> tuple[Server, ...]:
        """Each of them."""
        return self.mosquitto, self.kafka, self.influx, self.postgres


@contextmanager
def running(folder: Path, secrets: dict[str, str]) -> Iterator[Servers]:
    """Start every server in a temporary directory of its own; they end with the block. `folder` takes who may log in."""
    with ExitStack() as stack:
        yield Servers(
            mosquitto=stack.enter_context(Mosquitto.running(conf=_conf(folder, secrets))),
            kafka=stack.enter_context(Kafka.running()),
            influx=stack.enter_context(Influx.running()),
            postgres=stack.enter_context(Postgres.running()),
        )


def _conf(folder: Path, secrets: dict[str, str]) -> str:
    """The shipped settings, with the places of this run; everybody's password in a file as mosquitto_passwd makes it."""
    passwords, acl = folder / "mosquitto.passwords", folder / "mosquitto.acl"
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
