"""The log of a cluster for somebody who only reads it."""

from collections.abc import Iterator
from contextlib import contextmanager

from engine.log.kafka.loop import LoopThread
from engine.log.kafka.reader import KafkaReader
from engine.log.kafka.settings import KafkaSettings


@contextmanager
def opened_reader(settings: KafkaSettings) -> Iterator[KafkaReader]:
    """A reader, and the thread of its client; both end with the context."""
    loop = LoopThread("kafka-reader")
    reader = KafkaReader(settings, loop)
    try:
        yield reader
        reader.close()
    finally:
        loop.close()
