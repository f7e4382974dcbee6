"""One detector, or several that share the enterprises between them as the partitions of a log would."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from engine.detect.detector import Detector
from engine.detect.facts import Facts
from engine.log.record import Control, Record, RecordKind, Topic
from rules.rule import RuleSet
from sensors.reading import ReadingBatch
from sensors.registry import Registry


class Detectors:
    """Takes what a log would hold and gives the facts of all partitions. The result does not depend on their number."""

    def __init__(self, partitions: int = 1) -> None:
        self.all = [Detector(partition=n, partitions=partitions) for n in range(partitions)]

    def take_over(self, registry: Registry, rules: RuleSet, log_ms: int) -> Iterator[Facts]:
        """Every partition goes on by these."""
        for detector in self.all:
            yield detector.take_over(registry, rules, log_ms)

    def control(self, control: Control, log_ms: int) -> Iterator[Facts]:
        """A control record goes to every partition."""
        for detector in self.all:
            yield detector.control(control, log_ms)

    def tick(self, log_ms: int) -> Iterator[Facts]:
        """Time goes on in every partition."""
        for detector in self.all:
            yield record(detector, log_ms, RecordKind.TICK, b"")

    def readings(self, batch: ReadingBatch, homes: NDArray[np.int32]) -> Iterator[Facts]:
        """Readings go to the partition of their enterprise's home. `homes`: by series."""
        if len(self.all) == 1:
            yield self.all[0].process_readings(batch)
            return
        partition = homes[batch.series] % len(self.all)
        for detector in self.all:
            mine = batch.take(partition == detector.partition)
            if len(mine):
                yield detector.process_readings(mine)
        yield from self.tick(int(batch.log_ms[-1]))


def record(detector: Detector, log_ms: int, kind: RecordKind, body: bytes) -> Facts:
    """Facts of a record that stands at the offset which the detector expects."""
    return detector.process(
        Record(
            topic=Topic.FRAMES,
            partition=detector.partition,
            offset=detector.next_offset,
            log_ms=log_ms,
            kind=kind,
            body=body,
        )
    )
