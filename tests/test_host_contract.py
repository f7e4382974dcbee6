"""One history, every host: the embedded log, Kafka with one and with two workers, and replays give the same alerts."""

import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.exit_codes import ExitCode
from engine.log.facts_codec import decode_facts
from engine.log.kafka.settings import KafkaSettings
from engine.log.record import Topic
from engine.replay.account import Account
from engine.replay.frame_log import replay_log, replay_reader
from tests.cluster_rig import Rig, cluster
from tests.contract_world import PARTITIONS, Said, account_of, embedded, history, judged_by, write_files
from tests.servers import Kafka

pytestmark = pytest.mark.real


@pytest.fixture(scope="module")
def said() -> list[Said]:
    return history()


@pytest.fixture(scope="module")
def expected(said: list[Said], tmp_path_factory: pytest.TempPathFactory) -> str:
    """The hash of a plain replay of what an embedded host has logged."""
    folder = tmp_path_factory.mktemp("embedded")
    live = embedded(folder, said)
    replayed = replay_log(folder / "data" / "log.db", Account()).result()
    assert len(replayed["alerts"]) > 20, "a history without alerts shows nothing"
    assert {alert["state"] for alert in replayed["alerts"]} >= {"open", "returned"}
    assert live == replayed["alerts_sha256"]
    return live


@pytest.fixture
def rig(tmp_path: Path, kafka: Kafka, prefix: str, database_url: str) -> Iterator[Rig]:
    write_files(tmp_path)
    settings = KafkaSettings(servers=tuple(kafka.servers), partitions=PARTITIONS, prefix=prefix)
    with cluster(tmp_path, settings, database_url) as rig:
        yield rig


def same_everywhere(rig: Rig, expected: str) -> None:
    """By what the workers said, and by a replay of the topic with one detector and with eight."""
    assert account_of(rig.records(Topic.ALERTS)).result()["alerts_sha256"] == expected
    for detectors in (1, 8):
        assert replay_reader(rig.log.reader, Account(), partitions=detectors).result()["alerts_sha256"] == expected


def facts_by_record(rig: Rig) -> dict[tuple[int, int], bytes]:
    """What READINGS says of each record of FRAMES. What was said twice was said the same."""
    found: dict[tuple[int, int], bytes] = {}
    for record in rig.records(Topic.READINGS):
        facts = decode_facts(record.body)
        assert found.setdefault((facts.partition, facts.offset), record.body) == record.body
    return found


def test_one_worker_that_is_started_again_in_mid_stream(rig: Rig, said: list[Said], expected: str, tmp_path: Path) -> None:
    registry, _ = judged_by(tmp_path)
    worker = rig.first_worker("w1")
    rig.publish(registry, said[:150])
    worker.signal(signal.SIGTERM)
    assert worker.ended() == ExitCode.OK, worker.log
    rig.publish(registry, said[150:])
    rig.database("update snapshot set generation = 1000")  # as if Kafka had forgotten the group
    again = rig.worker("w1")
    again.wait_for("it has begun anew")
    again.wait_for("ready: works on frames")
    time.sleep(1.2)  # corrections are judged every second
    rig.wait_until_judged()
    same_everywhere(rig, expected)


def test_two_workers_of_which_one_freezes_and_one_is_killed(
    rig: Rig, said: list[Said], expected: str, tmp_path: Path
) -> None:
    registry, _ = judged_by(tmp_path)
    first = rig.first_worker("w1")
    rig.publish(registry, said[:80])
    second = rig.worker("w2")
    second.wait_for(r"ready: works on frames \[\d, \d\]")
    rig.publish(registry, said[80:160])

    first.signal(signal.SIGSTOP)  # in the middle of something
    rig.publish(registry, said[160:240])
    second.wait_for(r"ready: works on frames \[0, 1, 2, 3\]")
    rig.wait_until_judged()
    first.signal(signal.SIGCONT)
    assert first.ended() == ExitCode.FENCED, first.log
    assert "goes on without this one" in first.log

    third = rig.worker("w3")
    third.wait_for("generation")
    second.process.kill()
    rig.publish(registry, said[240:])
    third.wait_for(r"ready: works on frames \[0, 1, 2, 3\]")
    time.sleep(1.2)
    rig.wait_until_judged()
    same_everywhere(rig, expected)
    assert facts_by_record(rig)
