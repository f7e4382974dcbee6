"""Alert events as plain JSON: for the ALERTS topic, the database and snapshots."""

from dataclasses import fields
from typing import Any

from rules.alert import AlertEvent, Evidence, Step
from rules.rule import AlertClass, RuleKind

ENUMS = {"step": Step, "kind": RuleKind, "alert_class": AlertClass}


def event_to_json(event: AlertEvent) -> dict[str, Any]:
    """The event as dicts, lists, strings and numbers; equal events give equal JSON."""
    plain = {f.name: getattr(event, f.name) for f in fields(event)}
    for name in ENUMS:
        plain[name] = plain[name].value
    evidence = event.evidence
    plain["evidence"] = {f.name: _plain(getattr(evidence, f.name)) for f in fields(evidence)}
    return plain


def event_from_json(content: dict[str, Any]) -> AlertEvent:
    """The inverse of `event_to_json`."""
    raw = dict(content)
    for name, enum in ENUMS.items():
        raw[name] = enum(raw[name])
    evidence: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in raw["evidence"].items()}
    raw["evidence"] = Evidence(**evidence)
    return AlertEvent(**raw)


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value
