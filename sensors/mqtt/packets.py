"""MQTT packets as data (MQTT 3.1.1 and 5). Parsed by `sensors.mqtt.reader`, made into bytes by `sensors.mqtt.build`."""

from dataclasses import dataclass, field
from enum import IntEnum
from typing import NamedTuple

from sensors.mqtt.properties import NONE, Properties
from sensors.mqtt.reasons import Reason


class Version(IntEnum):
    """Protocol level as CONNECT says it. Old data loggers still speak 3.1, which differs from 3.1.1 in CONNECT only."""

    V31 = 3
    V311 = 4
    V5 = 5


class PacketType(IntEnum):
    """The upper half of a packet's first byte."""

    CONNECT = 1
    CONNACK = 2
    PUBLISH = 3
    PUBACK = 4
    PUBREC = 5
    PUBREL = 6
    PUBCOMP = 7
    SUBSCRIBE = 8
    SUBACK = 9
    UNSUBSCRIBE = 10
    UNSUBACK = 11
    PINGREQ = 12
    PINGRESP = 13
    DISCONNECT = 14
    AUTH = 15


class Publish(NamedTuple):
    """One message. A NamedTuple because there are tens of thousands a second, and it is the cheapest to make."""

    topic: str
    payload: bytes
    qos: int = 0
    packet_id: int = 0  # 0: none, QoS 0
    dup: bool = False
    retain: bool = False
    properties: Properties = NONE


@dataclass(frozen=True, slots=True, kw_only=True)
class Will:
    """What the server says in a client's name when the client is gone without a word."""

    topic: str
    payload: bytes
    qos: int = 0
    retain: bool = False
    properties: Properties = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Connect:
    """A client's first packet."""

    version: Version
    client_id: str
    clean_start: bool = True  # 3.1.1: clean session
    keep_alive_s: int = 60  # 0: none
    username: str | None = None
    password: bytes | None = None
    will: Will | None = None
    properties: Properties = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Connack:
    """The server's answer to CONNECT. `code`: a Reason in MQTT 5, a return code (`CONNECT_RETURN`) before."""

    session_present: bool = False
    code: int = 0
    properties: Properties = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ack:
    """PUBACK, PUBREC, PUBREL or PUBCOMP."""

    type: PacketType
    packet_id: int
    reason: int = Reason.SUCCESS
    properties: Properties = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """One topic filter of a SUBSCRIBE and its options (MQTT 5, 3.8.3.1; before 5 only the QoS)."""

    filter: str
    qos: int = 0
    no_local: bool = False
    retain_as_published: bool = False
    retain_handling: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscribe:
    """A wish for messages."""

    packet_id: int
    wishes: tuple[Wish, ...]
    properties: Properties = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Unsubscribe:
    """The end of wishes."""

    packet_id: int
    filters: tuple[str, ...]
    properties: Properties = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Granted:
    """SUBACK or UNSUBACK: a code for each filter, in order. UNSUBACK has none before MQTT 5."""

    type: PacketType
    packet_id: int
    codes: tuple[int, ...]
    properties: Properties = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ping:
    """PINGREQ or PINGRESP."""

    type: PacketType


@dataclass(frozen=True, slots=True, kw_only=True)
class Goodbye:
    """DISCONNECT or AUTH: a reason and properties."""

    type: PacketType
    reason: int = Reason.SUCCESS
    properties: Properties = field(default_factory=dict)


Packet = Publish | Connect | Connack | Ack | Subscribe | Unsubscribe | Granted | Ping | Goodbye
