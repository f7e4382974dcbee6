"""What a bridge does with the messages of a real Mosquitto that runs with the shipped file."""

import logging
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from ssl import create_default_context

import pytest

from engine.duty.settings import Secret
from engine.intake.bridge.settings import BrokerTls
from engine.intake.counts import MESSAGES
from engine.intake.refusals import read_refusals
from engine.intake.topics import up
from engine.log.sqlite import SqliteLog
from sensors.mqtt.packets import Ack, Publish
from tests.bridge_rig import NAME, Broker, Held, bridging, payloads
from tests.intake_rig import FRAME, MN, OTHER, RawClient, rows_of, soon
from tests.servers.certificates import make_certificates

pytestmark = pytest.mark.real


STRANGE = "not an MN"
BRIDGE_2 = f"user {NAME}-2\ntopic read outfall/v1/+/up\n"


@pytest.fixture(scope="module")
def broker() -> Iterator[Broker]:
    with Broker.running(secrets={STRANGE: "s3cret", f"{NAME}-2": "s3cret"}, acl=BRIDGE_2) as server:
        yield server


@pytest.fixture
def log(tmp_path: Path) -> Iterator[SqliteLog]:
    with SqliteLog(tmp_path / "data", partitions=2) as log:
        yield log


@pytest.fixture(autouse=True)
def no_session_of_another_test(broker: Broker) -> Iterator[None]:
    yield
    broker.client(NAME, clean_start=True).socket.close()


def publish(client: RawClient, mn: str, count: int, *, first: int = 0) -> list[bytes]:
    """So many payloads, each its own, acknowledged by the broker."""
    sent = [b"%b no %d" % (mn.encode(), n) for n in range(first, first + count)]
    client.send(*(Publish(up(mn), payload, 1, n + 1) for n, payload in enumerate(sent)))
    for _ in sent:
        assert isinstance(client.receive(), Ack)
    return sent


def test_messages_are_in_the_log_with_the_bridge_as_login_and_the_mn_of_their_topic(
    broker: Broker, log: SqliteLog, tmp_path: Path
) -> None:
    with bridging(log, tmp_path, broker.bridge()) as rig:
        assert soon(lambda: rig.counts["broker_logins"] == 1)
        with broker.client(MN) as one, broker.client(OTHER) as other:
            one.publish(FRAME)
            other.publish(b"of the other", mn=OTHER)
            assert soon(lambda: rig.counts["acknowledged"] == 2)
        assert sorted(rows_of(log)) == [(NAME, MN, FRAME), (NAME, OTHER, b"of the other")]


def test_more_messages_than_the_broker_keeps_under_way_all_arrive_in_order(
    broker: Broker, log: SqliteLog, tmp_path: Path
) -> None:
    with bridging(log, tmp_path, broker.bridge()) as rig, broker.client(MN) as monitor:
        assert soon(lambda: rig.counts["broker_logins"] == 1)
        sent = publish(monitor, MN, 3000)
        assert soon(lambda: rig.counts["acknowledged"] == 3000)
        assert payloads(log) == sent


def test_what_comes_while_the_bridge_is_away_is_kept_for_it(broker: Broker, log: SqliteLog, tmp_path: Path) -> None:
    with bridging(log, tmp_path, broker.bridge()) as rig:
        assert soon(lambda: rig.counts["broker_logins"] == 1)
    with broker.client(MN) as monitor:
        sent = publish(monitor, MN, 3000)
    with bridging(log, tmp_path, broker.bridge()) as rig:
        assert soon(lambda: rig.counts["acknowledged"] == 3000)
    assert payloads(log) == sent
    assert rig.counts["sessions_lost"] == 0


def test_what_can_never_be_stored_is_kept_as_a_refusal_and_holds_nobody_up(
    broker: Broker, log: SqliteLog, tmp_path: Path
) -> None:
    refusals = tmp_path / "refusals"
    with bridging(log, tmp_path, broker.bridge(), payload_max=1024, refusals=refusals) as rig:
        assert soon(lambda: rig.counts["broker_logins"] == 1)
        with broker.client(STRANGE) as strange, broker.client(MN) as monitor:
            monitor.publish(b"x" * 1025, packet_id=1)
            assert soon(lambda: rig.counts["received"] == 1)
            for n in range(600):  # more than the broker keeps under way
                strange.publish(b"?", mn=STRANGE, packet_id=n + 1)
            assert soon(lambda: rig.counts["received"] == 601)
            monitor.publish(b"", packet_id=2)
            monitor.publish(FRAME, packet_id=3)
            assert soon(lambda: rig.counts["received"] == 603)
            assert soon(lambda: rig.counts["acknowledged"] == 2)
    assert payloads(log) == [b"", FRAME]
    assert (rig.counts["refused.wrong_topic"], rig.counts["refused.too_large"]) == (600, 1)
    kept = {(one.reason, one.login, one.topic, one.size) for one in read_refusals(refusals)}
    assert kept == {("wrong_topic", NAME, f"outfall/v1/{STRANGE}/up", 1), ("too_large", NAME, up(MN), 1025)}
    with bridging(log, tmp_path, broker.bridge()) as again:
        assert soon(lambda: again.counts["broker_logins"] == 1)
        assert again.counts["received"] == 0  # all were acknowledged


def test_nothing_is_acknowledged_before_it_is_in_the_log(broker: Broker, log: SqliteLog, tmp_path: Path) -> None:
    held = Held(log)
    with bridging(held, tmp_path, broker.bridge(), stop_s_max=0.2) as rig:
        assert soon(lambda: rig.counts["broker_logins"] == 1)
        with broker.client(MN) as monitor:
            sent = publish(monitor, MN, 30)
            assert soon(lambda: rig.counts["received"] == 30)
    assert (rig.counts["acknowledged"], rig.counts["abandoned"]) == (0, 30)
    with bridging(log, tmp_path, broker.bridge()) as rig:
        assert soon(lambda: rig.counts["acknowledged"] == 30)
        assert rig.counts["redelivered"] == 30
    assert payloads(log) == sent


def test_a_bridge_whose_log_takes_nothing_holds_no_more_than_its_bound(
    broker: Broker, log: SqliteLog, tmp_path: Path
) -> None:
    held = Held(log)
    with bridging(held, tmp_path, broker.bridge(), unacknowledged_max=50) as rig:
        assert soon(lambda: rig.counts["broker_logins"] == 1)
        with broker.client(MN) as monitor:
            sent = publish(monitor, MN, 2000)
        assert soon(lambda: rig.counts["pauses"] == 1)
        assert rig.counts["received"] == 50
        held.let_go()
        assert soon(lambda: rig.counts["acknowledged"] == 2000)
    assert payloads(log) == sent


def test_an_acknowledgement_of_an_old_connection_is_not_sent_on_a_new_one(
    broker: Broker, log: SqliteLog, tmp_path: Path
) -> None:
    held = Held(log)
    with bridging(held, tmp_path, broker.bridge()) as rig:
        assert soon(lambda: rig.counts["broker_logins"] == 1)
        with broker.client(MN) as monitor:
            first = publish(monitor, MN, 20)
            assert soon(lambda: rig.counts["received"] == 20)
            broker.client(NAME, clean_start=False).socket.close()  # takes the session over, so the bridge is sent away
            assert soon(lambda: rig.counts["broker_logins"] == 2)
            assert soon(lambda: rig.counts["redelivered"] == 20)
            held.let_go()
            assert soon(lambda: rig.counts["stored"] == 40)
            assert soon(
                lambda: rig.counts["acknowledged"] == 20
            )  # those that were delivered over the connection that is there
            second = publish(monitor, MN, 5, first=20)
            assert soon(lambda: rig.counts["acknowledged"] == 25)
    assert Counter(payloads(log)) == {**dict.fromkeys(first, 2), **dict.fromkeys(second, 1)}


def test_bridges_of_one_share_divide_the_messages(broker: Broker, log: SqliteLog, tmp_path: Path) -> None:
    secrets = [name for name in broker.secrets if name.startswith(NAME)]
    settings = [
        broker.bridge(client_id=name, user=name, password=Secret(broker.secrets[name]), share="epb") for name in secrets
    ]
    with (
        bridging(log, tmp_path, settings[0]) as one,
        bridging(log, tmp_path, settings[1]) as two,
        broker.client(MN) as monitor,
    ):
        assert soon(lambda: one.counts["broker_logins"] == two.counts["broker_logins"] == 1)
        sent = publish(monitor, MN, 400)
        assert soon(lambda: one.counts["acknowledged"] + two.counts["acknowledged"] == 400)
        assert min(one.counts["acknowledged"], two.counts["acknowledged"]) > 100
    assert sorted(payloads(log)) == sorted(sent)
    broker.client(secrets[1], clean_start=True).socket.close()


def test_a_bridge_that_changes_to_a_share_leaves_its_old_subscription(
    broker: Broker, log: SqliteLog, tmp_path: Path
) -> None:
    for share in ("", "epb"):
        with bridging(log, tmp_path, broker.bridge(share=share)) as rig:
            assert soon(lambda rig=rig: rig.counts["broker_logins"] == 1)
    with broker.client(MN) as monitor:
        sent = publish(monitor, MN, 10)
    with bridging(log, tmp_path, broker.bridge(share="epb")) as rig:
        assert soon(lambda: rig.counts["acknowledged"] == 10)
    assert (payloads(log), rig.counts["received"]) == (sent, 10)


def test_a_broker_that_does_not_let_the_bridge_in_is_named_once_and_tried_again(
    broker: Broker, log: SqliteLog, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "outfall.intake")
    with bridging(log, tmp_path, broker.bridge(password=Secret("guessed"))) as rig:
        assert soon(lambda: "Not authorized" in caplog.text)
        assert rig.counts["broker_losses"] == 1
    said = [record.message for record in caplog.records if "no broker" in record.message]
    assert said == [
        f"bridge {NAME} has no broker: 127.0.0.1:{broker.port}: does not let {NAME} in: Not authorized; "
        "what it did not acknowledge, the broker has to keep"
    ]


def test_over_tls_the_broker_must_show_a_certificate_of_the_named_authority(log: SqliteLog, tmp_path: Path) -> None:
    made = make_certificates(tmp_path)
    tls = f"cafile {made.ca}\ncertfile {made.cert}\nkeyfile {made.key}\n"
    with Broker.running(changed={"listener": "{port} 127.0.0.1\n" + tls}) as broker:
        trusted = broker.bridge(tls=BrokerTls(ca=made.ca))
        stranger = broker.bridge(tls=BrokerTls())
        with bridging(log, tmp_path, trusted) as rig:
            assert soon(lambda: rig.counts["broker_logins"] == 1)
            monitor = RawClient(broker.port)
            monitor.socket = create_default_context(cafile=made.ca).wrap_socket(monitor.socket, server_hostname="localhost")
            monitor.connect(MN, broker.secrets[MN])
            sent = publish(monitor, MN, 1000)
            assert soon(lambda: rig.counts["acknowledged"] == 1000)
            monitor.socket.close()
            assert payloads(log) == sent
        with bridging(log, tmp_path, stranger) as rig:
            assert soon(lambda: rig.counts["broker_losses"] == 1)
        assert rig.counts["broker_logins"] == 0


def test_the_account_of_a_bridge_adds_up(broker: Broker, log: SqliteLog, tmp_path: Path) -> None:
    with bridging(log, tmp_path, broker.bridge(), payload_max=1024) as rig, broker.client(MN) as monitor:
        assert soon(lambda: rig.counts["broker_logins"] == 1)
        for n, size in enumerate((10, 2000, 1024)):
            monitor.publish(b"x" * size, packet_id=n + 1)
        monitor.publish(b"told nobody", qos=0)
        assert soon(lambda: rig.counts["received"] == 4)
    counts = rig.counts
    refused = sum(counts[f"refused.{reason}"] for reason in MESSAGES)
    assert counts["received"] == counts["stored"] + refused + counts["abandoned"] == 4
    assert counts["acknowledged"] == 2
