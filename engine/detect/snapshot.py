"""The judge's state as bytes, with the next offset in it: state and position can never drift apart."""

import io
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

from rules.alert import AlertEvent
from rules.alert_json import event_from_json, event_to_json
from rules.book import Entry, Shelf
from rules.judge import Judge
from rules.kinds.instant import INSTANT_STATE, Paused
from rules.planner import plan_for
from rules.ruleset_json import ruleset_from_json
from sensors.registry_json import registry_from_json

FORMAT = 3
SCALARS = ("now_ms", "hour", "next_hour", "next_day", "revise_ms", "silent")
TEXTS = ("registry", "rules")
Arrays = dict[str, NDArray[Any]]


class SnapshotDamaged(ValueError):
    """The bytes are not a snapshot this version can use."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """Where a detector stands, beside its judge."""

    partition: int
    partitions: int
    next_offset: int
    last_ms: int  # log time of the record before it
    registry: bytes | None  # JSON; None before the first control record of its kind
    rules: bytes | None
    decoder: Any


def dump(judge: Judge | None, position: Position) -> bytes:
    """A snapshot. Only blocks of the grids that hold readings are written."""
    plain = {f.name: getattr(position, f.name) for f in fields(position) if f.name not in TEXTS}
    head: dict[str, Any] = {"format": FORMAT, **plain}
    arrays: Arrays = {}
    if judge is not None:
        head["scalars"] = {name: getattr(judge, name) for name in SCALARS}
        head["alerts"] = _alerts(judge)
        arrays = {**_grids(judge), **_windows(judge), **_instants(judge), **_silences(judge)}
    out = io.BytesIO()
    texts = {name: getattr(position, name) for name in TEXTS}
    arrays |= {f"text.{name}": np.frombuffer(text, np.uint8) for name, text in texts.items() if text is not None}
    np.savez(out, allow_pickle=False, head=np.frombuffer(orjson.dumps(head), np.uint8), **arrays)
    return out.getvalue()


def load(data: bytes) -> tuple[Judge | None, Position]:
    """The inverse of `dump`; SnapshotDamaged if a byte is wrong."""
    try:
        with np.load(io.BytesIO(data)) as archive:
            arrays = dict(archive.items())
        head = orjson.loads(arrays.pop("head").tobytes())
        if head["format"] != FORMAT:
            raise SnapshotDamaged(f"snapshot: expected format {FORMAT}, got {head['format']}")
        head.setdefault("last_ms", 0)  # not in those of 0.1: they are of logs that need none
        texts: dict[str, Any] = {name: _text(arrays.pop(f"text.{name}", None)) for name in TEXTS}
        position = Position(**{f.name: head[f.name] for f in fields(Position) if f.name not in TEXTS}, **texts)
        return (_judge(head, arrays, position) if "scalars" in head else None), position
    except (zipfile.BadZipFile, ValueError, KeyError, EOFError, OSError) as error:
        raise SnapshotDamaged(f"snapshot of {len(data)} bytes: {error}") from error


def _judge(head: dict[str, Any], arrays: Arrays, position: Position) -> Judge:
    if position.registry is None or position.rules is None:
        raise SnapshotDamaged("snapshot: a judge, but no registry or rules")
    registry, rules = registry_from_json(orjson.loads(position.registry)), ruleset_from_json(orjson.loads(position.rules))
    judge = Judge(plan_for(registry, rules, partition=position.partition, partitions=position.partitions))
    for name in SCALARS:
        setattr(judge, name, head["scalars"][name])
    for name, array in arrays.items():
        _target(judge, name)[...] = array
    _restore_alerts(judge, head["alerts"])
    return judge


def _text(array: NDArray[Any] | None) -> bytes | None:
    return None if array is None else array.tobytes()


def _target(judge: Judge, name: str) -> NDArray[Any]:
    """The array of the judge that an array of the archive belongs to."""
    part, *rest = name.split(".")
    match part:
        case "grid":
            grid, block, column = int(rest[0]), int(rest[1]), rest[2]
            views: dict[str, Callable[[int, int], NDArray[Any]]] = {
                "value": judge.grids.values, "flag": judge.grids.flags, "place": judge.grids.places
            }  # fmt: skip
            return views[column](grid, block)
        case "grids":
            return np.asarray(getattr(judge.grids, rest[0]))
        case "cells":
            return np.asarray(getattr(judge.windows.cells, rest[0]))
        case "windows":
            return np.asarray(getattr(judge.windows, rest[0]))
        case "instants":
            return np.asarray(getattr(judge.instants, rest[0]))
        case "silence":
            return np.asarray(getattr(judge.silences[int(rest[0])], rest[1]))
        case "book":
            return judge.book.newest_normal
    raise SnapshotDamaged(f"snapshot: unknown array {name!r}")


def _grids(judge: Judge) -> Arrays:
    grids = judge.grids
    arrays: Arrays = {f"grids.{name}": getattr(grids, name) for name in ("filled", "state", "dirty")}
    for grid, spec in enumerate(grids.specs):
        for block in range(spec.ring):
            if grids.filled_of(grid, block).any():
                arrays[f"grid.{grid}.{block}.value"] = grids.values(grid, block)
                arrays[f"grid.{grid}.{block}.flag"] = grids.flags(grid, block)
                arrays[f"grid.{grid}.{block}.place"] = grids.places(grid, block)
    return arrays


def _windows(judge: Judge) -> Arrays:
    windows = judge.windows
    cells = {f"cells.{f.name}": getattr(windows.cells, f.name) for f in fields(windows.cells)}
    marks = {"windows.hour_marks": windows.hour_marks, "windows.day_marks": windows.day_marks}
    return {**cells, **marks, "book.newest_normal": judge.book.newest_normal}


def _instants(judge: Judge) -> Arrays:
    return {f"instants.{name}": getattr(judge.instants, name) for name in INSTANT_STATE}


def _silences(judge: Judge) -> Arrays:
    return {f"silence.{n}.{name}": getattr(s, name) for n, s in enumerate(judge.silences) for name in ("last_ms", "due_ms")}


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
