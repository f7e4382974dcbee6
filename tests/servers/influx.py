"""InfluxDB 2: set up with an organisation, a user and a token that are always the same."""

import json
import signal
import urllib.error
import urllib.request
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from influxdb_client import InfluxDBClient

from tests.servers.process import HOST, Server
from tests.servers.programs import program

ORG, TOKEN, FIRST_BUCKET = "epb", "token-of-the-tests", "first"


class Influx(Server):
    """One server. `flags` are influxd's own, for example ["--storage-cache-max-memory-size=1000"]."""

    name = "influxd"
    stop_with = signal.SIGINT  # in order; SIGTERM ends it at once
    org, token = ORG, TOKEN

    def __init__(self, folder: Path, *, flags: Sequence[str] = ()) -> None:
        self._flags = list(flags)
        super().__init__(folder)

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://{HOST}:{self.port}"

    def command(self) -> list[str]:
        """No UI, no reports to anybody."""
        paths = [f"--{part}-path={self.folder / part}" for part in ("bolt", "sqlite", "engine")]
        quiet = ["--reporting-disabled", "--ui-disabled", "--log-level=warn"]
        return [program("influxd"), "run", f"--http-bind-address={HOST}:{self.port}", *paths, *quiet, *self._flags]

    def answers(self) -> bool:
        """Healthy, and set up."""
        with urllib.request.urlopen(f"{self.url}/health", timeout=5) as answer:
            if json.load(answer)["status"] != "pass":
                return False
        self._set_up()
        return True

    def client(self, token: str = TOKEN) -> InfluxDBClient:
        """The real client, with all rights unless another token is given."""
        return InfluxDBClient(self.url, token, org=ORG)

    @contextmanager
    def fresh_bucket(self) -> Iterator[str]:
        """The name of a new bucket; it is gone with the block."""
        name = f"test-{uuid.uuid4().hex[:12]}"
        with self.client() as client:
            made = client.buckets_api().create_bucket(bucket_name=name, org=ORG)
            try:
                yield name
            finally:
                client.buckets_api().delete_bucket(made)

    def _set_up(self) -> None:
        user = {"username": "admin", "password": "password-of-the-tests"}
        body = json.dumps({**user, "org": ORG, "bucket": FIRST_BUCKET, "token": TOKEN}).encode()
        request = urllib.request.Request(f"{self.url}/api/v2/setup", body, {"Content-Type": "application/json"})
        try:
            with urllib.request.urlopen(request, timeout=10):
                pass
        except urllib.error.HTTPError as error:
            if error.code != 422:  # it has been set up
                raise
