"""A cluster of real processes on a real broker and a real PostgreSQL: workers come, go, freeze and wake up."""

import contextlib
import json
import re
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from engine.log.api import Stored
from engine.log.kafka.log import KafkaLog
from engine.log.kafka.settings import KafkaSettings
from engine.log.kafka.topics import Retention
from engine.log.log_time import tick_body
from engine.log.record import Record, RecordKind, Topic
from sensors.registry import Registry
from tests.contract_world import CONFIG, PARTITIONS, Said

SESSION_S = 8.0
PATIENCE_S = 90.0


class Worker:
    """`outfall run --roles worker` as a process."""

    def __init__(self, folder: Path, name: str) -> None:
        config = str(folder / f"{name}.yaml")
        command = [sys.executable, "-m", "engine.cli", "run", "-c", config, "--roles", "worker", "--lang", "en"]
        self.name = name
        self.said: list[str] = []
        self.process = subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)
        self._reading = threading.Thread(target=self._read, daemon=True)
        self._reading.start()

    def wait_for(self, pattern: str, since: int = 0) -> re.Match[str]:
        """The first line of its log that says so, from line `since` on."""
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            for line in self.said[since:]:
                if found := re.search(pattern, line):
                    return found
            assert self.process.poll() is None or self._reading.is_alive(), f"{self.name} has ended:\n{self.log}"
            time.sleep(0.05)
        raise AssertionError(f"{self.name} did not say {pattern!r}:\n{self.log}")

    def signal(self, number: int) -> None:
        """Send a signal."""
        self.process.send_signal(number)

    def ended(self) -> int:
        """Its exit code."""
        code = self.process.wait(PATIENCE_S)
        self._reading.join(PATIENCE_S)
        return code

    @property
    def log(self) -> str:
        """All that it said."""
        return "".join(self.said)

    def _read(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self.said.append(line)


class Rig:
    """The log of a cluster under a test's hands, and its workers."""

    def __init__(self, folder: Path, settings: KafkaSettings, database_url: str) -> None:
        self.folder = folder
        self.settings = settings
        self.log = KafkaLog(settings, Retention())
        self.workers: list[Worker] = []
        self._database_url = database_url
        self._ticking = threading.Event()
        self._ticker = threading.Thread(target=self._tick, daemon=True)
        self._ticker.start()

    def worker(self, name: str) -> Worker:
        """Start a worker."""
        (self.folder / f"{name}.yaml").write_text(json.dumps(self._config(name)))
        worker = Worker(self.folder, name)
        self.workers.append(worker)
        return worker

    def first_worker(self, name: str) -> Worker:
        """Start a worker, and wait until the log says by what is judged, as an intake does."""
        worker = self.worker(name)
        worker.wait_for("ready: works on frames")
        for partition in range(PARTITIONS):
            worker.wait_for(f"frames/{partition}: rules .* takes over")
        return worker

    def publish(self, registry: Registry, said: Sequence[Said]) -> None:
        """What an intake does: append, and go on when it is acknowledged."""
        for one in said:
            partition = registry.home_of_mn(one.mn) % PARTITIONS
            stored = self.log.append_payloads(partition, [(one.mn, one.mn, one.payload)]).result(PATIENCE_S)
            assert isinstance(stored, Stored), stored

    def records(self, topic: Topic) -> list[Record]:
        """Everything of a topic."""
        return [record for p in range(PARTITIONS) for record in self.log.reader.records(topic, p)]

    def wait_until_judged(self) -> None:
        """Until each partition's snapshot is of an end that was reached after now: what was published is judged."""
        marks = {}
        for partition in range(PARTITIONS):
            stored = self.log.append(Topic.FRAMES, partition, RecordKind.TICK, tick_body(10_000)).result(PATIENCE_S)
            assert isinstance(stored, Stored)
            marks[partition] = stored.offset
        deadline = time.monotonic() + PATIENCE_S
        while behind := [p for p, offset in marks.items() if self._kept(p) <= offset]:
            assert time.monotonic() < deadline, f"not judged: {behind}\n" + "\n".join(w.log for w in self.workers)
            time.sleep(0.1)

    def database(self, statement: str) -> None:
        """Change something behind everybody's back."""
        import psycopg

        with psycopg.connect(self._database_url) as connection:
            connection.execute(statement)  # type: ignore[arg-type]

    def close(self) -> None:
        """End everything."""
        for worker in self.workers:
            if worker.process.poll() is None:
                worker.process.kill()
                worker.process.wait()
        self._ticking.set()
        self._ticker.join()
        self.log.close()

    def _kept(self, partition: int) -> int:
        import psycopg

        with psycopg.connect(self._database_url) as connection:
            query = "select next_offset from snapshot where name = %s"
            row = connection.execute(query, (f"frames-{partition}",)).fetchone()
        return row[0] if row else -1

    def _tick(self) -> None:
        while not self._ticking.wait(0.5):
            for partition in range(PARTITIONS):
                self.log.append(Topic.FRAMES, partition, RecordKind.TICK, tick_body(10_000))

    def _config(self, name: str) -> dict[str, object]:
        address, password = re.sub(r":[^:@/]+@", "@", self._database_url), re.search(r":([^:@/]+)@", self._database_url)
        if password:
            (self.folder / "password").write_text(password[1])
            (self.folder / "password").chmod(0o600)
        kafka = {
            "servers": list(self.settings.servers), "partitions": PARTITIONS, "prefix": self.settings.prefix,
            "worker": name, "session_s": SESSION_S,
        }  # fmt: skip
        return {
            "data": f"./{name}",
            **CONFIG,
            "host": {"log": "kafka", "snapshot_s": 1.0, "status_s": 0.5},
            "kafka": kafka,
            "database": {"url": address, **({"password_file": "password"} if password else {})},
        }


@contextlib.contextmanager
def cluster(folder: Path, settings: KafkaSettings, database_url: str) -> Iterator[Rig]:
    """A rig; its processes end with the context."""
    rig = Rig(folder, settings, database_url)
    try:
        yield rig
    finally:
        rig.close()
        for worker in rig.workers:  # shown where the test fails
            print(f"--- {worker.name}\n{worker.log}")
