"""Where the streaming judge and the oracle, or two drives of it, do not agree; and the smallest history that shows it."""

from collections.abc import Callable, Sequence

from rules.alert import AlertEvent, Step
from rules.reference import Entry, Judgement, Payload, Sent
from rules.reference.verdict import Verdict
from rules.rule import RuleKind
from tests.driving import Row, Said, has_value


def verdict_row(verdict: Verdict) -> Row:
    """A verdict of the oracle in the same form."""
    check = verdict.check
    told = has_value(verdict.code.name, check.rule.kind)
    value = float(verdict.value) if told and verdict.value is not None else None
    head = (check.rule.id, check.limit.outlet, check.limit.factor, verdict.window[0], verdict.at_ms)
    return (*head, verdict.code.name, value, verdict.n_valid, verdict.n_due, verdict.revision)


def event_row(event: AlertEvent) -> Row:
    """What the law says of an event; numbers only where it opens or revises an alert."""
    head = (event.at_ms, event.alert_id, event.seq, event.step, event.rule, event.kind, event.rule_version)
    place = (event.outlet, event.factor, event.mn, event.start_ms, event.end_ms, event.alert_class)
    limit = (event.ceiling, event.floor, event.source, event.unverified)
    if event.step not in (Step.OPENED, Step.REVISED):
        return (*head, *place, *limit)
    late = event.late if event.step is Step.OPENED else None
    numbers: Row = (event.value, event.severity, late)
    if event.kind in (RuleKind.EXCEEDANCE, RuleKind.RANGE):
        numbers += (event.evidence.n_valid, event.evidence.n_due, event.evidence.from_device)
    return (*head, *place, *limit, *numbers)


def differences(said: Said, oracle: Judgement) -> list[str]:
    """Where a detector and the oracle do not agree: `-` only the oracle says so, `+` only the detector."""
    found: list[str] = []
    parts: list[tuple[str, list[Row], list[Row]]] = [
        ("verdict", told_once(said.verdicts), told_once([verdict_row(v) for v in oracle.verdicts])),
        ("event", [event_row(e) for e in said.events], [event_row(e) for e in oracle.events]),
    ]
    if said.outcomes != list(oracle.outcomes):
        found.append(f"outcomes: - {oracle.outcomes}\n          + {tuple(said.outcomes)}")
    for name, ours, theirs in parts:
        found += [f"{name} - {row}" for row in _without(theirs, ours)]
        found += [f"{name} + {row}" for row in _without(ours, theirs)]
    return found


def told_once(rows: list[Row]) -> list[Row]:
    """Verdicts without the revisions that say what was said before: whether the judge looked again is its own affair."""
    last: dict[Row, Row] = {}
    found = []
    for row in sorted(rows, key=lambda r: (r[4], r[:4])):
        window, says, revision = row[:4], row[5:9], row[9]
        if not revision or last.get(window) != says:
            found.append(row)
        last[window] = says
    return found


def _without(rows: list[Row], others: list[Row]) -> list[Row]:
    left = list(others)
    found = []
    for row in sorted(rows, key=repr):
        if row in left:
            left.remove(row)
        else:
            found.append(row)
    return found


def between(one: Said, other: Said) -> list[str]:
    """Where two drives of one history do not agree, all evidence compared. Events of one instant may come in any order."""
    if one.outcomes != other.outcomes:
        return [f"outcomes: - {one.outcomes}\n          + {other.outcomes}"]
    pairs = [(map(repr, one.events), map(repr, other.events)), (map(repr, one.verdicts), map(repr, other.verdicts))]
    found = [(set(left), set(right)) for left, right in pairs]
    return [f"- {row}" for a, b in found for row in sorted(a - b)] + [f"+ {row}" for a, b in found for row in sorted(b - a)]


Disagree = Callable[[Sequence[Entry]], bool]


def smaller(history: Sequence[Entry], disagrees: Disagree) -> tuple[Entry, ...]:
    """A small history that still disagrees: entries, payloads and readings left out one after the other."""
    kept = list(history)
    size = max(len(kept) // 2, 1)
    while size:
        at = 2  # the registry and the rule set stay
        while at < len(kept):
            shorter = kept[:at] + kept[at + size :]
            kept, at = (shorter, at) if disagrees(shorter) else (kept, at + size)
        size //= 2
    for at, entry in enumerate(kept):
        for payload in entry.payloads:
            for sent in payload.readings:
                thinner = [*kept[:at], _less(kept[at], sent), *kept[at + 1 :]]
                kept = thinner if disagrees(thinner) else kept
    return tuple(kept)


def _less(entry: Entry, gone: Sent) -> Entry:
    said = (Payload(mn=p.mn, readings=tuple(r for r in p.readings if r is not gone)) for p in entry.payloads)
    return Entry(log_ms=entry.log_ms, said=tuple(said))
