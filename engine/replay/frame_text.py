"""A text file of HJ 212 frames, one a line, as entries of a log. What it is judged by comes from a configuration.

A line is a frame, or the time it was received, a blank and the frame. Without that time a frame counts as received at its
QN (else its DataTime), never before the frame above it; one that is more than `LEAP_MS` ahead of both neighbours has a
wrong clock and counts as received with the frame above.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np

from engine.log.record import Control, ControlKind, RecordKind
from engine.replay.frame_log import Entry
from engine.replay.scan.cells import CellState
from engine.replay.scan.instants import TimeStyle, instant_of
from engine.replay.scan.zone import utc_of_local
from engine.replay.sources.blocks import blocks
from rules.rule import RuleSet
from rules.ruleset_json import ruleset_to_json
from sensors.frames import FrameBatch
from sensors.hj212.read import named_mn
from sensors.registry import Registry
from sensors.registry_json import registry_to_json

SENT = re.compile(rb"QN=(\d{14})|DataTime=(\d{14})")
RECEIVED = re.compile(rb"^([0-9][^#{]*?)\s+(?=##|\{)")
LEAP_MS = 3_600_000
ZONE = "Asia/Shanghai"  # of times in frames: HJ 212 carries no zone


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A frame, and the times known of it."""

    frame: bytes
    received_ms: int | None
    sent_ms: int | None


def entries_of_text(file: Path, registry: Registry, rules: RuleSet) -> Iterator[Entry]:
    """Registry and rules, then every frame of the file."""
    first = True
    for log_ms, frame in with_log_time(_lines(file)):
        if first:
            yield from _controls(log_ms, registry, rules)
            first = False
        row = (log_ms, "", named_mn(frame), frame)
        yield Entry(log_ms=log_ms, kind=RecordKind.FRAMES, frames=FrameBatch.of([row]))


def with_log_time(lines: Iterable[Line]) -> Iterator[tuple[int, bytes]]:
    """(log time, frame) of each line; log times rise strictly."""
    newest = 0
    nothing = Line(frame=b"", received_ms=None, sent_ms=None)
    for line, following in pairwise((*lines, nothing)):
        at_ms = line.received_ms if line.received_ms is not None else line.sent_ms
        if line.received_ms is None and _leaps(at_ms, newest, following.sent_ms):
            at_ms = None
        newest = max(newest + 1, at_ms or 0)
        yield newest, line.frame


def _leaps(at_ms: int | None, newest: int, following_ms: int | None) -> bool:
    """Whether a time lies far ahead of what came before and of what comes after."""
    ahead = at_ms is not None and newest > 0 and at_ms > newest + LEAP_MS
    return ahead and following_ms is not None and at_ms is not None and at_ms > following_ms + LEAP_MS


def _controls(log_ms: int, registry: Registry, rules: RuleSet) -> Iterator[Entry]:
    contents = ((ControlKind.REGISTRY, registry_to_json(registry)), (ControlKind.RULES, ruleset_to_json(rules)))
    for n, (kind, content) in enumerate(contents):
        body = Control(kind=kind, content=content).encode()
        yield Entry(log_ms=log_ms - 2 + n, kind=RecordKind.CONTROL, body=body)


def _lines(file: Path) -> Iterator[Line]:
    for block in blocks(file):
        for text in block.text.splitlines():
            if text.strip():
                yield _line(text.strip())


def _line(text: bytes) -> Line:
    received_ms = None
    stamp = RECEIVED.match(text)
    if stamp:
        ms, local, state = instant_of(stamp[1].decode(), TimeStyle(zone=ZONE))
        received_ms = (_utc(ms) if local else ms) if state is CellState.OK else None
        text = text[stamp.end() :] if received_ms is not None else text
    sent = SENT.search(text)
    sent_ms = None
    if sent:
        ms, _, state = instant_of((sent[1] or sent[2]).decode(), TimeStyle(form="%Y%m%d%H%M%S", zone=ZONE))
        sent_ms = _utc(ms) if state is CellState.OK else None
    return Line(frame=text, received_ms=received_ms, sent_ms=sent_ms)


def _utc(local_ms: int) -> int:
    return int(utc_of_local(np.array([local_ms], np.int64), ZONE)[0][0])
