"""From the body of one packet to the packet. Whatever the bytes, the outcome is a packet or an MqttError."""

from collections.abc import Callable, Mapping

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
from sensors.mqtt.properties import NONE, Properties, Property
from sensors.mqtt.reasons import MqttError, Reason
from sensors.mqtt.wire import Fields

VERSIONS = {("MQIsdp", 3): Version.V31, ("MQTT", 4): Version.V311, ("MQTT", 5): Version.V5}

FLAGS = {PacketType.PUBREL: 2, PacketType.SUBSCRIBE: 2, PacketType.UNSUBSCRIBE: 2}
"""The lower half of the first byte (MQTT 5, table 2-2); 0 where not listed, free for PUBLISH."""


def connect(body: bytes) -> Connect:
    """CONNECT. Unlike all others it says its own version."""
    fields = Fields(body)
    name, level = fields.text("protocol name"), fields.u8("protocol level")
    version = VERSIONS.get((name, level))
    if version is None:
        raise MqttError(
            Reason.UNSUPPORTED_PROTOCOL_VERSION, f"expected MQTT 3.1.1 or 5, got {name[:16]!r} level {level}"
        )
    flags = fields.u8("connect flags")
    keep_alive_s = fields.u16("keep-alive")
    found = _properties(fields, "CONNECT", version)
    client_id = fields.text("client id")
    will = _will(fields, flags, version)
    username = fields.text("user name") if flags & 0x80 else None
    password = fields.binary("password") if flags & 0x40 else None
    fields.done("CONNECT")
    if flags & 1:
        raise wire.malformed(f"connect flags: the lowest bit is reserved, got {flags:#04x}")
    if username is None and password is not None and version is not Version.V5:
        raise wire.violation("CONNECT: a password without a user name needs MQTT 5")
    return Connect(
        version=version,
        client_id=client_id,
        clean_start=bool(flags & 2),
        keep_alive_s=keep_alive_s,
        username=username,
        password=password,
        will=will,
        properties=found,
    )


def publish(buffer: bytes | bytearray, flags: int, at: int, end: int, version: Version) -> Publish:
    """PUBLISH with its body in buffer[at:end]. The hot path: no `Fields`, one object made."""
    topic_at = at + 2
    if end < topic_at:
        raise wire.malformed("PUBLISH: no topic")
    after = topic_at + (buffer[at] << 8 | buffer[at + 1])
    qos = flags >> 1 & 3
    rest = after + 2 if qos else after
    if end < rest:
        raise wire.malformed(f"PUBLISH: {rest - at} bytes of topic and packet id in a body of {end - at}")
    try:
        topic = buffer[topic_at:after].decode()
    except UnicodeDecodeError as error:
        raise wire.malformed(f"topic: {bytes(buffer[topic_at:after][:64])!r} is not UTF-8") from error
    packet_id = buffer[after] << 8 | buffer[after + 1] if qos else 0
    _check_publish(topic, qos, packet_id, flags)
    found = NONE
    if version is Version.V5:
        fields = Fields(bytes(buffer[rest:end]))
        found = properties.parse(fields, "PUBLISH")
        rest += fields.at
    if not topic and Property.TOPIC_ALIAS not in found:
        raise wire.violation("PUBLISH: the topic is empty")
    payload = bytes(buffer[rest:end])
    return Publish(topic, payload, qos, packet_id, flags & 8 != 0, flags & 1 != 0, found)


def _check_publish(topic: str, qos: int, packet_id: int, flags: int) -> None:
    if qos == 3:
        raise wire.malformed("PUBLISH: QoS 3")
    if qos and not packet_id:
        raise wire.violation("PUBLISH: packet id 0")
    if not qos and flags & 8:
        raise wire.malformed("PUBLISH: a duplicate of QoS 0")
    if "#" in topic or "+" in topic or "\0" in topic:
        raise MqttError(Reason.TOPIC_NAME_INVALID, f"PUBLISH: topic {topic[:64]!r} has a wildcard or NUL")


def _will(fields: Fields, flags: int, version: Version) -> Will | None:
    qos, retain = flags >> 3 & 3, bool(flags & 0x20)
    if not flags & 4:
        if qos or retain:
            raise wire.malformed(f"connect flags: QoS or retain of a will that is not there, {flags:#04x}")
        return None
    if qos == 3:
        raise wire.malformed("connect flags: will of QoS 3")
    found = _properties(fields, "WILL", version)
    topic, payload = fields.text("will topic"), fields.binary("will payload")
    return Will(topic=topic, payload=payload, qos=qos, retain=retain, properties=found)


def _connack(fields: Fields, version: Version) -> Connack:
    flags, code = fields.u8("connack flags"), fields.u8("connack code")
    if flags > 1:
        raise wire.malformed(f"connack flags: expected 0 or 1, got {flags}")
    return Connack(session_present=bool(flags), code=code, properties=_properties(fields, "CONNACK", version))


def _ack(type: PacketType, fields: Fields, version: Version) -> Ack:
    packet_id = _packet_id(fields, type)
    reason, found = _reason(fields, type, version)
    return Ack(type=type, packet_id=packet_id, reason=reason, properties=found)


def _subscribe(fields: Fields, version: Version) -> Subscribe:
    packet_id = _packet_id(fields, PacketType.SUBSCRIBE)
    found = _properties(fields, "SUBSCRIBE", version)
    wishes = []
    while fields.left:
        wishes.append(_wish(fields.text("topic filter"), fields.u8("subscription options"), version))
    if not wishes:
        raise wire.violation("SUBSCRIBE: no topic filter")
    return Subscribe(packet_id=packet_id, wishes=tuple(wishes), properties=found)


def _wish(filter: str, options: int, version: Version) -> Wish:
    known = 0x3F if version is Version.V5 else 0x03
    handling = options >> 4 & 3
    if options & ~known or options & 3 == 3 or handling == 3:
        raise wire.malformed(f"SUBSCRIBE: options {options:#04x}")
    if not filter:
        raise wire.malformed("SUBSCRIBE: an empty topic filter")
    return Wish(
        filter=filter,
        qos=options & 3,
        no_local=bool(options & 4),
        retain_as_published=bool(options & 8),
        retain_handling=handling,
    )


def _granted(type: PacketType, fields: Fields, version: Version) -> Granted:
    packet_id = _packet_id(fields, type)
    found = _properties(fields, type.name, version)
    return Granted(type=type, packet_id=packet_id, codes=tuple(fields.rest()), properties=found)


def _unsubscribe(fields: Fields, version: Version) -> Unsubscribe:
    packet_id = _packet_id(fields, PacketType.UNSUBSCRIBE)
    found = _properties(fields, "UNSUBSCRIBE", version)
    filters = []
    while fields.left:
        filters.append(fields.text("topic filter"))
    if not filters:
        raise wire.violation("UNSUBSCRIBE: no topic filter")
    return Unsubscribe(packet_id=packet_id, filters=tuple(filters), properties=found)


def _goodbye(type: PacketType, fields: Fields, version: Version) -> Goodbye:
    if type is PacketType.AUTH and version is not Version.V5:
        raise wire.malformed("AUTH needs MQTT 5")
    reason, found = _reason(fields, type, version)
    return Goodbye(type=type, reason=reason, properties=found)


def _ping(type: PacketType, fields: Fields, version: Version) -> Ping:
    return Ping(type=type)


def _packet_id(fields: Fields, type: PacketType) -> int:
    packet_id = fields.u16("packet id")
    if not packet_id:
        raise wire.violation(f"{type.name}: packet id 0")
    return packet_id


def _reason(fields: Fields, type: PacketType, version: Version) -> tuple[int, Properties]:
    """MQTT 5 may leave out a reason that is 0, and properties that are none (3.4.2.1)."""
    if version is not Version.V5 or not fields.left:
        return Reason.SUCCESS, NONE
    reason = fields.u8("reason code")
    return reason, properties.parse(fields, type.name) if fields.left else NONE


def _properties(fields: Fields, packet: str, version: Version) -> Properties:
    return properties.parse(fields, packet) if version is Version.V5 else NONE


T = PacketType
PARSERS: Mapping[PacketType, Callable[[Fields, Version], Packet]] = {
    T.CONNACK: _connack,
    T.PUBACK: lambda fields, version: _ack(T.PUBACK, fields, version),
    T.PUBREC: lambda fields, version: _ack(T.PUBREC, fields, version),
    T.PUBREL: lambda fields, version: _ack(T.PUBREL, fields, version),
    T.PUBCOMP: lambda fields, version: _ack(T.PUBCOMP, fields, version),
    T.SUBSCRIBE: _subscribe,
    T.SUBACK: lambda fields, version: _granted(T.SUBACK, fields, version),
    T.UNSUBSCRIBE: _unsubscribe,
    T.UNSUBACK: lambda fields, version: _granted(T.UNSUBACK, fields, version),
    T.PINGREQ: lambda fields, version: _ping(T.PINGREQ, fields, version),
    T.PINGRESP: lambda fields, version: _ping(T.PINGRESP, fields, version),
    T.DISCONNECT: lambda fields, version: _goodbye(T.DISCONNECT, fields, version),
    T.AUTH: lambda fields, version: _goodbye(T.AUTH, fields, version),
}


def packet(type: PacketType, body: bytes, version: Version) -> Packet:
    """Every packet but CONNECT and PUBLISH."""
    fields = Fields(body)
    parsed = PARSERS[type](fields, version)
    fields.done(type.name)
    return parsed
