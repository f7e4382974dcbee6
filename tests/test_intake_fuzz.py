"""Clients that say anything in any order: the endpoint answers, closes or ignores, and never falls over."""

import contextlib
import logging
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.intake.counts import MESSAGES
from engine.intake.topics import up
from sensors.mqtt.build import build
from sensors.mqtt.packets import Packet, Publish, Version
from tests.intake_rig import MN, OTHER, RawClient, Rig, running, soon
from tests.test_mqtt_packets import BYTES, packets_of_5

V5 = Version.V5


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    with running(tmp_path_factory.mktemp("data")) as started:
        yield started


upwards = st.sampled_from([up(MN), up(OTHER), "x"])
own = st.tuples(upwards, st.binary(max_size=50), st.integers(1, 2), st.integers(1, 5)).map(lambda t: Publish(*t))
talk = st.lists(packets_of_5 | own, max_size=8)
raw = st.sampled_from([bytes.fromhex(hex) for _, _, hex in BYTES.values()]) | st.binary(max_size=50)
few = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def assert_well(rig: Rig, caplog: pytest.LogCaptureFixture) -> None:
    """Nothing crashed, others are served, the account adds up."""
    assert [record.message for record in caplog.records if record.name == "asyncio"] == []
    assert rig.endpoint.failure is None
    with rig.client(OTHER) as other:
        other.publish(b"still here", mn=OTHER)
        other.receive()
    assert soon(lambda: adds_up(rig))


def adds_up(rig: Rig) -> bool:
    """in = out + refused, and nothing waits."""
    counts = rig.counts
    refused = sum(counts[f"refused.{reason}"] for reason in MESSAGES)
    return rig.endpoint.waiting == 0 and counts["received"] == counts["stored"] + counts["repeated"] + refused


@few
@given(packets=talk)
def test_any_packets_after_a_login(rig: Rig, caplog: pytest.LogCaptureFixture, packets: list[Packet]) -> None:
    caplog.set_level(logging.INFO, "asyncio")
    with rig.client(version=V5) as client:
        say(client, b"".join(build(packet, V5) for packet in packets))
    assert_well(rig, caplog)


@few
@given(pieces=st.lists(raw, max_size=6), logged_in=st.booleans())
def test_any_bytes(rig: Rig, caplog: pytest.LogCaptureFixture, pieces: list[bytes], logged_in: bool) -> None:
    caplog.set_level(logging.INFO, "asyncio")
    with rig.client() if logged_in else RawClient(rig.port) as client:
        for piece in pieces:
            say(client, piece)
    assert_well(rig, caplog)


def say(client: RawClient, data: bytes) -> None:
    """It may have been closed already."""
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):
        client.send_bytes(data)
