"""The field of a recording as a process of its own: it publishes what was recorded, and when it was known.

`start_publisher` runs this module as a program and hands it its options over stdin, so that no secret stands in a
command line.
"""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
import orjson

from engine.demo.fleet import Device, FieldError, Fleet
from engine.demo.tally import FieldMemory, Shared
from engine.replay.account import Account
from engine.replay.live.times import open_times
from engine.replay.live.uploads import uploads
from engine.replay.mapping.load import read_mapping
from engine.replay.order import in_batches
from engine.replay.recording import Recording
from engine.replay.register import Register
from sensors.reading import ReadingBatch

PORT_POLL_S = 0.01
WAITING_MAX = 400
"""Frames without their PUBACK; more make the commits larger, not the whole faster."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PublisherOptions:
    """What the process is started with."""

    folder: str  # of the shared memory, engine.demo.tally.FieldMemory
    parent: int  # process id; the publisher ends when it is gone
    login: str  # a gateway that may speak for every monitor of the recording
    secret: str
    file: str
    mapping: str
    config: str  # "": none
    to_ms: int | None
    sort: bool


def start_publisher(options: PublisherOptions) -> "subprocess.Popen[bytes]":
    """Start the process. It waits until `port` stands in the shared memory, and ends with its parent."""
    command = [sys.executable, "-m", "engine.replay.live.publisher"]
    publisher = subprocess.Popen(command, stdin=subprocess.PIPE, start_new_session=True)  # Ctrl-C is not for it
    assert publisher.stdin is not None
    publisher.stdin.write(orjson.dumps(asdict(options)))
    publisher.stdin.close()
    return publisher


def run_publisher(options: PublisherOptions) -> None:
    """Publish the whole recording in the order of its log times, at most `WAITING_MAX` frames ahead of the PUBACKs."""
    memory = FieldMemory(Path(options.folder))
    fleet = Fleet([Device(options.login, options.secret)])
    try:
        fleet.connect("127.0.0.1", _port(memory, options.parent))
        memory.raw.connected = 1
        _publish(options, memory.raw, fleet)
        fleet.close()
    except FieldError as error:
        if not memory.raw.stop:
            memory.fail(str(error))
    finally:
        memory.raw.finished = 1


def instants(recording: Recording, register: Register, *, sort: bool) -> Iterator[ReadingBatch]:
    """The readings of one log time after the other."""
    for step in in_batches(recording.timed(register, Account(), sort=sort), None):
        log_ms = step.readings.log_ms
        edges = [0, *(np.flatnonzero(np.diff(log_ms)) + 1).tolist(), len(log_ms)]
        for first, end in pairwise(edges):
            yield step.readings.take(slice(first, end))


def _publish(options: PublisherOptions, shared: Shared, fleet: Fleet) -> None:
    recording = Recording(
        file=Path(options.file),
        mapping=read_mapping(Path(options.mapping)),
        to_ms=options.to_ms,
        config=Path(options.config) if options.config else None,
    )
    register = Register(recording.mapping)
    times = open_times(Path(options.folder))
    device = fleet.devices[options.login]
    for instant in instants(recording, register, sort=options.sort):
        if shared.stop or os.getppid() != options.parent:
            return
        for upload in uploads(instant, register):
            times[device.published] = instant.log_ms[0]
            device.publish(upload.payload, upload.mn)
            shared.readings += upload.readings
            fleet.settle(waiting_max=WAITING_MAX)
        shared.published, shared.acknowledged = fleet.published, fleet.acknowledged
    fleet.settle()
    shared.acknowledged = fleet.acknowledged


def _port(memory: FieldMemory, parent: int) -> int:
    """Where the endpoint listens, as soon as it does."""
    while not memory.raw.port:
        if memory.raw.stop or os.getppid() != parent:
            raise FieldError("stopped before the endpoint listened")
        time.sleep(PORT_POLL_S)
    return int(memory.raw.port)


if __name__ == "__main__":
    run_publisher(PublisherOptions(**orjson.loads(sys.stdin.buffer.read())))
