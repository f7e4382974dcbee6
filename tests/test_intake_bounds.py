"""What is bounded stays bounded: a full disk, a client that sends too much or reads too little, a stop in between."""

import asyncio
import logging
import socket
from dataclasses import replace
from pathlib import Path

import pytest

from engine.intake.credentials import Credentials
from engine.intake.endpoint import MqttEndpoint
from engine.intake.refusals import PER_SECOND_MAX, read_refusals
from engine.intake.topics import up
from engine.log.record import Topic
from engine.log.sqlite import SqliteLog
from sensors.mqtt.build import build
from sensors.mqtt.packets import Ack, Goodbye, PacketType, Ping, Publish, Version
from sensors.mqtt.reasons import Reason
from tests.intake_rig import FRAME, GATEWAY, MN, OTHER, SETTINGS, RawClient, Rig, partition_of, rows_of, running, soon

V5 = Version.V5


def ack(packet_id: int) -> Ack:
    return Ack(type=PacketType.PUBACK, packet_id=packet_id)


def publishes(count: int, payload: bytes = FRAME) -> bytes:
    """QoS 1, packet ids from 1."""
    return b"".join(build(Publish(up(MN), payload, 1, n), Version.V311) for n in range(1, count + 1))


def set_disk_pages(rig: Rig, pages: int) -> None:
    """A disk that is full at so many pages; 0: what the file has now."""
    assert isinstance(rig.log, SqliteLog)
    rig.log.run(lambda db: db.execute(f"pragma max_page_count = {pages}").fetchone()).result()


def test_on_a_full_disk_nobody_is_acknowledged_and_afterwards_nothing_is_lost(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with running(tmp_path, unacknowledged_max=100, retry_s_max=0.05) as rig:
        client, other = rig.client(keep_alive_s=1), rig.client(OTHER)
        set_disk_pages(rig, 1)
        client.send_bytes(publishes(500, bytes(5000)))
        other.publish(mn=OTHER)
        assert rig.counted(log_outages=1)
        assert soon(lambda: rig.counts["log_failures"] > 3)
        assert (rig.counts["stored"], rig.counts["acknowledged"]) == (0, 0)
        assert soon(lambda: rig.counts["received"] == 101)  # the window, then the socket is not read any more
        assert rig.endpoint.waiting == 101
        set_disk_pages(rig, 1_000_000)
        assert [client.receive() for _ in range(500)] == [ack(n) for n in range(1, 501)]
        assert other.receive() == ack(1)
        assert [payload for _, mn, payload in rig.rows() if mn == MN] == [bytes(5000)] * 500
        assert rig.counts["keep_alive_expired"] == 0
    said = [record for record in caplog.records if record.name == "outfall.intake" and record.levelno > logging.INFO]
    assert [record.levelname for record in said] == ["ERROR", "WARNING"]
    assert "the log takes nothing, no monitor is acknowledged" in said[0].message
    assert "database or disk is full" in said[0].message
    assert "the log is back after" in said[1].message


def test_the_memory_of_all_that_waits_is_bounded(tmp_path: Path) -> None:
    mib = 1 << 20
    with running(tmp_path, waiting_mib_max=1, retry_s_max=0.05) as rig:
        clients = [rig.client(GATEWAY, client_id=str(n)) for n in range(4)]
        set_disk_pages(rig, 1)
        for client in clients:
            client.socket.setblocking(False)
            unsent = memoryview(publishes(100, bytes(20_000)))
            while unsent and soon(lambda c=client: writable(c), 0.2):  # type: ignore[misc]
                unsent = unsent[client.socket.send(unsent) :]
            client.socket.settimeout(10)
        assert soon(lambda: rig.counts["pauses"] >= 4)
        assert mib <= rig.counts["received_bytes"] <= mib + 4 * 64 * 1024
        set_disk_pages(rig, 1_000_000)
        assert soon(lambda: rig.endpoint.waiting == 0)


def writable(client: RawClient) -> bool:
    """The socket takes more."""
    try:
        return client.socket.send(b"") == 0
    except BlockingIOError:
        return False


def test_a_client_that_does_not_read_is_not_read_either(tmp_path: Path) -> None:
    with running(tmp_path) as rig:
        server = rig.endpoint._server
        assert server
        for buffer in (socket.SO_SNDBUF, socket.SO_RCVBUF):  # what it accepts inherits them
            server.sockets[0].setsockopt(socket.SOL_SOCKET, buffer, 1 << 12)
        client = rig.client()
        for buffer in (socket.SO_SNDBUF, socket.SO_RCVBUF):
            client.socket.setsockopt(socket.SOL_SOCKET, buffer, 1 << 12)
        client.socket.settimeout(2.0)  # a busy machine may leave the endpoint without a core for a while
        pings = build(Ping(type=PacketType.PINGREQ), Version.V311) * 10_000
        with pytest.raises(TimeoutError):
            while True:
                client.send_bytes(pings)
        assert rig.counts["pauses"] >= 1
        client.socket.settimeout(10)
        for _ in range(1_000):
            client.receive()
        assert rig.counts["offline"] == 0
        client.socket.close()


def test_a_client_that_sends_too_fast_is_slowed_down_and_loses_nothing(tmp_path: Path) -> None:
    with running(tmp_path, messages_per_s_max=100.0) as rig:
        client = rig.client()
        client.send_bytes(publishes(130))
        assert [client.receive() for _ in range(130)] == [ack(n) for n in range(1, 131)]
        assert rig.counts["pauses"] >= 1


def test_a_hostile_client_cannot_wear_out_the_disk_with_refusals(tmp_path: Path) -> None:
    path = tmp_path / "refused.jsonl"
    with running(tmp_path, refusals=path) as rig:
        client = rig.client(version=V5)
        bad = 3 * PER_SECOND_MAX
        client.send(*(Publish(up(OTHER), FRAME, 1, n) for n in range(1, bad + 1)))
        for _ in range(bad):
            client.receive()
        assert rig.counts["refused.mn_not_login"] == bad
        kept = len(list(read_refusals(path)))
        assert kept + rig.counts["refusals_not_kept"] == bad
        assert PER_SECOND_MAX <= kept <= 2 * PER_SECOND_MAX


def test_a_stop_lets_what_was_received_reach_the_log_and_tells_the_clients(tmp_path: Path) -> None:
    with SqliteLog(tmp_path, partitions=2) as log:
        with Rig(tmp_path, log, SETTINGS) as rig:
            old, new = rig.client(), rig.client(OTHER, version=V5)
            old.publish()
            assert rig.counted(received=1)
        assert (old.receive(), old.receive()) == (ack(1), None)
        assert new.receive() == Goodbye(type=PacketType.DISCONNECT, reason=Reason.SERVER_SHUTTING_DOWN)
        assert rig.counts["offline"] == 0
        assert rows_of(log) == [(MN, MN, FRAME)]
        with pytest.raises(ConnectionRefusedError):
            RawClient(rig.port)


def test_a_stop_while_the_log_takes_nothing_ends_in_time_and_counts_what_it_drops(tmp_path: Path) -> None:
    with running(tmp_path, stop_s_max=0.1) as rig:
        client = rig.client()
        set_disk_pages(rig, 1)
        client.send_bytes(publishes(5, bytes(5000)))
        assert rig.counted(received=5, log_outages=1)
    assert rig.counts["abandoned"] == 5
    assert client.closed()


def test_a_stop_behind_a_closed_log_does_not_wait(tmp_path: Path) -> None:
    log = SqliteLog(tmp_path, partitions=2)
    with Rig(tmp_path, log, SETTINGS) as rig:
        client = rig.client()
        log.close()
        client.publish()
        assert rig.counted(log_outages=1)
        rig.run(rig.endpoint.stop)
        assert rig.counts["abandoned"] == 1


def test_a_log_that_breaks_its_word_ends_the_endpoint_and_is_not_hidden(tmp_path: Path) -> None:
    with SqliteLog(tmp_path, partitions=1) as log, Rig(tmp_path, log, SETTINGS) as rig:  # partition 1 does not exist
        client = rig.client(GATEWAY)
        for n, mn in enumerate((MN, OTHER), 1):
            client.publish(mn=mn, packet_id=n)
        assert partition_of(MN) != partition_of(OTHER)
        answers = client.receive(), client.receive()
        assert answers in [(ack(1), None), (None, None)]
        assert isinstance(rig.endpoint.failure, KeyError)


async def start(port: int, data: Path, host: str = "127.0.0.1") -> None:
    with SqliteLog(data) as log:
        settings = replace(SETTINGS, host=host, port=port)
        await MqttEndpoint(settings, log, Credentials(data / "devices.json"), partition_of).start()


def test_a_port_in_use_is_named(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(OSError, match=f"cannot listen on 127.0.0.1:{port}: another program listens there"):
            asyncio.run(start(port, tmp_path))


def test_an_address_of_another_machine_is_named(tmp_path: Path) -> None:
    with pytest.raises(OSError, match=r"cannot listen on 192\.0\.2\.1:0: this machine has no such address"):
        asyncio.run(start(0, tmp_path, "192.0.2.1"))


def test_offsets_of_the_log_have_no_gap_after_a_full_disk(tmp_path: Path) -> None:
    with running(tmp_path, retry_s_max=0.05) as rig:
        client = rig.client()
        for n in range(3):
            set_disk_pages(rig, 1)
            client.publish(bytes(60_000), packet_id=n + 1)
            assert rig.counted(log_outages=n + 1)
            set_disk_pages(rig, 1_000_000)
            assert client.receive() == ack(n + 1)
        records = rig.log.read(Topic.FRAMES, partition_of(MN), 0, 100)
        assert [record.offset for record in records] == [0, 1, 2]
