"""Bytes that are no MQTT, or MQTT with bad intentions: refused with a reason, in bounded memory, never with a crash."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sensors.mqtt.packets import Version
from sensors.mqtt.reader import HEADER_MAX, PacketReader
from sensors.mqtt.reasons import MqttError, Reason
from tests.test_mqtt_packets import BYTES

V311, V5 = Version.V311, Version.V5
PACKET_MAX = 1000

REFUSED: dict[str, tuple[Version, str, Reason, str]] = {
    "a web browser": (V311, b"GET / HTTP/1.1".hex(), Reason.MALFORMED_PACKET, "0x47 does not begin a packet"),
    "a TLS client on the plain port": (V311, "16 03 01 02", Reason.MALFORMED_PACKET, "a TLS client"),
    "a packet type that does not exist": (V311, "00 00", Reason.MALFORMED_PACKET, "0x00"),
    "AUTH before MQTT 5": (V311, "f0 00", Reason.MALFORMED_PACKET, "AUTH needs MQTT 5"),
    "a length that never ends": (V311, "30 ff ff ff ff", Reason.MALFORMED_PACKET, "more than 4 bytes"),
    "a length of 256 MiB, before any of it has come": (V311, "30 ff ff ff 7f", Reason.PACKET_TOO_LARGE, "268435455"),
    "a PUBACK whose flags are not 0": (V311, "41 02 00 01", Reason.MALFORMED_PACKET, "0x41"),
    "a SUBSCRIBE whose flags are not 2": (V311, "80 06 00 0a 00 01 61 01", Reason.MALFORMED_PACKET, "0x80"),
    "a PINGREQ with a body": (V311, "c0 01 00", Reason.MALFORMED_PACKET, "1 bytes too many"),
    "a protocol nobody has heard of": (
        V311,
        "10 0d 00 04 48 54 54 50 04 02 00 3c 00 01 63",
        Reason.UNSUPPORTED_PROTOCOL_VERSION,
        "expected MQTT 3.1.1 or 5, got 'HTTP' level 4",
    ),
    "a version of the future": (
        V311,
        "10 0d 00 04 4d 51 54 54 06 02 00 3c 00 01 63",
        Reason.UNSUPPORTED_PROTOCOL_VERSION,
        "level 6",
    ),
    "a CONNECT with its reserved bit set": (
        V311,
        "10 0d 00 04 4d 51 54 54 04 03 00 3c 00 01 63",
        Reason.MALFORMED_PACKET,
        "reserved",
    ),
    "a CONNECT that promises a password and has none": (
        V311,
        "10 0d 00 04 4d 51 54 54 04 c2 00 3c 00 01 63",
        Reason.MALFORMED_PACKET,
        "user name: expected 2 bytes, got 0",
    ),
    "a password without a user name before MQTT 5": (
        V311,
        "10 10 00 04 4d 51 54 54 04 42 00 3c 00 01 63 00 01 70",
        Reason.PROTOCOL_ERROR,
        "a password without a user name",
    ),
    "a will of QoS 3": (
        V311,
        "10 13 00 04 4d 51 54 54 04 1e 00 3c 00 01 63 00 01 74 00 01 78",
        Reason.MALFORMED_PACKET,
        "will of QoS 3",
    ),
    "the QoS of a will that is not there": (
        V311,
        "10 0d 00 04 4d 51 54 54 04 0a 00 3c 00 01 63",
        Reason.MALFORMED_PACKET,
        "will that is not there",
    ),
    "a topic that is longer than its packet": (V311, "30 04 00 09 61 62", Reason.MALFORMED_PACKET, "a body of 4"),
    "a PUBLISH without a topic": (V311, "30 01 00", Reason.MALFORMED_PACKET, "no topic"),
    "an empty topic": (V311, "30 03 00 00 78", Reason.PROTOCOL_ERROR, "the topic is empty"),
    "a topic that is not UTF-8": (V311, "30 04 00 02 c3 28", Reason.MALFORMED_PACKET, "is not UTF-8"),
    "a topic with a lone surrogate": (V311, "30 05 00 03 ed a0 80", Reason.MALFORMED_PACKET, "is not UTF-8"),
    "a topic with a wildcard": (V311, "30 03 00 01 23", Reason.TOPIC_NAME_INVALID, "wildcard or NUL"),
    "a topic with NUL": (V311, "30 03 00 01 00", Reason.TOPIC_NAME_INVALID, "wildcard or NUL"),
    "QoS 3": (V311, "36 05 00 01 61 00 01", Reason.MALFORMED_PACKET, "QoS 3"),
    "packet id 0": (V311, "32 05 00 01 61 00 00", Reason.PROTOCOL_ERROR, "packet id 0"),
    "a duplicate of QoS 0": (V311, "38 03 00 01 61", Reason.MALFORMED_PACKET, "duplicate of QoS 0"),
    "a SUBSCRIBE for nothing": (V311, "82 02 00 0a", Reason.PROTOCOL_ERROR, "no topic filter"),
    "a SUBSCRIBE of QoS 3": (V311, "82 06 00 0a 00 01 61 03", Reason.MALFORMED_PACKET, "options 0x03"),
    "an UNSUBSCRIBE from nothing": (V311, "a2 02 00 0a", Reason.PROTOCOL_ERROR, "no topic filter"),
    "a property that does not exist": (V5, "30 05 00 01 61 01 7f", Reason.MALFORMED_PACKET, "no property 0x7f"),
    "a property of another packet": (V5, "30 08 00 01 61 04 12 00 01 63", Reason.PROTOCOL_ERROR, "may not carry"),
    "a property given twice": (V5, "30 08 00 01 61 04 01 01 01 01", Reason.PROTOCOL_ERROR, "given twice"),
    "a flag of 2": (V5, "30 06 00 01 61 02 01 02", Reason.PROTOCOL_ERROR, "expected 0 or 1, got 2"),
    "a topic alias of 0": (V5, "30 07 00 01 61 03 23 00 00", Reason.PROTOCOL_ERROR, "expected more than 0"),
    "properties longer than their packet": (V5, "30 04 00 01 61 7f", Reason.MALFORMED_PACKET, "expected 127 bytes"),
    "text of a property cut short": (V5, "30 07 00 01 61 03 03 00 09", Reason.MALFORMED_PACKET, "CONTENT_TYPE"),
}


@pytest.mark.parametrize(("version", "hex", "reason", "says"), REFUSED.values(), ids=REFUSED.keys())
def test_refused_with_a_reason_and_place(version: Version, hex: str, reason: Reason, says: str) -> None:
    reader = PacketReader(packet_max=PACKET_MAX, version=version)
    reader.feed(bytes.fromhex(hex))
    with pytest.raises(MqttError) as caught:
        reader.next()
    assert caught.value.reason is reason
    assert says in caught.value.detail


def read_until_error(data: bytes, version: Version, piece: int) -> int:
    """How many packets came before the stream ended or broke; checks the bound on memory on the way."""
    reader = PacketReader(packet_max=PACKET_MAX, version=version)
    count = 0
    try:
        for at in range(0, len(data), piece):
            reader.feed(data[at : at + piece])
            while reader.next() is not None:
                count += 1
            assert reader.unread <= PACKET_MAX + HEADER_MAX
    except MqttError as error:
        assert error.detail
    return count


versions = st.sampled_from(Version)


@given(data=st.binary(max_size=3000), version=versions, piece=st.integers(1, 500))
def test_any_bytes_give_packets_or_one_clean_error(data: bytes, version: Version, piece: int) -> None:
    read_until_error(data, version, piece)


valid = st.sampled_from([(version, bytes.fromhex(hex)) for version, _, hex in BYTES.values()])
edits = st.lists(st.tuples(st.integers(0, 200), st.integers(0, 255)), min_size=1, max_size=6)


@given(packet=valid, edits=edits, cut=st.integers(0, 200), piece=st.integers(1, 50))
def test_damaged_packets_give_packets_or_one_clean_error(
    packet: tuple[Version, bytes], edits: list[tuple[int, int]], cut: int, piece: int
) -> None:
    version, data = packet
    damaged = bytearray(data)
    for place, byte in edits:
        damaged[place % len(damaged)] = byte
    read_until_error(bytes(damaged[: cut or None]), version, piece)


def test_the_cost_of_a_packet_of_nothing_but_properties_is_linear() -> None:
    pairs = 10_000
    body = b"\x00\x01a" + bytes([0xD0, 0x86, 0x03]) + b"\x26\x00\x00\x00\x00" * pairs
    reader = PacketReader(packet_max=1 << 16, version=V5)
    reader.feed(bytes([0x30, 0xD6, 0x86, 0x03]) + body)
    packet = reader.next()
    assert packet is not None
    assert len(next(iter(packet.properties.values()))) == pairs  # type: ignore[union-attr]
