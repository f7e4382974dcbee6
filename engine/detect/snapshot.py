"""The judge's state as a head and named pieces, with the next offset in it: state and position can never drift apart."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

import orjson

from engine.detect.layout import cells_views, fill, plain_views
from rules.alert import AlertEvent
from rules.alert_json import event_from_json, event_to_json
from rules.book import Entry, Shelf
from rules.judge import Judge
from rules.kinds.instant import Paused
from rules.planner import plan_for
from rules.ruleset_json import ruleset_from_json
from sensors.registry_json import registry_from_json

FORMAT = 4
SCALARS = ("now_ms", "hour", "next_hour", "next_day", "revise_ms", "silent")
TEXTS = ("text.registry", "text.rules")


class SnapshotDamaged(ValueError):
    """The bytes are not a snapshot this version can use."""


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """What a detector knows, or what of it changed since it was asked before."""

    head: bytes  # small, and always whole
    pieces: Mapping[str, bytes] = field(default_factory=dict)  # by name; b"": it is gone
    whole: bool = True  # nothing counts that was there before; else pieces that are not named stay as they are


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """Where a detector stands, beside its judge."""

    partition: int
    partitions: int
    next_offset: int
    last_ms: int  # of the log's clock (engine.log.log_time)
    gap_ms: int
    decoder: Any


def head_of(judge: Judge | None, position: Position) -> bytes:
    """Scalars and alerts."""
    head: dict[str, Any] = {"format": FORMAT, **{f.name: getattr(position, f.name) for f in fields(position)}}
    if judge is not None:
        head["scalars"] = {name: getattr(judge, name) for name in SCALARS}
        head["alerts"] = _alerts(judge)
    return orjson.dumps(head)


def load(state: State) -> tuple[Judge | None, Position]:
    """The judge and its place; SnapshotDamaged if they are not what was written."""
    try:
        head = orjson.loads(state.head)
        if head["format"] != FORMAT:
            raise SnapshotDamaged(f"snapshot: expected format {FORMAT}, got {head['format']}")
        position = Position(**{f.name: head[f.name] for f in fields(Position)})
        return (_judge(head, state.pieces, position) if "scalars" in head else None), position
    except (ValueError, KeyError, TypeError) as error:
        raise SnapshotDamaged(f"snapshot: {error}") from error


def _judge(head: dict[str, Any], pieces: Mapping[str, bytes], position: Position) -> Judge:
    registry, rules = (orjson.loads(pieces[name]) for name in TEXTS)
    plan = plan_for(
        registry_from_json(registry),
        ruleset_from_json(rules),
        partition=position.partition,
        partitions=position.partitions,
    )
    judge = Judge(plan)
    for name in SCALARS:
        setattr(judge, name, head["scalars"][name])
    plain = dict(plain_views(judge))
    for name, views in plain.items():
        fill(views, pieces.get(name, b""))
    for name in pieces.keys() - plain.keys() - set(TEXTS):
        fill(cells_views(judge, name), pieces[name])
    _restore_alerts(judge, head["alerts"])
    return judge


def _alerts(judge: Judge) -> dict[str, Any]:
    return {
        "book": [[check, _entries(alerts)] for check, alerts in judge.book.entries.items()],
        "shelves": [[name, s.newest_normal, _entries(s.alerts)] for name, s in judge.book.gone.items()],
        "instants": _standing(judge.instant_book.standing),
        "paused": [
            [name, p.counts, p.standing and event_to_json(p.standing)] for name, p in judge.instant_book.gone.items()
        ],
        "silences": [_standing(s.standing) for s in judge.silences],
        "clocks": [_standing(c.standing) for c in judge.clocks],
    }


def _restore_alerts(judge: Judge, content: dict[str, Any]) -> None:
    for check, entries in content["book"]:
        judge.book.entries[check] = _alerts_of(entries)
        judge.book.watched[check] = True
    for (rule, outlet, factor, nth), newest_normal, entries in content["shelves"]:
        judge.book.gone[rule, outlet, factor, nth] = Shelf(newest_normal=newest_normal, alerts=_alerts_of(entries))
    judge.instant_book.standing.update(_events(content["instants"]))
    for (rule, outlet, factor, nth), counts, event in content["paused"]:
        standing = None if event is None else event_from_json(event)
        judge.instant_book.gone[rule, outlet, factor, nth] = Paused(counts=tuple(counts), standing=standing)
    for silence, standing in zip(judge.silences, content["silences"], strict=True):
        silence.standing.update(_events(standing))
    for clock, standing in zip(judge.clocks, content["clocks"], strict=True):
        clock.standing.update(_events(standing))


def _entries(alerts: dict[int, Entry]) -> list[list[Any]]:
    return [[start_ms, event_to_json(e.event), e.returned, e.withdrawn] for start_ms, e in alerts.items()]


def _alerts_of(content: list[list[Any]]) -> dict[int, Entry]:
    return {
        start_ms: Entry(event=event_from_json(event), returned=returned, withdrawn=withdrawn)
        for start_ms, event, returned, withdrawn in content
    }


def _standing(events: dict[int, AlertEvent]) -> list[list[Any]]:
    return [[key, event_to_json(event)] for key, event in events.items()]


def _events(content: list[list[Any]]) -> dict[int, AlertEvent]:
    return {key: event_from_json(event) for key, event in content}
