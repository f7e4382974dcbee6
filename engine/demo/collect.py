"""Counts everything again after the end, from the files alone."""

import hashlib
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path

import orjson

from engine.database.database import Database
from engine.database.open import open_database
from engine.demo.account import Numbers
from engine.demo.pipeline import Pipeline
from engine.demo.scenes import AlertLife
from engine.demo.tally import Tally
from engine.detect.detector import Detector
from engine.detect.facts import Outcome
from engine.detect.host import judged
from engine.duty.alerts import AlertFilter, AlertRow, list_alerts, load_events
from engine.duty.outbox import page_counts
from engine.log.events_codec import decode_events
from engine.log.reader import LogReader
from engine.log.record import RecordKind, Topic
from engine.log.sqlite import FILE
from engine.store.database import open_store
from engine.store.letters import refusal_counts
from rules.alert import AlertEvent
from rules.alert_json import event_to_json
from sensors.frames import FrameBatch

ALL = AlertFilter(limit=100_000)


def collect(data: Path, pipeline: Pipeline, tally: Tally) -> Numbers:
    """All numbers of the account. The host has ended."""
    state = pipeline.state
    with LogReader(data / FILE) as log, closing(open_store(data, readonly=True).db) as store:
        events = [event for record in log.records(Topic.ALERTS, 0) for event in decode_events(record.body)]
        payloads, again = _replayed(log)
        (stored,) = store.execute("SELECT count(*) FROM reading").fetchone()
        letters = refusal_counts(store)
    database = open_database(data, readonly=True)
    alerts = tuple(_life(database, row) for row in list_alerts(database, ALL))
    pages = page_counts(database)
    database.close()
    intake = pipeline.host.intake
    return Numbers(
        tally=tally,
        received=intake.counts["received"] if intake else 0,
        log_payloads=payloads,
        log_events=len(events),
        counts=dict(state.counts),
        outcomes={outcome.name.lower(): int(state.outcomes[outcome]) for outcome in Outcome},
        letters=letters,
        stored=int(stored),
        alerts=alerts,
        pages=pages,
        pages_received=len(pipeline.receiver.seen) + state.shown,
        alerts_sha256=_sha256(events),
        replayed_sha256=_sha256(again),
    )


def _replayed(log: LogReader) -> tuple[int, list[AlertEvent]]:
    """Payloads in the log, and the alert steps that a judge who knows nothing finds in it."""
    judge = Detector()
    payloads = 0
    events: list[AlertEvent] = []
    for record in log.records(Topic.FRAMES, 0):
        if record.kind is RecordKind.FRAMES:
            payloads += len(FrameBatch.decode(record.body))
        events += judged(judge, record).facts.events
    return payloads, events


def _life(database: Database, row: AlertRow) -> AlertLife:
    steps = tuple((decided.event.step, decided.event.at_ms) for decided in load_events(database, row.alert_id))
    return AlertLife(alert_id=row.alert_id, rule=row.rule, outlet=row.outlet, factor=row.factor, steps=steps)


def _sha256(events: Iterable[AlertEvent]) -> str:
    digest = hashlib.sha256()
    for event in events:
        digest.update(orjson.dumps(event_to_json(event), option=orjson.OPT_SORT_KEYS) + b"\n")
    return digest.hexdigest()
