"""The servers of `bench.stack` and the processes of Outfall on them: for each case a prefix, a database and a bucket."""

import csv
import json
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import psycopg

from bench._district import FACTORS, LIMITED, OUTLETS_OF_ENTERPRISE, REFERENCE_O2, mn_of
from bench._even_load import name_of
from bench._measure import peak_mib
from tests.bridge_rig import NAME, SECRETS, Broker
from tests.chaos.receiver import Receiver
from tests.chaos.stack.members import Member
from tests.servers import Influx, Kafka, Postgres
from tests.servers.kafka import FULL_SPEED
from tests.servers.process import family

CONNECTIONS, PARTITIONS = 8, 4
SECRET = "the load knows it"
RIGHTS = "".join(f"\nuser {name_of(n)}\ntopic write outfall/v1/+/up\n" for n in range(CONNECTIONS))
GAS = {"mediums": ["gas"]}
JUDGED = {
    "judging": {"future_max_s": 3600},  # the steady load is quicker than the clock
    "rules": [
        {"id": "early", "kind": "instant", "in_a_row": 1, "select": GAS},
        {"id": "hour", "kind": "exceedance", "select": GAS},
        {"id": "offline", "kind": "offline", "silence_s": 3600},
    ],
}


class Pages(Receiver):
    """The webhook. It notes when the first page on an outlet's minute came."""

    def __init__(self, folder: Path, secret: str) -> None:
        self.opened: dict[tuple[int, int], float] = {}  # (outlet, device minute) -> monotonic s
        self.count = 0
        super().__init__(folder, secret)

    def note(self, page_id: str, body: dict[str, Any], *, signed: bool) -> None:
        """Write a request down."""
        subject = body["subject"]
        if subject["step"] == "opened" and subject["kind"] == "instant":
            self.opened.setdefault((int(subject["outlet"].split()[-1]), subject["start_ms"]), time.monotonic())
        self.count += 1
        super().note(page_id, body, signed=signed)


@dataclass(frozen=True, kw_only=True)
class Servers:
    """All of them, ready, and the webhook."""

    folder: Path
    broker: Broker
    kafka: Kafka
    influx: Influx
    postgres: Postgres
    pages: Pages

    @classmethod
    @contextmanager
    def running(cls, folder: Path) -> Iterator[Self]:
        """Private processes; they end with the block."""
        secrets = dict.fromkeys(map(name_of, range(CONNECTIONS)), SECRET)
        with ExitStack() as stack:
            pages = Pages(folder, SECRET)
            stack.callback(pages.close)
            yield cls(
                folder=folder,
                broker=stack.enter_context(Broker.running(secrets=secrets, acl=RIGHTS)),
                kafka=stack.enter_context(Kafka.running(jvm=FULL_SPEED)),
                influx=stack.enter_context(Influx.running()),
                postgres=stack.enter_context(Postgres.running()),
                pages=pages,
            )

    def peaks(self) -> dict[str, int]:
        """Peak memory by server, MiB; PostgreSQL's is the sum over its processes, which share some of it."""
        servers = (self.broker, self.kafka, self.influx, self.postgres)
        return {one.name: round(sum(map(peak_mib, family(one.pid)))) for one in servers}


@dataclass(frozen=True, kw_only=True)
class Case:
    """A cluster of its own on the servers: its processes do not run yet."""

    servers: Servers
    prefix: str
    bucket: str
    database: str
    bridge: Member
    workers: Sequence[Member]

    @classmethod
    @contextmanager
    def made(cls, servers: Servers, outlets: int, workers: int) -> Iterator[Self]:
        """With files, database and bucket; at the end of the block its processes are stopped."""
        folder = servers.folder / f"workers-{workers}"
        write_register(folder / "registry", outlets)
        token, password = servers.influx.token, servers.postgres.password
        for name, secret in {"influx": token, "postgres": password, "bridge": SECRETS[NAME], "page": SECRET}.items():
            (folder / name).write_text(secret)
            (folder / name).chmod(0o600)
        with ExitStack() as stack:
            database = stack.enter_context(servers.postgres.database())
            bucket = stack.enter_context(servers.influx.fresh_bucket())
            prefix = f"bench{workers}."
            common = JUDGED | _shared(servers, database, bucket, prefix)
            bridges = {"listeners": [], "bridges": [_bridge(servers)]}
            case = cls(
                servers=servers,
                prefix=prefix,
                bucket=bucket,
                database=database,
                bridge=_member(folder, "bridge", "intake", common | {"intake": bridges}),
                workers=[_member(folder, f"w{n + 1}", "worker", common) for n in range(workers)],
            )
            for member in (case.bridge, *case.workers):
                stack.callback(member.stop)
            yield case

    def total(self, metric: str, members: Iterable[Member] | None = None) -> float:
        """Of all workers, over all labels that follow; 0 while one does not answer."""
        try:
            told = [member.metrics() for member in members or self.workers]
        except OSError:
            return 0.0
        return sum(value for found in told for name, value in found.items() if name.startswith(metric))

    def pages_wait(self) -> bool:
        """Is a page waiting?"""
        with psycopg.connect(self.database) as database:
            found = database.execute("select 1 from outbox where state in ('waiting', 'sending') limit 1").fetchone()
        return found is not None

    def stored(self) -> int:
        """Readings that are in InfluxDB."""
        flux = (
            f'from(bucket: "{self.bucket}") |> range(start: -30d, stop: 30d)'
            ' |> filter(fn: (r) => r._measurement == "reading" and r._field == "value") |> count() |> group() |> sum()'
        )
        with self.servers.influx.client() as client:
            return sum(row.get_value() for table in client.query_api().query(flux) for row in table.records)

    def peaks(self) -> dict[str, int]:
        """Peak memory by process of Outfall, MiB."""
        return {member.name: round(peak_mib(member.pid)) for member in (self.bridge, *self.workers)}


def start(members: Sequence[Member]) -> None:
    """Start them at once and wait until each is ready; RuntimeError where one is not in time."""
    for member in members:
        member.start_soon()
    deadline = time.monotonic() + members[0].ready_s
    while not all(_is_ready(member) for member in members):
        if time.monotonic() > deadline or any(member.has_ended() is not None for member in members):
            raise RuntimeError("\n".join(f"{member.name} is not ready: {member.log_tail()}" for member in members))
        time.sleep(0.1)


def stop(members: Sequence[Member]) -> None:
    """End them in order, all at the same time."""
    threads = [threading.Thread(target=member.stop) for member in members]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def write_register(folder: Path, outlets: int) -> None:
    """The district of `bench._district` as files."""
    folder.mkdir(parents=True)
    _write(folder / "enterprises.csv", ["id"], ([f"e{n}"] for n in range(-(-outlets // OUTLETS_OF_ENTERPRISE))))
    _write(
        folder / "outlets.csv",
        ["id", "enterprise", "name", "medium"],
        ([f"s{n}", f"e{n // OUTLETS_OF_ENTERPRISE}", f"Stack {n}", "gas"] for n in range(outlets)),
    )
    _write(
        folder / "monitors.csv",
        ["mn", "outlet", "realtime_s", "minute_min"],
        ([mn_of(n), f"s{n}", "60", "1"] for n in range(outlets)),
    )
    _write(folder / "factors.csv", ["outlet", "factor"], ([f"s{n}", code] for n in range(outlets) for code in FACTORS))
    _write(
        folder / "limits.csv",
        ["outlet", "factor", "averaging", "ceiling", "basis", "reference_o2"],
        ([f"s{n}", code, "hour", top, "converted", REFERENCE_O2] for n in range(outlets) for code, top in LIMITED),
    )


def _write(file: Path, columns: list[str], rows: Iterable[list[Any]]) -> None:
    with file.open("w", newline="") as opened:
        csv.writer(opened).writerows([columns, *rows])


def _shared(servers: Servers, database: str, bucket: str, prefix: str) -> dict[str, Any]:
    influx = servers.influx
    webhook = {
        "name": "room", "kind": "webhook", "url": f"http://127.0.0.1:{servers.pages.port}/page", "secret_file": "page",
    }  # fmt: skip
    return {
        "registry": ["registry"],
        "kafka": {"servers": servers.kafka.servers, "partitions": PARTITIONS, "prefix": prefix},
        "database": {"url": database.replace(f":{servers.postgres.password}@", "@"), "password_file": "postgres"},
        "store": {"influx": {"url": influx.url, "org": influx.org, "bucket": bucket, "token_file": "influx"}},
        "duty": {
            "people": [{"id": "li", "name": "Li", "lang": "en"}],
            "shifts": [{"id": "all", "squads": [["li"]], "anchor": "2026-01-01 08:00", "turn_h": 24}],
            "channels": [webhook],
        },
    }


def _bridge(servers: Servers) -> dict[str, Any]:
    host, port = servers.broker.address
    return {"host": host, "port": port, "user": NAME, "password_file": "bridge", "client_id": NAME}


def _member(folder: Path, name: str, role: str, config: dict[str, Any]) -> Member:
    file = folder / f"{name}.json"
    member = Member(folder, name, file)
    own = {"data": f"./data-{name}", "host": {"log": "kafka", "roles": [role]}, "http": {"port": member.port}}
    file.write_text(json.dumps(config | own | {"kafka": {**config["kafka"], "worker": name}}, indent=1))
    return member


def _is_ready(member: Member) -> bool:
    try:
        return member.answers()
    except OSError:
        return False
