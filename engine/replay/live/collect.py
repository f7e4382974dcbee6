"""Counts everything again when the host has ended, from its log alone."""

from dataclasses import dataclass, replace
from pathlib import Path

from engine.log.events_codec import decode_events
from engine.log.facts_codec import decode_facts
from engine.log.reader import LogReader
from engine.log.record import RecordKind, Topic
from engine.log.sqlite import FILE
from engine.replay.account import Account
from sensors.frames import FrameBatch


@dataclass(frozen=True, slots=True, kw_only=True)
class Logged:
    """What stands in FRAMES."""

    records: int
    payloads: int


def collect(data: Path, account: Account) -> Logged:
    """Tell the account what the host made of the frames: facts from READINGS, steps of alerts from ALERTS."""
    with LogReader(data / FILE) as log:
        for record in log.records(Topic.READINGS, 0):
            account.take(replace(decode_facts(record.body), events=()))
        for record in log.records(Topic.ALERTS, 0):
            account.alerts.take(decode_events(record.body))
        sizes = [
            len(FrameBatch.decode(record.body))
            for record in log.records(Topic.FRAMES, 0)
            if record.kind is RecordKind.FRAMES
        ]
    return Logged(records=len(sizes), payloads=sum(sizes))
