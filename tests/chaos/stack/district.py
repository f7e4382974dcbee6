"""The district of a run on the whole stack: one configuration for each process of Outfall."""

import json
import secrets
from pathlib import Path
from typing import Any

from tests.chaos.district import CONFIG, judged, write_files
from tests.chaos.frames import monitors
from tests.chaos.publish import PLAN
from tests.chaos.stack.members import Member
from tests.chaos.stack.servers import BRIDGE, Servers

SESSION_S = 6.0
"""A worker that is silent for longer loses its partitions."""

PARTITIONS, PREFIX, BUCKET = 4, "chaos.", "first"


def passwords(count: int) -> dict[str, str]:
    """Of every monitor and the bridge, by name."""
    return {name: secrets.token_urlsafe(16) for name in (BRIDGE, *(monitor.mn for monitor in monitors(count)))}


def found(folder: Path, servers: Servers, secret_of: dict[str, str], *, rate: float, receiver_port: int) -> list[Member]:
    """Write everything into the folder; the processes to come: the bridge and two workers."""
    own = {name: secret for name, secret in secret_of.items() if name != BRIDGE}
    write_files(folder, len(own))
    _secret(folder / "bridge.secret", secret_of[BRIDGE])
    _secret(folder / "influx.secret", servers.influx.token)
    _secret(folder / "postgres.secret", servers.postgres.password)
    (folder / PLAN).write_text(json.dumps({"port": servers.mosquitto.port, "rate": rate, "secrets": own}))
    common = judged(receiver_port) | _shared(servers)
    members = [
        _member(folder, "bridge", ["intake"], common | {"intake": {"listeners": [], "bridges": [_bridge(servers)]}}),
        _member(folder, "worker-1", ["worker"], common),
        _member(folder, "worker-2", ["worker"], common),
    ]
    (folder / CONFIG).write_text((folder / "worker-1.json").read_text())  # what the checker judges by
    return members


def _shared(servers: Servers) -> dict[str, Any]:
    kafka, influx, postgres = servers.kafka, servers.influx, servers.postgres
    url = postgres.url().replace(f":{postgres.password}@", "@")
    return {
        "kafka": {"servers": kafka.servers, "partitions": PARTITIONS, "prefix": PREFIX, "session_s": SESSION_S},
        "database": {"url": url, "password_file": "postgres.secret"},
        "store": {"influx": {"url": influx.url, "org": influx.org, "bucket": BUCKET, "token_file": "influx.secret"}},
    }


def _bridge(servers: Servers) -> dict[str, Any]:
    host, port = servers.mosquitto.address
    return {"host": host, "port": port, "user": BRIDGE, "password_file": "bridge.secret", "client_id": BRIDGE}


def _member(folder: Path, name: str, roles: list[str], config: dict[str, Any]) -> Member:
    file = folder / f"{name}.json"
    member = Member(folder, name, file)
    kafka = {**config["kafka"], "worker": name}
    host = {"log": "kafka", "roles": roles, "tick_s": 0.2, "snapshot_s": 1.0, "status_s": 0.5}
    own = {"data": f"./data-{name}", "host": host, "kafka": kafka, "http": {"port": member.port}}
    file.write_text(json.dumps(config | own, indent=1))
    return member


def _secret(file: Path, secret: str) -> None:
    file.write_text(secret)
    file.chmod(0o600)
