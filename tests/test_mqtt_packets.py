"""Packets to bytes and back, against bytes written down by hand from the standards."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sensors.mqtt.build import build
from sensors.mqtt.packets import (
    Ack,
    Connack,
    Connect,
    Goodbye,
    Granted,
    Packet,
    PacketType,
    Ping,
    Publish,
    Subscribe,
    Unsubscribe,
    Version,
    Will,
    Wish,
)
from sensors.mqtt.properties import ALLOWED, CODECS, FLAGS, TEXT, Property
from sensors.mqtt.reader import PacketReader
from sensors.mqtt.reasons import Reason

V311, V5 = Version.V311, Version.V5

BYTES: dict[str, tuple[Version, Packet, str]] = {
    "a 3.1.1 CONNECT with will, user name and password (3.1.1, figure 3.6)": (
        V311,
        Connect(
            version=V311,
            client_id="c",
            keep_alive_s=10,
            username="u",
            password=b"p",
            will=Will(topic="t", payload=b"gone", qos=1),
        ),
        "10 1c 00 04 4d 51 54 54 04 ce 00 0a 00 01 63 00 01 74 00 04 67 6f 6e 65 00 01 75 00 01 70",
    ),
    "a 3.1 CONNECT, as old data loggers send it": (
        Version.V31,
        Connect(version=Version.V31, client_id="c", keep_alive_s=60),
        "10 0f 00 06 4d 51 49 73 64 70 03 02 00 3c 00 01 63",
    ),
    "a CONNECT of MQTT 5 with a session expiry": (
        V5,
        Connect(version=V5, client_id="", keep_alive_s=0, properties={Property.SESSION_EXPIRY_INTERVAL: 10}),
        "10 12 00 04 4d 51 54 54 05 02 00 00 05 11 00 00 00 0a 00 00",
    ),
    "a CONNACK before 5 is two bytes": (V311, Connack(session_present=True), "20 02 01 00"),
    "a CONNACK of 5 has properties, if only none": (V5, Connack(code=Reason.NOT_AUTHORIZED), "20 03 00 87 00"),
    "QoS 0 has no packet id": (V311, Publish("a/b", b"x"), "30 06 00 03 61 2f 62 78"),
    "a duplicate of QoS 1, retained": (
        V311,
        Publish("a/b", b"x", qos=1, packet_id=258, dup=True, retain=True),
        "3b 08 00 03 61 2f 62 01 02 78",
    ),
    "a PUBLISH of 5 with two user properties": (
        V5,
        Publish("a", b"x", properties={Property.USER_PROPERTY: (("k", "v"), ("k", "w"))}),
        "30 13 00 01 61 0e 26 00 01 6b 00 01 76 26 00 01 6b 00 01 77 78",
    ),
    "a PUBACK of success is the same in every version": (V5, Ack(type=PacketType.PUBACK, packet_id=1), "40 02 00 01"),
    "a PUBACK of 5 that refuses": (
        V5,
        Ack(type=PacketType.PUBACK, packet_id=1, reason=Reason.NOT_AUTHORIZED),
        "40 03 00 01 87",
    ),
    "a PUBREL has 2 in its first byte": (V311, Ack(type=PacketType.PUBREL, packet_id=9), "62 02 00 09"),
    "a SUBSCRIBE of two filters": (
        V311,
        Subscribe(packet_id=10, wishes=(Wish(filter="a/b", qos=1), Wish(filter="c/d", qos=2))),
        "82 0e 00 0a 00 03 61 2f 62 01 00 03 63 2f 64 02",
    ),
    "a SUBACK that grants one and refuses one": (
        V311,
        Granted(type=PacketType.SUBACK, packet_id=10, codes=(1, 0x80)),
        "90 04 00 0a 01 80",
    ),
    "an UNSUBSCRIBE": (V311, Unsubscribe(packet_id=10, filters=("a/b",)), "a2 07 00 0a 00 03 61 2f 62"),
    "an UNSUBACK before 5 has no codes": (
        V311,
        Granted(type=PacketType.UNSUBACK, packet_id=10, codes=()),
        "b0 02 00 0a",
    ),
    "a ping": (V311, Ping(type=PacketType.PINGREQ), "c0 00"),
    "a DISCONNECT without a word": (V5, Goodbye(type=PacketType.DISCONNECT), "e0 00"),
    "a DISCONNECT with reason and text": (
        V5,
        Goodbye(
            type=PacketType.DISCONNECT, reason=Reason.SESSION_TAKEN_OVER, properties={Property.REASON_STRING: "new"}
        ),
        "e0 08 8e 06 1f 00 03 6e 65 77",
    ),
}


@pytest.mark.parametrize(("version", "packet", "hex"), BYTES.values(), ids=BYTES.keys())
def test_bytes_and_packet_stand_for_each_other(version: Version, packet: Packet, hex: str) -> None:
    assert build(packet, version).hex(" ") == hex
    assert read_all(bytes.fromhex(hex), version) == [packet]


def read_all(data: bytes, version: Version, piece: int = 1 << 20) -> list[Packet]:
    """Every packet in `data`, fed in pieces of that many bytes."""
    reader = PacketReader(packet_max=1 << 20, version=version)
    found = []
    for at in range(0, len(data), piece):
        reader.feed(data[at : at + piece])
        while (packet := reader.next()) is not None:
            found.append(packet)
    assert reader.unread == 0
    return found


words = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=40)
topics = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0+#"), min_size=1, max_size=40)
packet_ids = st.integers(1, 0xFFFF)
data = st.binary(max_size=300)


def property_value(name: Property) -> st.SearchStrategy[object]:
    """Any value the property may have."""
    codec = CODECS.get(name, TEXT)
    if name in FLAGS:
        return st.integers(0, 1)
    if name is Property.USER_PROPERTY:
        return st.lists(st.tuples(words, words), min_size=1, max_size=3).map(tuple)
    if codec is TEXT:
        return words
    return data if "binary" in codec[0].__name__ else st.integers(1, 0xFFFF)


def properties(packet: str) -> st.SearchStrategy[dict[Property, object]]:
    """Any properties that packet may carry."""
    return st.fixed_dictionaries({}, optional={name: property_value(name) for name in sorted(ALLOWED[packet])})


wills = st.builds(
    Will, topic=topics, payload=data, qos=st.integers(0, 2), retain=st.booleans(), properties=properties("WILL")
)
wishes = st.builds(
    Wish,
    filter=topics,
    qos=st.integers(0, 2),
    no_local=st.booleans(),
    retain_as_published=st.booleans(),
    retain_handling=st.integers(0, 2),
)
codes = st.lists(st.sampled_from(Reason).map(int), min_size=1, max_size=5).map(tuple)
packets_of_5: st.SearchStrategy[Packet] = st.one_of(
    st.builds(
        Connect,
        version=st.just(V5),
        client_id=words,
        clean_start=st.booleans(),
        keep_alive_s=st.integers(0, 0xFFFF),
        username=st.none() | words,
        password=st.none() | data,
        will=st.none() | wills,
        properties=properties("CONNECT"),
    ),
    st.builds(Connack, session_present=st.booleans(), code=st.sampled_from(Reason), properties=properties("CONNACK")),
    st.builds(
        Publish, topics, data, st.integers(1, 2), packet_ids, st.booleans(), st.booleans(), properties("PUBLISH")
    ),
    st.builds(Publish, topics, data, st.just(0), st.just(0), st.just(False), st.booleans(), properties("PUBLISH")),
    *(
        st.builds(
            Ack,
            type=st.just(type),
            packet_id=packet_ids,
            reason=st.sampled_from(Reason),
            properties=properties(type.name),
        )
        for type in (PacketType.PUBACK, PacketType.PUBREC, PacketType.PUBREL, PacketType.PUBCOMP)
    ),
    st.builds(
        Subscribe,
        packet_id=packet_ids,
        wishes=st.lists(wishes, min_size=1, max_size=4).map(tuple),
        properties=properties("SUBSCRIBE"),
    ),
    st.builds(
        Unsubscribe,
        packet_id=packet_ids,
        filters=st.lists(topics, min_size=1, max_size=4).map(tuple),
        properties=properties("UNSUBSCRIBE"),
    ),
    *(
        st.builds(Granted, type=st.just(type), packet_id=packet_ids, codes=codes, properties=properties(type.name))
        for type in (PacketType.SUBACK, PacketType.UNSUBACK)
    ),
    *(
        st.builds(Goodbye, type=st.just(type), reason=st.sampled_from(Reason), properties=properties(type.name))
        for type in (PacketType.DISCONNECT, PacketType.AUTH)
    ),
)


@given(packets=st.lists(packets_of_5, max_size=4), piece=st.integers(1, 50))
def test_any_packets_in_pieces_of_any_size_come_back_as_they_were(packets: list[Packet], piece: int) -> None:
    stream = b"".join(build(packet, V5) for packet in packets)
    assert read_all(stream, V5, piece) == packets
