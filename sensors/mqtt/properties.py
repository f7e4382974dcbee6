"""The properties of MQTT 5 packets (MQTT 5, 2.2.2): what each is made of and which packets may carry it."""

from collections.abc import Callable, Mapping
from enum import IntEnum
from types import MappingProxyType
from typing import Any

from sensors.mqtt import wire
from sensors.mqtt.wire import Fields


class Property(IntEnum):
    """MQTT 5, table 2-4."""

    PAYLOAD_FORMAT_INDICATOR = 0x01
    MESSAGE_EXPIRY_INTERVAL = 0x02
    CONTENT_TYPE = 0x03
    RESPONSE_TOPIC = 0x08
    CORRELATION_DATA = 0x09
    SUBSCRIPTION_IDENTIFIER = 0x0B
    SESSION_EXPIRY_INTERVAL = 0x11
    ASSIGNED_CLIENT_IDENTIFIER = 0x12
    SERVER_KEEP_ALIVE = 0x13
    AUTHENTICATION_METHOD = 0x15
    AUTHENTICATION_DATA = 0x16
    REQUEST_PROBLEM_INFORMATION = 0x17
    WILL_DELAY_INTERVAL = 0x18
    REQUEST_RESPONSE_INFORMATION = 0x19
    RESPONSE_INFORMATION = 0x1A
    SERVER_REFERENCE = 0x1C
    REASON_STRING = 0x1F
    RECEIVE_MAXIMUM = 0x21
    TOPIC_ALIAS_MAXIMUM = 0x22
    TOPIC_ALIAS = 0x23
    MAXIMUM_QOS = 0x24
    RETAIN_AVAILABLE = 0x25
    USER_PROPERTY = 0x26
    MAXIMUM_PACKET_SIZE = 0x27
    WILDCARD_SUBSCRIPTION_AVAILABLE = 0x28
    SUBSCRIPTION_IDENTIFIER_AVAILABLE = 0x29
    SHARED_SUBSCRIPTION_AVAILABLE = 0x2A


Properties = Mapping[Property, Any]
"""Values: int, str or bytes by the property's type; USER_PROPERTY is a tuple of (name, value) pairs."""

NONE: Properties = MappingProxyType({})

P = Property

Codec = tuple[Callable[[Fields, str], Any], Callable[[Any], bytes]]
BYTE: Codec = (Fields.u8, lambda value: bytes([value]))  # 0 or 1
U16: Codec = (Fields.u16, wire.u16)
U32: Codec = (Fields.u32, lambda value: int(value).to_bytes(4))
VARINT: Codec = (Fields.varint, wire.varint)
BINARY: Codec = (Fields.binary, wire.binary)
PAIR: Codec = (lambda part, what: (part.text(what), part.text(what)), lambda two: wire.text(two[0]) + wire.text(two[1]))
TEXT: Codec = (Fields.text, wire.text)

FLAGS = {
    P.PAYLOAD_FORMAT_INDICATOR, P.REQUEST_PROBLEM_INFORMATION, P.REQUEST_RESPONSE_INFORMATION, P.MAXIMUM_QOS,
    P.RETAIN_AVAILABLE, P.WILDCARD_SUBSCRIPTION_AVAILABLE, P.SUBSCRIPTION_IDENTIFIER_AVAILABLE,
    P.SHARED_SUBSCRIPTION_AVAILABLE,
}  # fmt: skip
CODECS: Mapping[Property, Codec] = {
    **dict.fromkeys(FLAGS, BYTE),
    **dict.fromkeys((P.SERVER_KEEP_ALIVE, P.RECEIVE_MAXIMUM, P.TOPIC_ALIAS_MAXIMUM, P.TOPIC_ALIAS), U16),
    **dict.fromkeys((P.MESSAGE_EXPIRY_INTERVAL, P.SESSION_EXPIRY_INTERVAL), U32),
    **dict.fromkeys((P.WILL_DELAY_INTERVAL, P.MAXIMUM_PACKET_SIZE), U32),
    **dict.fromkeys((P.CORRELATION_DATA, P.AUTHENTICATION_DATA), BINARY),
    P.SUBSCRIPTION_IDENTIFIER: VARINT,
    P.USER_PROPERTY: PAIR,
}
"""How a value is taken and built; TEXT where not listed."""

NOT_ZERO = {P.RECEIVE_MAXIMUM, P.MAXIMUM_PACKET_SIZE, P.SUBSCRIPTION_IDENTIFIER, P.TOPIC_ALIAS}

EVERYWHERE = {P.USER_PROPERTY}
ANSWER = EVERYWHERE | {P.REASON_STRING}
MESSAGE = EVERYWHERE | {
    P.PAYLOAD_FORMAT_INDICATOR, P.MESSAGE_EXPIRY_INTERVAL, P.CONTENT_TYPE, P.RESPONSE_TOPIC, P.CORRELATION_DATA,
}  # fmt: skip
AUTH = ANSWER | {P.AUTHENTICATION_METHOD, P.AUTHENTICATION_DATA}
ALLOWED: Mapping[str, set[Property]] = {
    "CONNECT": EVERYWHERE | {
        P.SESSION_EXPIRY_INTERVAL, P.AUTHENTICATION_METHOD, P.AUTHENTICATION_DATA, P.REQUEST_PROBLEM_INFORMATION,
        P.REQUEST_RESPONSE_INFORMATION, P.RECEIVE_MAXIMUM, P.TOPIC_ALIAS_MAXIMUM, P.MAXIMUM_PACKET_SIZE,
    },
    "WILL": MESSAGE | {P.WILL_DELAY_INTERVAL},
    "CONNACK": AUTH | {
        P.MAXIMUM_QOS, P.RETAIN_AVAILABLE, P.WILDCARD_SUBSCRIPTION_AVAILABLE, P.SUBSCRIPTION_IDENTIFIER_AVAILABLE,
        P.SHARED_SUBSCRIPTION_AVAILABLE, P.SESSION_EXPIRY_INTERVAL, P.ASSIGNED_CLIENT_IDENTIFIER, P.SERVER_KEEP_ALIVE,
        P.RESPONSE_INFORMATION, P.SERVER_REFERENCE, P.RECEIVE_MAXIMUM, P.TOPIC_ALIAS_MAXIMUM, P.MAXIMUM_PACKET_SIZE,
    },
    "PUBLISH": MESSAGE | {P.SUBSCRIPTION_IDENTIFIER, P.TOPIC_ALIAS},
    "PUBACK": ANSWER, "PUBREC": ANSWER, "PUBREL": ANSWER, "PUBCOMP": ANSWER,
    "SUBSCRIBE": EVERYWHERE | {P.SUBSCRIPTION_IDENTIFIER},
    "SUBACK": ANSWER,
    "UNSUBSCRIBE": EVERYWHERE,
    "UNSUBACK": ANSWER,
    "DISCONNECT": ANSWER | {P.SESSION_EXPIRY_INTERVAL, P.SERVER_REFERENCE},
    "AUTH": AUTH,
}  # fmt: skip


def parse(fields: Fields, packet: str) -> Properties:
    """The properties of a packet named as in `ALLOWED`.

    Refused: one the packet may not carry, one given twice (USER_PROPERTY may be), a value out of its range.
    """
    part = fields.part(f"{packet} properties")
    if not part.left:
        return NONE
    found: dict[Property, Any] = {}
    pairs = []
    while part.left:
        name = _name(part.varint("property"), packet)
        value = _value(part, name)
        if name is Property.USER_PROPERTY:
            pairs.append(value)
        elif name in found and (name, packet) != (Property.SUBSCRIPTION_IDENTIFIER, "PUBLISH"):
            raise wire.violation(f"{packet}: {name.name} is given twice")
        else:
            found[name] = value
    if pairs:
        found[Property.USER_PROPERTY] = tuple(pairs)
    return found


def build(properties: Properties) -> bytes:
    """Properties with their length in front."""
    out = bytearray()
    for name, value in properties.items():
        for one in value if name is Property.USER_PROPERTY else (value,):
            out += wire.varint(name) + CODECS.get(name, TEXT)[1](one)
    return wire.varint(len(out)) + bytes(out)


def _name(number: int, packet: str) -> Property:
    try:
        name = Property(number)
    except ValueError as error:
        raise wire.malformed(f"{packet}: there is no property {number:#04x}") from error
    if name not in ALLOWED[packet]:
        raise wire.violation(f"{packet} may not carry {name.name}")
    return name


def _value(part: Fields, name: Property) -> Any:
    value = CODECS.get(name, TEXT)[0](part, name.name)
    if name in FLAGS and value > 1:
        raise wire.violation(f"{name.name}: expected 0 or 1, got {value}")
    if name in NOT_ZERO and value == 0:
        raise wire.violation(f"{name.name}: expected more than 0")
    return value
