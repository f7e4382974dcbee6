"""The field as a process of its own: it knows an address, its logins and the time it makes itself."""

import os
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from engine.demo.fleet import Device, FieldError, Fleet
from engine.demo.story import START_MS, happenings
from sensors.field.district import District, make_district
from sensors.field.monitors import FieldFrame

HOUR_MS = 3_600_000


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldOptions:
    """What the process is started with."""

    host: str
    port: int
    secrets: tuple[tuple[str, str], ...]  # (MN, its secret)
    seed: int
    hours: float  # simulated
    step_s: int  # simulated seconds of one step
    speed: float  # simulated seconds per second; 0: no waiting


def run_field(options: FieldOptions, shared: Any) -> None:
    """Play the whole field, step by step, into the endpoint. `shared` is an `engine.demo.tally.Shared`.

    A step: the clock is set to its end, everything due in it is published, and the next step waits for the last
    PUBACK. So the time of the log never runs ahead of what the field has sent, however slow the machine is.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the pipeline's to handle; it sets `stop`
    district = make_district(seed=options.seed, happenings=happenings())
    fleet = Fleet(Device(mn, secret) for mn, secret in options.secrets)
    try:
        fleet.connect(options.host, options.port)
        shared.connected = 1
        _play(options, shared, district, fleet)
        fleet.close()
    except FieldError as lost:
        if not shared.stop:
            shared.trouble = str(lost).encode()[:399]
    finally:
        shared.finished = 1


def _play(options: FieldOptions, shared: Any, district: District, fleet: Fleet) -> None:
    parent = os.getppid()
    began = time.monotonic()
    end_ms = START_MS + int(options.hours * HOUR_MS)
    for step_ms, frames in _steps(district.frames(START_MS, end_ms), options.step_s * 1000):
        if shared.stop or os.getppid() != parent:
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


def _count(shared: Any, frame: FieldFrame) -> None:
    shared.made += 1
    shared.copies += frame.copy
    shared.damaged += frame.damaged
    shared.back_filled += frame.back_filled
    if not frame.damaged:
        shared.readings += frame.readings
        shared.copied_readings += frame.readings * frame.copy
        shared.ahead_readings += frame.readings * (frame.ahead and not frame.copy)
