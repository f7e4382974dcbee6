"""Facts as the body of a READINGS record: a head in JSON, then columns as they lie in memory."""

from dataclasses import fields, replace
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

from engine.detect.facts import Facts, Verdicts
from rules.alert import Evidence
from rules.alert_json import event_from_json, event_to_json
from sensors.frames import RecordDamaged
from sensors.reading import ReadingBatch
from sensors.refusal import Reason, Refusal

MAGIC = b"OFR1"
READING_COLUMNS: dict[str, Any] = {
    "series": np.int32, "device_ms": np.int64, "value": np.float64, "flag": np.uint8, "log_ms": np.int64,
}  # fmt: skip
VERDICT_COLUMNS: dict[str, Any] = {
    "binding": np.int32, "rule": np.int32, "day": np.bool_, "start_ms": np.int64, "at_ms": np.int64,
    "value": np.float64, "n_valid": np.int32, "n_due": np.int32, "code": np.uint8, "revision": np.bool_,
}  # fmt: skip


def says_something(facts: Facts) -> bool:
    """Whether there is anything to keep: most ticks say nothing."""
    return bool(len(facts.readings) or facts.verdicts or facts.refused or facts.counts or facts.events)


def encode_facts(facts: Facts) -> bytes:
    """Everything but the evidence of events, which have a topic of their own: here they are marks in a store's charts."""
    head = {
        "log_ms": facts.log_ms,
        "partition": facts.partition,
        "offset": facts.offset,
        "readings": len(facts.readings),
        "verdicts": None if facts.verdicts is None else len(facts.verdicts),
        "rules": facts.rules,
        "refused": [{f.name: getattr(refusal, f.name) for f in fields(refusal)} for refusal in facts.refused],
        "counts": facts.counts,
        "events": [event_to_json(replace(event, evidence=Evidence())) for event in facts.events],
    }
    columns = [_bytes(getattr(facts.readings, name), dtype) for name, dtype in READING_COLUMNS.items()]
    columns.append(_bytes(facts.outcome, np.uint8))
    if facts.verdicts is not None:
        columns += [_bytes(getattr(facts.verdicts, name), dtype) for name, dtype in VERDICT_COLUMNS.items()]
    text = orjson.dumps(head)
    return b"".join([MAGIC, len(text).to_bytes(4, "little"), text, *columns])


def decode_facts(body: bytes) -> Facts:
    """The inverse of `encode_facts`; RecordDamaged if the bytes do not fit together."""
    try:
        if not body.startswith(MAGIC):
            raise ValueError(f"expected {MAGIC!r} first, got {body[:4]!r}")
        columns_at = 8 + int.from_bytes(body[4:8], "little")
        head = orjson.loads(body[8:columns_at])
        return _facts(head, _Columns(body, columns_at))
    except (ValueError, KeyError, TypeError) as error:
        raise RecordDamaged(f"facts of {len(body)} bytes: {error}") from error


class _Columns:
    """Takes one column after the other from a body."""

    def __init__(self, body: bytes, at: int) -> None:
        self._body = body
        self._at = at

    def take(self, dtype: Any, size: int) -> NDArray[Any]:
        column: NDArray[Any] = np.frombuffer(self._body, dtype, size, self._at)
        self._at += column.nbytes
        return column

    def end(self) -> None:
        if self._at != len(self._body):
            raise ValueError(f"expected {self._at} bytes, got {len(self._body)}")


def _facts(head: dict[str, Any], columns: _Columns) -> Facts:
    size, judged = head["readings"], head["verdicts"]
    readings = ReadingBatch(**{name: columns.take(dtype, size) for name, dtype in READING_COLUMNS.items()})
    outcome = columns.take(np.uint8, size)
    verdicts = None
    if judged is not None:
        verdicts = Verdicts(**{name: columns.take(dtype, judged) for name, dtype in VERDICT_COLUMNS.items()})
    columns.end()
    return Facts(
        log_ms=head["log_ms"],
        partition=head["partition"],
        offset=head["offset"],
        readings=readings,
        outcome=outcome,
        verdicts=verdicts,
        rules=head.get("rules", ""),  # absent in logs of before
        refused=tuple(Refusal(**{**refusal, "reason": Reason(refusal["reason"])}) for refusal in head["refused"]),
        counts=head["counts"],
        events=tuple(event_from_json(event) for event in head.get("events", ())),
    )


def _bytes(column: NDArray[Any], dtype: Any) -> bytes:
    return np.ascontiguousarray(column, dtype).tobytes()
