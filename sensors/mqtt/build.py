"""From packets to bytes."""

import struct

from sensors.mqtt import properties, wire
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
from sensors.mqtt.parse import FLAGS
from sensors.mqtt.properties import Properties
from sensors.mqtt.reasons import Reason

NAMES = {Version.V31: "MQIsdp", Version.V311: "MQTT", Version.V5: "MQTT"}

pack_ack = struct.Struct(">BBH").pack
"""pack_ack(PUBACK << 4, 2, packet id): a success in every version, without an object."""


def build(packet: Packet, version: Version) -> bytes:
    """The packet as that version of MQTT writes it. What the version has no field for is left out.

    >>> build(Publish("a/b", b"hi", qos=1, packet_id=7), Version.V311).hex(" ")
    '32 09 00 03 61 2f 62 00 07 68 69'
    """
    match packet:
        case Publish():
            return _publish(packet, version)
        case Connect():
            return _framed(PacketType.CONNECT, _connect(packet))
        case Connack():
            head = bytes([packet.session_present, packet.code])
            return _framed(PacketType.CONNACK, head + _properties(packet.properties, version))
        case Ack() | Goodbye():
            return _framed(packet.type, _with_reason(packet, version))
        case Subscribe() | Unsubscribe() | Granted():
            return _framed(_type(packet), _with_list(packet, version))
        case Ping():
            return _framed(packet.type, b"")


def _framed(type: PacketType, body: bytes) -> bytes:
    return bytes([type << 4 | FLAGS.get(type, 0)]) + wire.varint(len(body)) + body


def _publish(packet: Publish, version: Version) -> bytes:
    first = PacketType.PUBLISH << 4 | packet.dup << 3 | packet.qos << 1 | packet.retain
    number = wire.u16(packet.packet_id) if packet.qos else b""
    body = wire.text(packet.topic) + number + _properties(packet.properties, version) + packet.payload
    return bytes([first]) + wire.varint(len(body)) + body


def _connect(packet: Connect) -> bytes:
    version, will = packet.version, packet.will
    flags = packet.clean_start << 1 | (packet.username is not None) << 7 | (packet.password is not None) << 6
    if will:
        flags |= 4 | will.qos << 3 | will.retain << 5
    head = wire.text(NAMES[version]) + bytes([version, flags]) + wire.u16(packet.keep_alive_s)
    body = head + _properties(packet.properties, version) + wire.text(packet.client_id)
    if will:
        body += _will(will, version)
    if packet.username is not None:
        body += wire.text(packet.username)
    if packet.password is not None:
        body += wire.binary(packet.password)
    return body


def _will(will: Will, version: Version) -> bytes:
    return _properties(will.properties, version) + wire.text(will.topic) + wire.binary(will.payload)


def _with_reason(packet: Ack | Goodbye, version: Version) -> bytes:
    head = wire.u16(packet.packet_id) if isinstance(packet, Ack) else b""
    if version is not Version.V5 or (packet.reason == Reason.SUCCESS and not packet.properties):
        return head
    found = properties.build(packet.properties) if packet.properties else b""
    return head + bytes([packet.reason]) + found


def _type(packet: Subscribe | Unsubscribe | Granted) -> PacketType:
    if isinstance(packet, Granted):
        return packet.type
    return PacketType.SUBSCRIBE if isinstance(packet, Subscribe) else PacketType.UNSUBSCRIBE


def _with_list(packet: Subscribe | Unsubscribe | Granted, version: Version) -> bytes:
    head = wire.u16(packet.packet_id) + _properties(packet.properties, version)
    match packet:
        case Subscribe():
            return head + b"".join(wire.text(wish.filter) + bytes([_options(wish, version)]) for wish in packet.wishes)
        case Unsubscribe():
            return head + b"".join(wire.text(filter) for filter in packet.filters)
        case Granted(type=PacketType.UNSUBACK) if version is not Version.V5:
            return head
        case Granted():
            return head + bytes(packet.codes)


def _options(wish: Wish, version: Version) -> int:
    if version is not Version.V5:
        return wish.qos
    return wish.qos | wish.no_local << 2 | wish.retain_as_published << 3 | wish.retain_handling << 4


def _properties(found: Properties, version: Version) -> bytes:
    return properties.build(found) if version is Version.V5 else b""
