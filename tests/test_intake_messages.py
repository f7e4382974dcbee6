"""What becomes of a message: in the log and acknowledged, or refused, counted, kept and never acknowledged."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.intake.counts import MESSAGES, Refused
from engine.intake.refusals import read_refusals
from engine.intake.topics import down, up
from sensors.mqtt.build import build
from sensors.mqtt.packets import (
    Ack,
    Goodbye,
    Granted,
    Packet,
    PacketType,
    Publish,
    Subscribe,
    Unsubscribe,
    Version,
    Will,
    Wish,
)
from sensors.mqtt.properties import Property
from sensors.mqtt.reasons import Reason
from tests.intake_rig import FRAME, GATEWAY, MN, OTHER, Rig, running, soon

V311, V5 = Version.V311, Version.V5
PUBACK, PUBREC, PUBREL, PUBCOMP = PacketType.PUBACK, PacketType.PUBREC, PacketType.PUBREL, PacketType.PUBCOMP


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    with running(tmp_path) as started:
        yield started
    counts = started.counts
    assert counts["received"] == counts["stored"] + counts["repeated"] + sum(counts[f"refused.{r}"] for r in MESSAGES)


def ack(type: PacketType, packet_id: int = 1, reason: Reason = Reason.SUCCESS) -> Ack:
    return Ack(type=type, packet_id=packet_id, reason=reason)


@pytest.mark.parametrize("version", [V311, V5])
@pytest.mark.parametrize(("qos", "answer"), [(1, ack(PUBACK)), (2, ack(PUBREC))])
def test_what_is_acknowledged_is_in_the_log(rig: Rig, version: Version, qos: int, answer: Ack) -> None:
    client = rig.client(version=version)
    client.publish(qos=qos)
    assert client.receive() == answer
    assert rig.rows() == [(MN, MN, FRAME)]


def test_qos_0_is_logged_too(rig: Rig) -> None:
    client = rig.client()
    client.publish(qos=0)
    assert rig.counted(stored=1, acknowledged=0)
    assert rig.rows() == [(MN, MN, FRAME)]


def test_a_gateway_publishes_for_the_monitors_behind_it_and_the_log_says_who_logged_in(rig: Rig) -> None:
    client = rig.client(GATEWAY)
    client.publish(b"one", mn=MN, packet_id=1)
    client.publish(b"two", mn=OTHER, packet_id=2)
    assert [client.receive(), client.receive()] == [ack(PUBACK, 1), ack(PUBACK, 2)]
    assert sorted(rig.rows()) == [(GATEWAY, MN, b"one"), (GATEWAY, OTHER, b"two")]


@pytest.mark.parametrize("version", [V311, V5])
def test_acknowledgements_come_in_the_order_received_over_partitions_and_qualities(rig: Rig, version: Version) -> None:
    client = rig.client(GATEWAY, version=version)
    sent = [Publish(up((MN, OTHER)[n % 2]), b"%d" % n, n % 3, n if n % 3 else 0) for n in range(1, 300)]
    client.send(*sent)
    expected = [ack((PUBACK, PUBREC)[message.qos - 1], message.packet_id) for message in sent if message.qos]
    assert [client.receive() for _ in expected] == expected
    assert rig.counted(stored=len(sent))
    for mn in (MN, OTHER):  # order of one monitor is kept
        assert [payload for _, claimed, payload in rig.rows() if claimed == mn] == [
            message.payload for message in sent if message.topic == up(mn)
        ]


WRONG: dict[str, tuple[str, Refused]] = {
    "another monitor's": (up(OTHER), Refused.MN_NOT_LOGIN),
    "an unknown monitor's": (up("010000A8900016F000169DFF"), Refused.MN_NOT_LOGIN),
    "its own down topic": (down(MN), Refused.WRONG_TOPIC),
    "a level too many": (up(MN) + "/x", Refused.WRONG_TOPIC),
    "another version's": (up(MN).replace("v1", "v2"), Refused.WRONG_TOPIC),
    "a slash in the MN": (up("a/b"), Refused.WRONG_TOPIC),
    "something else": ("sensors/17/cod", Refused.WRONG_TOPIC),
}


@pytest.mark.parametrize(("topic", "why"), WRONG.values(), ids=WRONG.keys())
@pytest.mark.parametrize("qos", [0, 1, 2])
def test_under_any_other_topic_3_1_1_is_closed_and_never_acknowledged(rig: Rig, topic: str, why: Refused, qos: int) -> None:
    client = rig.client()
    client.send(Publish(topic, FRAME, qos, 1 if qos else 0))
    assert client.closed()
    assert rig.rows() == []
    kept = rig.endpoint.refused[-1]
    assert (kept.reason, kept.login, kept.topic, kept.payload, kept.size) == (why, MN, topic, FRAME, len(FRAME))
    assert rig.counts[f"refused.{why}"] == 1


@pytest.mark.parametrize(("topic", "why"), WRONG.values(), ids=WRONG.keys())
def test_under_any_other_topic_5_is_told_not_authorized_and_stays(rig: Rig, topic: str, why: Refused) -> None:
    client = rig.client(version=V5)
    client.send(Publish(topic, FRAME, 1, 1), Publish(topic, FRAME, 2, 2), Publish(up(MN), FRAME, 1, 3))
    no = Reason.NOT_AUTHORIZED
    assert [client.receive() for _ in range(3)] == [ack(PUBACK, 1, no), ack(PUBREC, 2, no), ack(PUBACK, 3)]
    assert rig.rows() == [(MN, MN, FRAME)]
    assert rig.counts[f"refused.{why}"] == 2


def test_a_refusal_does_not_overtake_the_acknowledgements_before_it(rig: Rig) -> None:
    client = rig.client(version=V5)
    topics = [up(MN), up(OTHER)] * 20
    client.send(*(Publish(topic, FRAME, 1, n) for n, topic in enumerate(topics, 1)))
    answers = [client.receive() for _ in topics]
    assert [(a.packet_id, a.reason) for a in answers if isinstance(a, Ack)] == [
        (n, Reason.SUCCESS if topic == up(MN) else Reason.NOT_AUTHORIZED) for n, topic in enumerate(topics, 1)
    ]


def test_what_came_before_a_message_that_ends_the_connection_is_acknowledged(rig: Rig) -> None:
    client = rig.client()
    client.send(Publish(up(MN), b"good", 1, 1), Publish(up(OTHER), b"bad", 1, 2), Publish(up(MN), b"unread", 1, 3))
    assert client.receive() == ack(PUBACK, 1)
    assert client.closed()
    assert rig.rows() == [(MN, MN, b"good")]


ENDS: dict[str, tuple[Packet, Refused, Reason]] = {
    "QoS 0 under another's topic": (Publish(up(OTHER), FRAME), Refused.MN_NOT_LOGIN, Reason.NOT_AUTHORIZED),
    "a retained message": (
        Publish(up(MN), FRAME, 1, 1, retain=True),
        Refused.RETAINED,
        Reason.RETAIN_NOT_SUPPORTED,
    ),
    "a payload over the cap": (Publish(up(MN), bytes(65_537), 1, 1), Refused.TOO_LARGE, Reason.PACKET_TOO_LARGE),
    "a packet over the cap": (Publish(up(MN), bytes(80_000), 1, 1), Refused.TOO_LARGE, Reason.PACKET_TOO_LARGE),
    "a topic alias": (
        Publish(up(MN), FRAME, 1, 1, properties={Property.TOPIC_ALIAS: 1}),
        Refused.PROTOCOL,
        Reason.TOPIC_ALIAS_INVALID,
    ),
    "AUTH": (Goodbye(type=PacketType.AUTH), Refused.PROTOCOL, Reason.PROTOCOL_ERROR),
    "a packet only servers send": (
        Granted(type=PacketType.SUBACK, packet_id=1, codes=(0,)),
        Refused.PROTOCOL,
        Reason.PROTOCOL_ERROR,
    ),
}


@pytest.mark.parametrize(("packet", "why", "reason"), ENDS.values(), ids=ENDS.keys())
def test_5_is_told_why_its_connection_ends(rig: Rig, packet: Packet, why: Refused, reason: Reason) -> None:
    client = rig.client(version=V5)
    if isinstance(packet, Publish) and Property.TOPIC_ALIAS in packet.properties:
        client.publish(b"first, so that the topic is known")
        assert client.receive() == ack(PUBACK)
    client.send(packet)
    assert client.receive() == Goodbye(type=PacketType.DISCONNECT, reason=reason)
    assert client.closed()
    assert rig.endpoint.refused[-1].reason is why


def test_a_payload_of_exactly_the_cap_is_taken_and_one_byte_more_closes_3_1_1(rig: Rig) -> None:
    client = rig.client()
    client.publish(bytes(65_536))
    assert client.receive() == ack(PUBACK)
    client.publish(bytes(65_537), packet_id=2)
    assert client.closed()
    assert rig.counts["refused.too_large"] == 1


def test_3_1_1_may_ask_to_retain_and_nothing_is_retained(rig: Rig) -> None:
    client = rig.client()
    client.send(Publish(up(MN), FRAME, 1, 1, retain=True))
    assert client.receive() == ack(PUBACK)


def test_qos_2_sent_again_before_its_release_is_stored_once(rig: Rig) -> None:
    client = rig.client(version=V5)
    client.publish(qos=2)
    client.send(Publish(up(MN), FRAME, 2, 1, dup=True))
    assert [client.receive(), client.receive()] == [ack(PUBREC), ack(PUBREC)]
    client.send(ack(PUBREL))
    assert client.receive() == ack(PUBCOMP)
    client.send(ack(PUBREL))
    assert client.receive() == ack(PUBCOMP, 1, Reason.PACKET_IDENTIFIER_NOT_FOUND)
    client.publish(qos=2)
    assert client.receive() == ack(PUBREC)
    assert len(rig.rows()) == 2
    assert rig.counts["repeated"] == 1


def test_qos_2_that_is_never_released_has_a_bound(tmp_path: Path) -> None:
    with running(tmp_path, unacknowledged_max=10) as rig:
        client = rig.client(version=V5)
        for n in range(1, 11):
            client.publish(qos=2, packet_id=n)
            assert client.receive() == ack(PUBREC, n)
        client.publish(qos=2, packet_id=11)
        assert client.receive() == Goodbye(type=PacketType.DISCONNECT, reason=Reason.RECEIVE_MAXIMUM_EXCEEDED)


FILTERS: dict[str, tuple[str, bool]] = {
    "its own down topic": (down(MN), True),
    "another monitor's": (down(OTHER), False),
    "everything": ("#", False),
    "everybody's down topic": (down("+"), False),
    "its own up topic": (up(MN), False),
    "a shared subscription": ("$share/a/" + down(MN), False),
    "the broker's own figures": ("$SYS/#", False),
}


@pytest.mark.parametrize(("version", "no"), [(V311, 0x80), (V5, Reason.NOT_AUTHORIZED)], ids=["3.1.1", "5"])
def test_a_client_may_listen_to_its_own_down_topic_only(rig: Rig, version: Version, no: int) -> None:
    client = rig.client(version=version)
    wishes = tuple(Wish(filter=filter, qos=2) for filter, _ in FILTERS.values())
    client.send(Subscribe(packet_id=7, wishes=wishes))
    codes = tuple(1 if granted else no for _, granted in FILTERS.values())
    assert client.receive() == Granted(type=PacketType.SUBACK, packet_id=7, codes=codes)
    assert "SUBSCRIBE to 'outfall/v1/010000A8900016F000169DC1/down' (6 such)" in rig.endpoint.refused[-1].detail
    client.send(Unsubscribe(packet_id=8, filters=(down(MN), "x")))
    told = (Reason.SUCCESS, Reason.NO_SUBSCRIPTION_EXISTED) if version is V5 else ()
    assert client.receive() == Granted(type=PacketType.UNSUBACK, packet_id=8, codes=told)


LEAVINGS: dict[str, tuple[bytes, int, int]] = {
    "the socket ends": (b"", 0, 1),
    "it sends rubbish": (b"\x00\x00", 0, 1),
    "it says goodbye": (build(Goodbye(type=PacketType.DISCONNECT), V5), 1, 0),
    "it says goodbye and asks for its will": (
        build(Goodbye(type=PacketType.DISCONNECT, reason=Reason.DISCONNECT_WITH_WILL), V5),
        1,
        1,
    ),
}


@pytest.mark.parametrize(("last", "goodbyes", "wills"), LEAVINGS.values(), ids=LEAVINGS.keys())
def test_a_will_is_said_unless_the_client_took_it_back(rig: Rig, last: bytes, goodbyes: int, wills: int) -> None:
    client = rig.client(version=V5, will=Will(topic=up(MN), payload=b"gone", qos=1))
    client.send_bytes(last)
    client.socket.close()
    assert rig.counted(goodbyes=goodbyes, offline=1 - goodbyes, wills=wills, stored=wills)
    assert rig.rows() == [(MN, MN, b"gone")] * wills


def test_a_will_stands_behind_the_last_message(rig: Rig) -> None:
    client = rig.client(will=Will(topic=up(MN), payload=b"gone"))
    client.publish(b"last")
    client.socket.close()
    assert rig.counted(stored=2)
    assert [payload for _, _, payload in rig.rows()] == [b"last", b"gone"]


def test_a_will_for_another_topic_is_kept_as_a_refusal_and_the_client_may_stay(rig: Rig) -> None:
    client = rig.client(will=Will(topic="status/offline", payload=b"gone"))
    assert client.is_served()
    client.socket.close()
    assert rig.counted(offline=1, wills=0, refused_will_topic=1)


def test_a_silent_client_is_given_up_after_one_and_a_half_keep_alives(rig: Rig) -> None:
    client = rig.client(version=V5, keep_alive_s=1, will=Will(topic=up(MN), payload=b"gone"))
    assert client.receive() == Goodbye(type=PacketType.DISCONNECT, reason=Reason.KEEP_ALIVE_TIMEOUT)
    assert rig.counted(keep_alive_expired=1, offline=1, wills=1, stored=1)


def test_a_taken_over_session_says_its_will(rig: Rig) -> None:
    first = rig.client(will=Will(topic=up(MN), payload=b"gone"))
    rig.client()
    assert first.closed()
    assert rig.counted(takeovers=1, wills=1, stored=1)


def test_refusals_can_be_read_by_another_process(tmp_path: Path) -> None:
    path = tmp_path / "refused.jsonl"
    with running(tmp_path, refusals=path) as rig:
        client = rig.client()
        client.publish(mn=OTHER)
        assert client.closed()
        assert soon(path.exists)
        assert list(read_refusals(path)) == list(rig.endpoint.refused)
        with path.open("ab") as file:
            file.write(b'{"cut by a cra')
        assert list(read_refusals(path)) == list(rig.endpoint.refused)
