"""`influx.py`: the first start of InfluxDB: organisation, bucket, and tokens that can do no more than they must.

Runs at every `docker compose up`, after InfluxDB answers; does nothing where all is there. Outfall's token reads and writes
the one bucket, Grafana's reads it. The operator's token and password stay in a volume that only this service mounts.
"""

import json
import os
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from secret_files import made_once, write  # isort: skip

OUTFALL, GRAFANA, ROOT = 10001, 472, 0
OPERATOR = "operator"
WAIT_S = 120.0


class Influx:
    """The API of one InfluxDB 2, with the operator's token."""

    def __init__(self, url: str, token: str) -> None:
        self._url = url.rstrip("/")
        self._token = token

    def call(self, path: str, content: Any = None, *, token: bool = True) -> Any:
        """GET, or POST with content; the answer's JSON. HTTPError with the server's words in its `reason`."""
        body = None if content is None else json.dumps(content).encode()
        headers = {"Content-Type": "application/json"}
        if token:
            headers["Authorization"] = f"Token {self._token}"
        request = urllib.request.Request(self._url + path, data=body, headers=headers)
        try:
            with urllib.request.urlopen(request, timeout=20) as answer:
                return json.loads(answer.read() or b"null")
        except urllib.error.HTTPError as error:
            words = error.read(1000).decode("utf-8", "replace")
            raise RuntimeError(f"{path}: expected 2xx, got {error.code}: {words}") from error

    def wait(self) -> None:
        """Until it answers, at most WAIT_S."""
        until = time.monotonic() + WAIT_S
        while True:
            try:
                self.call("/health", token=False)
                return
            except (OSError, RuntimeError) as error:
                if time.monotonic() > until:
                    raise RuntimeError(f"{self._url}: no InfluxDB within {WAIT_S:.0f} s: {error}") from error
            time.sleep(0.5)


def first_start(url: str, secrets: Path, org: str, bucket: str) -> list[str]:
    """Make what is missing; says what was made."""
    token = made_once(secrets / "influx/token", ROOT)
    password = made_once(secrets / "influx/password", ROOT)
    server, made = Influx(url, token), list[str]()
    server.wait()
    if server.call("/api/v2/setup", token=False)["allowed"]:
        account = {"username": OPERATOR, "password": password, "org": org, "bucket": bucket, "token": token}
        server.call("/api/v2/setup", {**account, "retentionPeriodSeconds": 0}, token=False)
        made.append(f"organisation {org}, bucket {bucket}")
    readers = (("outfall/influx", OUTFALL, ("read", "write")), ("grafana/influx", GRAFANA, ("read",)))
    for name, owner, acts in readers:
        if not (secrets / name).exists():
            write(secrets / name, token_for(server, name, org, bucket, acts) + "\n", owner)
            made.append(f"token of {name.partition('/')[0]}: {', '.join(acts)}")
    return made


def token_for(server: Influx, name: str, org: str, bucket: str, acts: tuple[str, ...]) -> str:
    """A new token that may do these things with the bucket, and see that it is there; nothing else."""
    org_id = server.call(f"/api/v2/orgs?org={org}")["orgs"][0]["id"]
    found = server.call(f"/api/v2/buckets?org={org}&name={bucket}")["buckets"][0]["id"]
    resource = {"type": "buckets", "orgID": org_id, "id": found}
    permissions = [{"action": act, "resource": resource} for act in acts]
    answer = server.call("/api/v2/authorizations", {"description": name, "orgID": org_id, "permissions": permissions})
    return str(answer["token"])


def main() -> int:
    """Run as the one-shot service `influx-setup`."""
    secrets = Path(os.environ.get("OUTFALL_SECRETS", "/secrets"))
    url = os.environ.get("INFLUX_URL", "http://influxdb:8086")
    try:
        made = first_start(url, secrets, os.environ.get("INFLUX_ORG", "outfall"), os.environ.get("INFLUX_BUCKET", "outfall"))
    except RuntimeError as error:
        print(f"influx: {error}", file=sys.stderr)
        return 1
    print("influx: " + ("; ".join(made) or "all there"))
    return 0


if __name__ == "__main__":
    sys.exit(main())
