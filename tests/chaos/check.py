"""The checker: what a run left behind against what publishers and receiver wrote down. Shares no code with the writers."""

import json
from collections import Counter, defaultdict
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from pysqlite3 import dbapi2 as sqlite

from rules.alert_json import event_to_json
from tests.chaos.journal import digest, read_journal
from tests.chaos.logfile import rows, taken_apart
from tests.chaos.receiver import FILE as RECEIVED
from tests.chaos.undisturbed import Point, undisturbed

SHOWN = 5
"""So many examples of each violation are named."""


@dataclass(frozen=True, kw_only=True)
class Report:
    """Counts, and every violation found. `lost` to `gaps`, and the lines after them, must be 0."""

    # frames
    payloads: int  # made by the publishers
    transmissions: int  # PUBLISH packets begun, resends among them
    acknowledged: int
    in_log: int  # payloads in the log
    copies: int  # further copies of a payload that was transmitted more than once
    lost: int  # acknowledged, not in the log
    doubled: int  # more copies in the log than transmissions
    strangers: int  # in the log, from nobody
    gaps: int  # offsets missing, or log times that do not increase
    # alerts
    events: int  # of the undisturbed run
    events_missing: int
    events_extra: int
    events_different: int
    # pages
    pages: int  # of the undisturbed run
    pages_missing: int
    pages_extra: int
    received: int  # requests
    pages_not_received: int
    pages_unknown: int  # received, of no page in the outbox
    pages_repeated: int  # received again without being marked as a resend, or not signed
    # InfluxDB, where there is one
    points: int = 0  # of the undisturbed run
    points_missing: int = 0
    points_extra: int = 0
    points_different: int = 0
    examples: dict[str, list[str]] = field(default_factory=dict)

    @property
    def violations(self) -> dict[str, int]:
        """The counts that must be 0 and are not."""
        return {name: count for name, count in asdict(self).items() if name in MUST_BE_ZERO and count}


MUST_BE_ZERO = {
    "lost", "doubled", "strangers", "gaps", "events_missing", "events_extra", "events_different",
    "pages_missing", "pages_extra", "pages_not_received", "pages_unknown", "pages_repeated",
    "points_missing", "points_extra", "points_different",
}  # fmt: skip


def check(folder: Path) -> Report:
    """Check a finished run: its host has stopped in order."""
    found: dict[str, Any] = {**_frames(folder)}
    expected = undisturbed(folder)
    database = sqlite.connect(f"file:{folder / 'data' / 'core.db'}?mode=ro", uri=True)
    try:
        found |= _events(database, {key: event_to_json(event) for key, event in expected.events.items()})
        found |= _pages(database, expected.pages, folder)
        if database.execute("select 1 from sqlite_master where name = 'point'").fetchone():
            found |= _points(database, expected.points)
    finally:
        database.close()
    examples = {name: sorted(map(str, value))[:SHOWN] for name, value in found.items() if not isinstance(value, int)}
    counts = {name: value if isinstance(value, int) else len(value) for name, value in found.items()}
    return Report(**counts, examples={name: shown for name, shown in examples.items() if shown})


def _frames(folder: Path) -> dict[str, Any]:
    """Every acknowledged payload stands in the log once, and once more at most for each time it was transmitted again."""
    published, held, gaps = read_journal(folder), Counter[str](), []
    last: dict[int, tuple[int, int]] = {}
    for row in rows(folder):
        offset, log_ms = last.get(row.partition, (row.offset - 1, -1))
        if row.offset != offset + 1 or row.log_ms <= log_ms:
            gaps.append(f"partition {row.partition}: offset {row.offset} at {row.log_ms} after {offset} at {log_ms}")
        last[row.partition] = row.offset, row.log_ms
        if row.kind == b"F":
            found = taken_apart(row.body)
            held.update(digest(mn, payload) for mn, payload in zip(found.claimed, found.payload, strict=True))
    return {
        "payloads": len(published.sent),
        "transmissions": published.sent.total(),
        "acknowledged": len(published.acknowledged),
        "in_log": held.total(),
        "copies": held.total() - len(held),
        "lost": published.acknowledged - held.keys(),
        "doubled": {name for name, count in held.items() if count > published.sent[name] > 0},
        "strangers": held.keys() - published.sent.keys(),
        "gaps": gaps,
    }


def _events(database: Any, expected: dict[tuple[str, int], Any]) -> dict[str, Any]:
    """The alert events of the database are those of the undisturbed run, number by number."""
    held = {(alert, seq): json.loads(body) for alert, seq, body in
            database.execute("select alert_id, seq, body from alert_event")}  # fmt: skip
    return {
        "events": len(expected),
        "events_missing": expected.keys() - held.keys(),
        "events_extra": held.keys() - expected.keys(),
        "events_different": {key for key in held.keys() & expected.keys() if held[key] != _as_read(expected[key])},
    }


def _as_read(body: Any) -> Any:
    return json.loads(json.dumps(body))


def _pages(database: Any, expected: frozenset[str], folder: Path) -> dict[str, Any]:
    """The outbox holds the pages of the undisturbed run; what is delivered was received, again only if marked so."""
    state = dict(database.execute("select page_id, state from outbox"))
    received: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for line in (folder / RECEIVED).read_text().splitlines():
        request = json.loads(line)
        received[request["page_id"]].append(request)
    return {
        "pages": len(expected),
        "pages_missing": expected - state.keys(),
        "pages_extra": state.keys() - expected,
        "received": sum(map(len, received.values())),
        "pages_not_received": {page for page in state if page not in received},
        "pages_unknown": received.keys() - state.keys(),
        "pages_repeated": {page for page, requests in received.items() if not _once(page, requests)},
    }


def _points(database: Any, expected: dict[Point, float]) -> dict[str, Any]:
    """InfluxDB holds the last value of every reading that was not refused, and nothing else."""
    held = {(o, f, k, ms): value for o, f, k, ms, value in database.execute("select * from point")}
    return {
        "points": len(expected),
        "points_missing": expected.keys() - held.keys(),
        "points_extra": held.keys() - expected.keys(),
        "points_different": {place for place in held.keys() & expected.keys() if held[place] != expected[place]},
    }


def _once(page: str, requests: list[dict[str, Any]]) -> bool:
    """One request that is no resend at most, and each signed and named after the page."""
    proper = all(request["signed"] and request["named"] == page for request in requests)
    return proper and sum(not request["resend"] for request in requests) <= 1
