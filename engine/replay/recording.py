"""Replays a recording: reads it, puts it in order where need be, gives it to the detectors, keeps the account."""

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from engine.log.record import Control, ControlKind
from engine.replay.account import Account, Progress, silent
from engine.replay.detectors import Detectors
from engine.replay.mapping.mapping import Mapping
from engine.replay.order import OutOfOrderError, Timed, in_batches, with_log_time
from engine.replay.reader import Read, Reader
from engine.replay.register import Register
from engine.replay.sorting import in_time_order
from engine.replay.sources.open import source_of
from engine.replay.sources.source import Source
from sensors.reading import KINDS, Kind
from sensors.registry import Registry


@dataclass(slots=True, kw_only=True)
class Recording:
    """A recording with its mapping; every pass over it finds the same readings and the same series numbers."""

    file: Path
    mapping: Mapping
    to_ms: int | None = None
    config: Path | None = None  # names the InfluxDB, where the readings lie in one
    source: Source = field(init=False)

    def __post_init__(self) -> None:
        self.source = source_of(self.file, self.mapping, self.config)

    @property
    def cadence_ms(self) -> NDArray[np.int64]:
        """Length of a slot, by kind."""
        return np.array([self.mapping.cadence_ms(kind) for kind in Kind], np.int64)

    def pieces(self, register: Register, account: Account) -> Iterator[Read]:
        """Its readings in the order of the file."""
        return Reader(self.mapping, self.source, register, account, str(self.file)).pieces()

    def timed(self, register: Register, account: Account, *, sort: bool) -> Iterator[Timed]:
        """Its readings with log times; OutOfOrderError if they are not in time order and `sort` is not asked for."""
        pieces = self.pieces(register, account)
        patience_ms = self.mapping.judging.patience_hour_s * 1000
        ordered = in_time_order(pieces, self.cadence_ms) if sort else pieces
        return with_log_time(ordered, self.cadence_ms, patience_ms, self.to_ms)


def replay_recording(
    recording: Recording, account: Account, *, batch: int | None = None, partitions: int = 1, progress: Progress = silent
) -> Account:
    """Judge a recording from its first reading to its last; the account that was given, or one begun anew if it sorts."""
    try:
        return _judge(recording, account, batch, partitions, progress, sort=False)
    except OutOfOrderError:
        return _judge(recording, account.anew("sorted"), batch, partitions, progress, sort=True)


def _judge(
    recording: Recording, account: Account, batch: int | None, partitions: int, progress: Progress, *, sort: bool
) -> Account:
    register, detectors = Register(recording.mapping), Detectors(partitions)
    account.units, account.names = recording.mapping.units, recording.mapping.names
    homes = np.empty(0, np.int32)
    log_ms: int | None = None
    for step in in_batches(recording.timed(register, account, sort=sort), batch):
        first_ms, log_ms = int(step.readings.log_ms[0]), int(step.readings.log_ms[-1])
        if register.grown:
            homes = _take_over(register, detectors, account, first_ms)
        for facts in detectors.readings(step.readings, homes):
            account.take(facts)
        progress(step.at, recording.source.size)
    if log_ms is not None:
        for facts in (*detectors.tick(log_ms), *detectors.control(Control(kind=ControlKind.END_OF_INPUT), log_ms)):
            account.take(facts)
    progress(recording.source.size, recording.source.size)
    account.setup_s += register.setup_s
    return account


def _take_over(register: Register, detectors: Detectors, account: Account, log_ms: int) -> NDArray[np.int32]:
    """Tell the detectors of outlets and factors that were found; the homes of all series, where it takes them."""
    began = time.process_time()
    registry, rules = register.registry(), register.rules()
    for facts in detectors.take_over(registry, rules, log_ms):
        account.take(facts)
    account.rule_versions.append(rules.version)
    account.bindings = registry.bindings
    homes = _homes(registry) if len(detectors.all) > 1 else np.empty(0, np.int32)
    account.setup_s += time.process_time() - began
    return homes


def _homes(registry: Registry) -> NDArray[np.int32]:
    """Home of every series."""
    return np.repeat(registry.columns.home[registry.columns.binding_outlet], KINDS)
