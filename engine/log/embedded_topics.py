"""Topics and partitions of the log under the names that Faust uses."""

import zlib

from engine.log.api import Log
from engine.log.errors import LogError
from engine.log.file import Place
from engine.log.record import Topic


def topic_named(name: str) -> Topic:
    """The topic of that name.

    >>> topic_named("alerts")
    <Topic.ALERTS: 'alerts'>
    >>> topic_named("my-app-table-changelog")
    Traceback (most recent call last):
    engine.log.errors.LogError: embedded://: topic 'my-app-table-changelog': expected one of frames, readings, alerts
    """
    try:
        return Topic(name)
    except ValueError:
        raise LogError(f"embedded://: topic {name!r}: expected one of {', '.join(Topic)}") from None


def place_of(tp: tuple[str, int]) -> Place:
    """Topic and partition as the log has them."""
    return topic_named(tp[0]), tp[1]


def partition_for(log: Log, topic: Topic, key: bytes | None) -> int:
    """The partition for a key: the same in every process. Records without a key go to the first one."""
    return zlib.crc32(key) % log.partitions(topic) if key else 0
