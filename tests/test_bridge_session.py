"""A broker that kept the bridge's session, and one that did not: it is told, and monitors are asked for their history."""

import logging
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

import pytest

from engine.intake.bridge.memory import Doubt, Gap, MemoryFile, memories
from engine.intake.credentials import Credentials
from engine.intake.refusals import read_refusals
from engine.intake.topics import down
from engine.listeners import Listeners
from engine.log.sqlite import SqliteLog
from sensors.hj212.encode import encode_data
from sensors.hj212.frame import cut
from sensors.hj212.header import read_frame
from sensors.hj212.times import device_ms
from sensors.mqtt.build import build
from sensors.mqtt.packets import Ack, PacketType, Publish, Subscribe, Version, Wish
from tests.bridge_rig import NAME, STATIONS, Broker, Held, bridging, payloads
from tests.intake_rig import MN, OTHER, partition_of, soon
from tests.test_bridge_messages import publish

pytestmark = pytest.mark.real

MINUTE_MS = 60_000
NEW_YEAR_MS = 1_767_225_600_000  # 2026
NO_PERSISTENCE = {"persistence": "false"}
"""What Mosquitto does without the shipped file."""


@pytest.fixture
def log(tmp_path: Path) -> Iterator[SqliteLog]:
    with SqliteLog(tmp_path / "data", partitions=2) as log:
        yield log


def test_over_a_restart_of_the_broker_the_session_stays_with_all_that_waits(log: SqliteLog, tmp_path: Path) -> None:
    with Broker.running() as broker:
        with bridging(log, tmp_path, broker.bridge()) as rig:
            assert soon(lambda: rig.counts["broker_logins"] == 1)
        with broker.client() as monitor:
            sent = publish(monitor, MN, 2500)
        broker.restart()
        with bridging(log, tmp_path, broker.bridge()) as rig:
            assert soon(lambda: rig.counts["acknowledged"] == 2500)
    assert payloads(log) == sent
    assert rig.counts["sessions_lost"] == 0


def test_a_second_after_it_was_published_it_survives_a_kill_of_the_broker(log: SqliteLog, tmp_path: Path) -> None:
    with Broker.running() as broker:
        with bridging(log, tmp_path, broker.bridge()) as rig:
            assert soon(lambda: rig.counts["broker_logins"] == 1)
        with broker.client() as monitor:
            sent = publish(monitor, MN, 2500)
        stored = broker.folder / "mosquitto.db"
        published = time.time()
        assert soon(lambda: stored.exists() and stored.stat().st_mtime > published + 0.1)  # saved since
        broker.kill()
        broker.start()
        with bridging(log, tmp_path, broker.bridge()) as rig:
            assert soon(lambda: rig.counts["acknowledged"] == 2500)
    assert payloads(log) == sent
    assert rig.counts["sessions_lost"] == 0


def test_a_bridge_comes_back_when_its_broker_does(log: SqliteLog, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "outfall.intake")
    sent: set[bytes] = set()
    with Broker.running() as broker, bridging(log, tmp_path, broker.bridge()) as rig:
        for times in (1, 2):
            assert soon(lambda times=times: rig.counts["broker_logins"] == times)
            with broker.client() as monitor:
                sent.update(publish(monitor, MN, 10, first=10 * times))
            assert soon(lambda expected=frozenset(sent): set(payloads(log)) == expected)
            broker.restart() if times == 1 else broker.kill()
            assert soon(lambda times=times: rig.counts["broker_losses"] == times)
            everything = Listeners([], log, Credentials(tmp_path / "devices.json"), partition_of, [rig.bridge])
            assert everything.away.startswith(broker.bridge().place)
    said = [record.message for record in caplog.records if "broker again" in record.message]
    assert len(said) == 1


def test_a_lost_session_is_told_and_kept(log: SqliteLog, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    refusals = tmp_path / "refusals"
    with Broker.running(changed=NO_PERSISTENCE) as broker:
        with bridging(log, tmp_path, broker.bridge(backfill=False), refusals=refusals) as rig:
            assert soon(lambda: rig.counts["broker_logins"] == 1)
        before = rig.memory.whole_until_ms
        broker.restart()
        with bridging(log, tmp_path, broker.bridge(backfill=False), refusals=refusals) as rig:
            assert soon(lambda: rig.counts["sessions_lost"] == 1)
    (gap,) = rig.memory.gaps
    assert gap.from_ms == before < gap.to_ms
    assert gap.done  # nobody is asked
    (kept,) = read_refusals(refusals)
    assert (kept.reason, kept.login, kept.peer) == ("session_lost", NAME, f"127.0.0.1:{broker.port}")
    assert "may be lost" in kept.detail
    assert kept.detail in caplog.text


def test_a_broker_that_never_had_a_session_has_lost_none(log: SqliteLog, tmp_path: Path) -> None:
    with Broker.running(changed=NO_PERSISTENCE) as broker, bridging(log, tmp_path, broker.bridge()) as rig:
        assert soon(lambda: rig.counts["broker_logins"] == 1)
        assert rig.memory.gaps == ()


def test_a_bridge_that_died_while_it_logged_in_does_not_trust_the_session_it_finds(log: SqliteLog, tmp_path: Path) -> None:
    """Its death may have come between a new session and the note of it."""
    with Broker.running() as broker:
        with bridging(log, tmp_path, broker.bridge()) as rig:
            assert soon(lambda: rig.counts["broker_logins"] == 1)
        MemoryFile(rig.folder, NAME).update(doubt=Doubt.LOGIN)
        with bridging(log, tmp_path, broker.bridge()) as rig:
            assert soon(lambda: rig.counts["sessions_lost"] == 1)
            assert not rig.memory.doubt


def test_what_was_acknowledged_after_a_backup_is_asked_for_when_it_is_restored_once(log: SqliteLog, tmp_path: Path) -> None:
    with Broker.running() as broker:
        with bridging(log, tmp_path, broker.bridge()) as rig:
            assert soon(lambda: rig.counts["broker_logins"] == 1)
        backup_ms = rig.memory.whole_until_ms - 3_600_000
        for times in (1, 0):
            with bridging(log, tmp_path, broker.bridge(), restored_ms=backup_ms) as rig:
                assert soon(lambda rig=rig: rig.counts["broker_logins"] == 1)
                assert rig.counts["sessions_lost"] == times
    (gap,) = rig.memory.gaps
    assert gap.from_ms == backup_ms


def test_a_broker_that_says_no_does_not_cast_doubt_on_its_session(log: SqliteLog, tmp_path: Path) -> None:
    with Broker.running() as broker:
        with bridging(log, tmp_path, broker.bridge()) as rig:
            assert soon(lambda: rig.counts["broker_logins"] == 1)
        with bridging(log, tmp_path, broker.bridge(user="nobody")) as rig:
            assert soon(lambda: rig.counts["broker_losses"] == 1)
            assert soon(lambda: not rig.memory.doubt)
        with bridging(log, tmp_path, broker.bridge()) as rig:
            assert soon(lambda: rig.counts["broker_logins"] == 1)
        assert rig.counts["sessions_lost"] == 0


def test_a_broker_that_throws_messages_away_is_told(
    log: SqliteLog, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    held = Held(log)
    bound = {"max_queued_messages": "1000", "sys_interval": "1"}
    with Broker.running(changed=bound) as broker, bridging(held, tmp_path, broker.bridge(), unacknowledged_max=100) as rig:
        assert soon(lambda: rig.counts["broker_logins"] == 1)
        with broker.client() as monitor:
            sent = publish(monitor, MN, 3000)
        held.let_go()
        assert soon(lambda: rig.counts["broker_dropped"] > 0)
        assert soon(lambda: rig.counts["acknowledged"] + rig.counts["broker_dropped"] == len(sent))
    assert "the broker has thrown away" in caplog.text


@dataclass
class Monitor(threading.Thread):
    """A monitor that keeps its minute means and sends them when asked with 2051; it has no hour means."""

    broker: Broker
    mn: str
    history: dict[int, bytes]  # start of the minute -> frame
    asked: list[tuple[int, str]] = field(default_factory=list)  # (CN, content)
    halted: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        super().__init__(daemon=True)

    def __enter__(self) -> Self:
        self.client = self.broker.client(self.mn)
        self.client.send(Subscribe(packet_id=1, wishes=(Wish(filter=down(self.mn), qos=1),)))
        self.client.receive()
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.halted.set()
        self.join()
        self.client.socket.close()

    def __hash__(self) -> int:
        return id(self)

    def run(self) -> None:
        self.client.socket.settimeout(0.1)
        while not self.halted.is_set():
            try:
                packet = self.client.receive()
            except TimeoutError:
                continue
            if isinstance(packet, Publish):
                self.client.send_bytes(build(Ack(type=PacketType.PUBACK, packet_id=packet.packet_id), Version.V311))
                self._answer(packet.payload)

    def _answer(self, payload: bytes) -> None:
        for one in cut(payload).frames:
            frame = read_frame(one.data, strict=True)
            self.asked.append((frame.cn, frame.area))
            begin, end = (device_ms(part.partition("=")[2]) for part in frame.area.split(";"))
            assert begin is not None
            assert end is not None
            found = [data for at, data in self.history.items() if begin <= at < end] if frame.cn == 2051 else []
            for n, data in enumerate(found):
                self.client.publish(data, mn=self.mn, packet_id=100 + n)


def minute_frame(mn: str, at_ms: int) -> bytes:
    return encode_data(mn, 2051, at_ms, [("w01018", {"Avg": "38.6", "Flag": "N"})], qn_ms=at_ms + MINUTE_MS)


def test_monitors_are_asked_for_their_history_and_the_gap_is_filled(log: SqliteLog, tmp_path: Path) -> None:
    now_ms = time.time_ns() // 1_000_000 // MINUTE_MS * MINUTE_MS
    minutes = [now_ms - n * MINUTE_MS for n in range(1, 5)]
    history = {mn: {at: minute_frame(mn, at) for at in minutes} for mn in (MN, OTHER)}
    with Broker.running(changed=NO_PERSISTENCE) as broker:
        with bridging(log, tmp_path, broker.bridge(), stations=STATIONS) as rig:
            assert soon(lambda: rig.counts["broker_logins"] == 1)
        MemoryFile(rig.folder, NAME).update(whole_until_ms=minutes[-1])
        broker.restart()
        with (
            Monitor(broker, MN, history[MN]) as one,
            Monitor(broker, OTHER, history[OTHER]) as other,
            bridging(log, tmp_path, broker.bridge(), stations=STATIONS) as rig,
        ):
            assert soon(lambda: rig.counts["stored"] == 8)
            assert soon(lambda: rig.memory.gaps[0].done)
            assert rig.counts["history_requests"] == 4
    assert [cn for cn, _ in one.asked] == [cn for cn, _ in other.asked] == [2051, 2061]
    assert set(payloads(log)) == {frame for frames in history.values() for frame in frames.values()}
    (gap,) = rig.memory.gaps
    assert (gap.asked, gap.after, gap.from_ms) == (2, OTHER, minutes[-1])


def test_a_bridge_that_died_in_the_middle_goes_on_with_the_next_monitor(log: SqliteLog, tmp_path: Path) -> None:
    gap = Gap(at_ms=5, from_ms=NEW_YEAR_MS, to_ms=NEW_YEAR_MS + MINUTE_MS, asked=1, after=MN)
    with Broker.running() as broker:
        MemoryFile(tmp_path / "bridges", NAME).add_gap(gap)
        with (
            Monitor(broker, MN, {}) as one,
            Monitor(broker, OTHER, {}) as other,
            bridging(log, tmp_path, broker.bridge(), stations=STATIONS) as rig,
        ):
            assert soon(lambda: rig.memory.gaps[0].done)
            assert soon(lambda: len(other.asked) == 2)
        assert one.asked == []
    assert rig.memory.gaps[0].asked == 2


def test_the_requests_of_a_gap_wait_for_a_broker(log: SqliteLog, tmp_path: Path) -> None:
    MemoryFile(tmp_path / "bridges", NAME).add_gap(Gap(at_ms=5, from_ms=NEW_YEAR_MS, to_ms=NEW_YEAR_MS + MINUTE_MS))
    with Broker.running() as broker:
        broker.kill()
        with bridging(log, tmp_path, broker.bridge(), stations=STATIONS) as rig:
            assert soon(lambda: rig.counts["broker_losses"] == 1)
            assert rig.counts["history_requests"] == 0
            broker.start()
            assert soon(lambda: rig.memory.gaps[0].done)


def test_gaps_that_are_done_are_forgotten_before_those_that_are_not(tmp_path: Path) -> None:
    file = MemoryFile(tmp_path, NAME)
    file.add_gap(Gap(at_ms=0, from_ms=0, to_ms=1))
    for n in range(1, 100):
        file.add_gap(Gap(at_ms=n, from_ms=0, to_ms=1, done=True))
    (kept,) = memories(tmp_path)
    assert [gap.at_ms for gap in kept.gaps] == [0, *range(51, 100)]
    assert kept.open_gap == kept.gaps[0]
