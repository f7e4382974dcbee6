"""Alert events as the body of an ALERTS record: a JSON list."""

from collections.abc import Sequence

import orjson

from rules.alert import AlertEvent
from rules.alert_json import event_from_json, event_to_json
from sensors.frames import RecordDamaged


def encode_events(events: Sequence[AlertEvent]) -> bytes:
    """The events of one FRAMES record, in order."""
    return orjson.dumps([event_to_json(event) for event in events])


def decode_events(body: bytes) -> tuple[AlertEvent, ...]:
    """The inverse of `encode_events`; RecordDamaged if the bytes are something else."""
    try:
        return tuple(event_from_json(event) for event in orjson.loads(body))
    except (ValueError, KeyError, TypeError) as error:
        raise RecordDamaged(f"alert events of {len(body)} bytes: {error}") from error
