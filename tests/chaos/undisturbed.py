"""What a host that nobody disturbs makes of a log: a fresh detector, a fresh desk, and of the run its log alone."""

import tempfile
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from engine.config.doc import Config
from engine.config.load import load_config
from engine.database.open import open_database
from engine.detect.detector import Detector
from engine.detect.facts import Facts, Outcome
from engine.duty.desk import Desk
from engine.duty.outbox import load_pages
from engine.log.record import Record, RecordKind, Topic
from rules.alert import AlertEvent
from sensors.reading import KINDS, Kind
from sensors.registry import Registry
from tests.chaos.district import CONFIG
from tests.chaos.logfile import Row, rows

Point = tuple[str, str, str, int]
"""Outlet, factor, kind in lower case, device time in ms."""

REFUSED = (Outcome.FUTURE, Outcome.TOO_LATE)


@dataclass(frozen=True, kw_only=True)
class Undisturbed:
    """Alerts, pages and stored readings that follow from the log alone."""

    events: dict[tuple[str, int], AlertEvent]  # by alert id and number
    pages: frozenset[str]  # page ids
    points: dict[Point, float]  # the last value of every reading that was not refused


def undisturbed(folder: Path) -> Undisturbed:
    """Judge the log of a finished run from its first record to its last."""
    config = load_config(folder / CONFIG)
    partitions: dict[int, list[Row]] = defaultdict(list)
    for row in rows(folder):
        partitions[row.partition].append(row)
    facts = [said for n, found in sorted(partitions.items()) for said in _judged(found, n, len(partitions))]
    events = [said.events for said in facts]
    return Undisturbed(
        events={(e.alert_id, e.seq): e for batch in events for e in batch},
        pages=_paged(config, events),
        points={place: value for said in facts for place, value in _stored(said, config.registry)},
    )


def _stored(facts: Facts, registry: Registry) -> Iterator[tuple[Point, float]]:
    readings = facts.readings
    columns = (readings.series, readings.device_ms, readings.value, facts.outcome)
    for series, device_ms, value, outcome in zip(*(column.tolist() for column in columns), strict=True):
        if outcome not in REFUSED:
            binding, kind = divmod(series, KINDS)
            of = registry.bindings[binding]
            yield (of.outlet, of.factor, Kind(kind).name.lower(), device_ms), value


def _judged(found: list[Row], partition: int, partitions: int) -> Iterator[Facts]:
    detector = Detector(partition, partitions)
    detector.next_offset = found[0].offset
    for row in found:
        record = Record(
            topic=Topic.FRAMES,
            partition=partition,
            offset=row.offset,
            log_ms=row.log_ms,
            kind=RecordKind(row.kind),
            body=row.body,
            key=row.key,
        )
        yield detector.process(record)


def _paged(config: Config, events: list[tuple[AlertEvent, ...]]) -> frozenset[str]:
    with tempfile.TemporaryDirectory() as folder:
        database = open_database(Path(folder))
        try:
            desk = Desk(database, config.duty, config.registry, config.rules)
            for batch in events:
                if desk.take(batch) is not None:
                    raise RuntimeError("the fresh desk cannot write")
            return frozenset(page.page_id for page in load_pages(database))
        finally:
            database.close()
