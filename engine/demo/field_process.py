"""The field as a process of its own: it knows an address, its logins and the time it makes itself.

`start_field` runs this module as a program and hands it its options over stdin, so that no secret stands in a
command line.
"""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from itertools import groupby
from pathlib import Path

import orjson

from engine.demo.fleet import Device, FieldError, Fleet
from engine.demo.story import START_MS, happenings
from engine.demo.tally import FieldMemory, Shared
from sensors.field.district import District, make_district
from sensors.field.monitors import FieldFrame

HOUR_MS = 3_600_000
PORT_POLL_S = 0.01


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldOptions:
    """What the process is started with."""

    folder: str  # of the shared memory, engine.demo.tally.FieldMemory
    parent: int  # process id; the field ends when it is gone
    secrets: dict[str, str]  # MN -> its secret
    seed: int
    hours: float  # simulated
    step_s: int  # simulated seconds of one step
    speed: float  # simulated seconds per second; 0: no waiting


def start_field(options: FieldOptions) -> "subprocess.Popen[bytes]":
    """Start the process. It waits until `port` stands in the shared memory, and ends with its parent."""
    command = [sys.executable, "-m", "engine.demo.field_process"]
    field = subprocess.Popen(command, stdin=subprocess.PIPE, start_new_session=True)  # Ctrl-C is not for it
    assert field.stdin is not None
    field.stdin.write(orjson.dumps(asdict(options)))
    field.stdin.close()
    return field


def run_field(options: FieldOptions) -> None:
    """Play the whole field, step by step, into the endpoint.

    A step: the clock is set to its end, everything due in it is published, and the next step waits for the last
    PUBACK. So the time of the log never runs ahead of what the field has sent, however slow the machine is.
    """
    memory = FieldMemory(Path(options.folder))
    district = make_district(seed=options.seed, happenings=happenings())
    fleet = Fleet(Device(mn, secret) for mn, secret in options.secrets.items())
    try:
        port = _port(memory, options.parent)
        fleet.connect("127.0.0.1", port)
        memory.raw.connected = 1
        _play(options, memory.raw, district, fleet)
        fleet.close()
    except FieldError as error:
        if not memory.raw.stop:
            memory.fail(str(error))
    finally:
        memory.raw.finished = 1


def _port(memory: FieldMemory, parent: int) -> int:
    """Where the endpoint listens, as soon as it does."""
    while not memory.raw.port:
        if memory.raw.stop or os.getppid() != parent:
            raise FieldError("stopped before the endpoint listened")
        time.sleep(PORT_POLL_S)
    return int(memory.raw.port)


def _play(options: FieldOptions, shared: Shared, district: District, fleet: Fleet) -> None:
    began = time.monotonic()
    end_ms = START_MS + int(options.hours * HOUR_MS)
    for step_ms, frames in _steps(district.frames(START_MS, end_ms), options.step_s * 1000):
        if shared.stop or os.getppid() != options.parent:
            return
        shared.now_ms = min(step_ms, end_ms)
        for frame in frames:
            _count(shared, frame)
            fleet.publish(frame.mn, frame.payload)
        shared.published = fleet.published
        fleet.settle()
        shared.acknowledged = fleet.acknowledged
        if options.speed:
            ahead_s = (step_ms - START_MS) / 1000 / options.speed - (time.monotonic() - began)
            time.sleep(max(0.0, ahead_s))


def _steps(frames: Iterator[FieldFrame], step_ms: int) -> Iterator[tuple[int, Iterator[FieldFrame]]]:
    """(end of the step, what is sent in it). A step in which nothing is sent is left out."""
    for number, group in groupby(frames, key=lambda f: (f.at_ms - START_MS) // step_ms):
        yield START_MS + (number + 1) * step_ms, group


def _count(shared: Shared, frame: FieldFrame) -> None:
    shared.made += 1
    shared.copies += frame.copy
    shared.damaged += frame.damaged
    shared.back_filled += frame.back_filled
    if not frame.damaged:
        shared.readings += frame.readings
        shared.copied_readings += frame.readings * frame.copy
        shared.ahead_readings += frame.readings * (frame.ahead and not frame.copy)


if __name__ == "__main__":
    run_field(FieldOptions(**orjson.loads(sys.stdin.buffer.read())))
