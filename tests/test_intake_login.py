"""Who is let in, and what a client that is not is told: CONNECT and CONNACK in both versions."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from engine.intake.counts import Refused
from engine.intake.topics import up
from sensors.mqtt.packets import Ack, Connack, Goodbye, PacketType, Publish, Version, Will
from sensors.mqtt.properties import Property
from sensors.mqtt.reasons import Reason
from tests.intake_rig import FRAME, GATEWAY, MN, OTHER, RawClient, Rig, running, soon

V31, V311, V5 = Version


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    with running(tmp_path_factory.mktemp("data")) as started:
        yield started


@pytest.mark.parametrize("version", Version, ids=["3.1", "3.1.1", "5"])
def test_name_and_secret_let_in(rig: Rig, version: Version) -> None:
    with RawClient(rig.port) as client:
        answer = client.connect(MN, rig.secret[MN], version=version)
        assert (answer.code, answer.session_present) == (0, False)
        assert client.is_served()


DENIED: dict[str, tuple[Version, dict[str, Any], int]] = {
    "a wrong secret, 3.1.1": (V311, {"password": b"guess"}, 4),
    "a wrong secret, 5": (V5, {"password": b"guess"}, Reason.BAD_USER_NAME_OR_PASSWORD),
    "an unknown name": (V311, {"username": "nobody"}, 4),
    "the secret of another": (V311, {"username": OTHER}, 4),
    "no password": (V311, {"password": None}, 4),
    "no name and no password, 3.1.1": (V311, {"username": None, "password": None}, 5),
    "no name and no password, 5": (V5, {"username": None, "password": None}, Reason.NOT_AUTHORIZED),
    "no client id for a session that is to stay": (V311, {"client_id": "", "clean_start": False}, 2),
    "an authentication method": (
        V5,
        {"properties": {Property.AUTHENTICATION_METHOD: "SCRAM-SHA-1"}},
        Reason.BAD_AUTHENTICATION_METHOD,
    ),
    "a will that is to be retained": (
        V5,
        {"will": Will(topic=up(MN), payload=b"", retain=True)},
        Reason.RETAIN_NOT_SUPPORTED,
    ),
}


@pytest.mark.parametrize(("version", "fields", "code"), DENIED.values(), ids=DENIED.keys())
def test_denied_with_a_code_closed_counted_and_kept(rig: Rig, version: Version, fields: dict[str, Any], code: int) -> None:
    logins = rig.counts["logins"]
    with RawClient(rig.port) as client:
        answer = client.connect(MN, rig.secret[MN], version=version, **fields)
        assert answer.code == code
        assert client.closed()
    assert rig.counts["logins"] == logins
    kept = rig.endpoint.refused[-1]
    assert kept.reason in (Refused.LOGIN, Refused.CONNECT)
    assert kept.detail.startswith("CONNECT: ")
    assert kept.peer.startswith("127.0.0.1:")
    assert not any(secret in repr(kept) for secret in rig.secret.values())


def test_a_version_nobody_has_is_answered_in_words_every_version_knows(rig: Rig) -> None:
    with RawClient(rig.port) as client:
        client.send_bytes(bytes.fromhex("10 0d 00 04 4d 51 54 54 06 02 00 3c 00 01 63"))
        assert client.receive() == Connack(code=1)
        assert client.closed()


def test_the_first_packet_must_be_connect(rig: Rig) -> None:
    with RawClient(rig.port) as client:
        client.publish()
        assert client.closed()
    assert rig.endpoint.refused[-1].detail == "protocol_error: expected CONNECT first, got Publish"


def test_a_second_connect_ends_the_session(rig: Rig) -> None:
    client = rig.client(version=V5)
    client.send_bytes(bytes.fromhex("10 0d 00 04 4d 51 54 54 04 02 00 3c 00 01 63"))
    assert client.receive() == Goodbye(type=PacketType.DISCONNECT, reason=Reason.PROTOCOL_ERROR)
    assert client.closed()


def test_an_mqtt_5_client_is_told_what_the_endpoint_does_not_do(rig: Rig) -> None:
    wanted = {Property.SESSION_EXPIRY_INTERVAL: 3600}
    with RawClient(rig.port) as client:
        answer = client.connect(MN, rig.secret[MN], version=V5, client_id="", keep_alive_s=0, properties=wanted)
    told = dict(answer.properties)
    assert told.pop(Property.ASSIGNED_CLIENT_IDENTIFIER).startswith("outfall-")
    assert told == {
        Property.SESSION_EXPIRY_INTERVAL: 0,
        Property.RECEIVE_MAXIMUM: 1000,
        Property.MAXIMUM_PACKET_SIZE: 73_728,
        Property.RETAIN_AVAILABLE: 0,
        Property.WILDCARD_SUBSCRIPTION_AVAILABLE: 0,
        Property.SUBSCRIPTION_IDENTIFIER_AVAILABLE: 0,
        Property.SHARED_SUBSCRIPTION_AVAILABLE: 0,
        Property.SERVER_KEEP_ALIVE: 600,
    }


def test_the_same_device_again_ends_its_first_session(rig: Rig) -> None:
    before = rig.counts["takeovers"]
    first, second = rig.client(version=V5), rig.client(client_id="another id, the same login")
    assert first.receive() == Goodbye(type=PacketType.DISCONNECT, reason=Reason.SESSION_TAKEN_OVER)
    assert first.closed()
    assert second.is_served()
    assert rig.counts["takeovers"] == before + 1


def test_a_gateway_may_keep_several_connections_with_different_client_ids(rig: Rig) -> None:
    first, second = rig.client(GATEWAY, client_id="a"), rig.client(GATEWAY, client_id="b")
    assert first.is_served()
    assert second.is_served()
    third = rig.client(GATEWAY, client_id="a")
    assert first.closed()
    assert third.is_served()


def test_a_login_that_is_removed_loses_its_session_and_the_others_keep_theirs(tmp_path: Path) -> None:
    with running(tmp_path) as rig:
        removed, stays = rig.client(version=V5), rig.client(OTHER)
        rig.credentials.remove(MN)
        assert removed.receive() == Goodbye(type=PacketType.DISCONNECT, reason=Reason.NOT_AUTHORIZED)
        assert rig.counts["revoked"] == 1
        assert stays.is_served()


def test_a_login_added_while_the_endpoint_runs_is_let_in(tmp_path: Path) -> None:
    with running(tmp_path) as rig:
        secret = rig.credentials.add("NEW")
        with RawClient(rig.port) as client:
            assert client.connect("NEW", secret).code == 0


def test_a_damaged_credentials_file_keeps_who_is_in_and_lets_nobody_else_in(tmp_path: Path) -> None:
    with running(tmp_path) as rig:
        inside = rig.client()
        good = rig.credentials.path.read_bytes()
        rig.credentials.path.write_bytes(b"{")
        with RawClient(rig.port) as client:
            assert client.connect(OTHER, rig.secret[OTHER], version=V5).code == Reason.SERVER_UNAVAILABLE
        assert "devices.json: expected the credentials file of outfall" in rig.endpoint.refused[-1].detail
        assert inside.is_served()
        rig.credentials.path.write_bytes(good)
        with RawClient(rig.port) as client:
            assert client.connect(OTHER, rig.secret[OTHER]).code == 0


def test_nobody_is_anonymous_unless_the_settings_say_so(tmp_path: Path) -> None:
    with running(tmp_path, anonymous=True) as rig, RawClient(rig.port) as client:
        assert client.connect(MN, "", username=None, password=None).code == 0
        client.send(Publish(up("ANY-MN"), FRAME, 1, 1))
        assert client.receive() == Ack(type=PacketType.PUBACK, packet_id=1)
        assert rig.rows() == [("", "ANY-MN", FRAME)]
        with RawClient(rig.port) as known:
            assert known.connect(MN, "a wrong secret is wrong all the same").code == 4


def test_who_says_nothing_is_sent_away(tmp_path: Path) -> None:
    with running(tmp_path, connect_s_max=0.05) as rig, RawClient(rig.port) as client:
        assert client.closed()
        assert rig.endpoint.refused[-1].detail == "protocol_error: no CONNECT in time"


def test_no_more_connections_than_stated(tmp_path: Path) -> None:
    with running(tmp_path, connections_max=1) as rig:
        first = rig.client()
        with RawClient(rig.port) as second:
            assert second.closed()
        assert rig.endpoint.refused[-1].detail == "1 connections are open, no more are accepted"
        first.socket.close()
        assert soon(lambda: not rig.endpoint.connected)
        assert rig.client(OTHER).is_served()
