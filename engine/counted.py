"""Which metric each count of a host belongs to. Counts that have none are shown by name: nothing disappears in silence."""

from collections.abc import Iterator, Mapping

from engine import metrics as m
from engine.intake.counts import MESSAGES, Refused
from engine.metrics import Metric, Sample

Place = tuple[Metric, tuple[str, ...]]
"""A metric and the values of its labels."""

STAGES = ("detect", "store", "duty")

HOST: Mapping[str, Place] = {
    **{f"{stage}.in": (m.STAGE_IN, (stage,)) for stage in STAGES},
    **{f"{stage}.taken": (m.STAGE_OUT, (stage,)) for stage in STAGES},
    **{f"{stage}.refused": (m.STAGE_REFUSED, (stage, "record")) for stage in STAGES},
    **{f"{stage}.contained": (m.STAGE_AGAIN, (stage, "contained")) for stage in STAGES},
    **{f"{stage}.let_go": (m.STAGE_AGAIN, (stage, "let_go")) for stage in STAGES},
    **{f"{stage}.lost": (m.STAGE_LOST, (stage,)) for stage in STAGES},
    "detect.holes": (m.STAGE_AGAIN, ("detect", "hole")),
    "detect.events": (m.EVENTS, ()),
    "detect.verdicts": (m.VERDICTS, ()),
    "detect.snapshots": (m.SNAPSHOTS, ("written",)),
    "detect.snapshots_failed": (m.SNAPSHOTS, ("failed",)),
    "payload.in": (m.PAYLOADS_IN, ()),
    "payload.decoded": (m.PAYLOADS, ("decoded",)),
    "payload.refused": (m.PAYLOADS, ("refused",)),
    "frame.in": (m.FRAMES_IN, ()),
    "frame.decoded": (m.FRAMES, ("decoded",)),
    "frame.refused": (m.FRAMES, ("refused",)),
    "frame.waiting": (m.FRAMES, ("waiting",)),
    "frame.resent": (m.RESENT, ()),
    "reading.in": (m.READINGS_IN, ()),
    "reading.refused": (m.READINGS_REFUSED, ()),
    "reading.decoded": (m.READINGS_DECODED, ()),
    "field.other": (m.FIELDS, ("other",)),
    "field.code_2005": (m.FIELDS, ("code_2005",)),
    "ticks": (m.TICKS, ("written",)),
    "ticks_missed": (m.TICKS, ("missed",)),
    "status_failed": (m.STATUS_FAILED, ()),
}
"""Counts of a host; each is shown from the start, with 0."""

FAMILIES: Mapping[str, Metric] = {
    "reading": m.READINGS,
    "refusal": m.REFUSALS,
    "tolerance": m.TOLERANCES,
    "command": m.COMMANDS,
}
"""`<family>.<word>`: the word is the label."""

INTAKE: Mapping[str, Place] = {
    "received": (m.STAGE_IN, ("intake",)),
    "stored": (m.STAGE_OUT, ("intake",)),
    "repeated": (m.STAGE_AGAIN, ("intake", "repeated")),
    "abandoned": (m.STAGE_REFUSED, ("intake", "abandoned")),
    **{f"refused.{reason}": (m.STAGE_REFUSED, ("intake", reason.value)) for reason in MESSAGES},
    **{f"refused.{reason}": (m.TURNED_AWAY, (reason.value,)) for reason in Refused if reason not in MESSAGES},
    "connections": (m.ACCEPTED, ()),
    "logins": (m.LOGINS, ()),
    "takeovers": (m.ENDED, ("takeover",)),
    "revoked": (m.ENDED, ("revoked",)),
    "goodbyes": (m.ENDED, ("goodbye",)),
    "offline": (m.ENDED, ("offline",)),
    "keep_alive_expired": (m.SILENT, ()),
    "wills": (m.WILLS, ()),
    "received_bytes": (m.RECEIVED_BYTES, ()),
    "acknowledged": (m.ACKNOWLEDGED, ()),
    "redelivered": (m.REDELIVERED, ()),
    "broker_logins": (m.BROKER_LOGINS, ()),
    "broker_losses": (m.BROKER_LOSSES, ()),
    "broker_dropped": (m.BROKER_DROPPED, ()),
    "sessions_lost": (m.SESSIONS_LOST, ()),
    "history_requests": (m.HISTORY_REQUESTS, ()),
    "pauses": (m.PAUSES, ()),
    "log_failures": (m.LOG_FAILURES, ()),
    "log_outages": (m.LOG_OUTAGES, ()),
    "refusals_not_kept": (m.NOT_KEPT, ()),
}
"""Counts of an intake (`engine.intake.counts`)."""

INTAKE_GAUGES: Mapping[str, Place] = {
    "connected": (m.CONNECTED, ()),
    "sessions": (m.SESSIONS, ()),
    "waiting": (m.WAITING, ()),
    "waiting_bytes": (m.WAITING_BYTES, ()),
    "brokers": (m.BROKERS, ()),
}


def place_of(name: str) -> Place | None:
    """Where a count of the host is shown; None: it has no metric of its own.

    >>> place = place_of("reading.duplicate")
    >>> place and (place[0].name, place[1])
    ('outfall_readings_total', ('duplicate',))
    """
    if name in HOST:
        return HOST[name]
    family, dot, word = name.partition(".")
    return (FAMILIES[family], (word,)) if dot and family in FAMILIES else None


def host_samples(counts: Mapping[str, int]) -> Iterator[Sample]:
    """The counts of a host."""
    for name in sorted(HOST.keys() | counts.keys()):
        metric, labels = place_of(name) or (m.OTHER, (name,))
        yield metric, labels, counts.get(name, 0)


def intake_samples(counts: Mapping[str, int], gauges: Mapping[str, int]) -> Iterator[Sample]:
    """The counts of an intake, and what it holds now."""
    for name, value in counts.items():
        yield *INTAKE.get(name, (m.INTAKE_OTHER, (name,))), value
    for name, value in gauges.items():
        yield *INTAKE_GAUGES.get(name, (m.INTAKE_NOW, (name,))), value
