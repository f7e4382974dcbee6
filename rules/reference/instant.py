"""Early warning: readings over a threshold, one after the other (section 8)."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction

from rules.alert import AlertEvent, Step, alert_id
from rules.limits import Basis
from rules.reference.alerts import severity
from rules.reference.book import Book, Taken
from rules.reference.checks import Check, alert_factor, same_slot_oxygen, speaks
from rules.reference.exact import exact, half_even
from rules.reference.history import Epoch
from rules.reference.means import converted
from sensors.reading import Flag


@dataclass(slots=True)
class Run:
    """Where one check stands in its row of readings."""

    last_ms: int = -(1 << 62)  # greatest device time that counted
    over: list[Taken] = field(default_factory=list)
    alert: AlertEvent | None = None


def instant_events(check: Check, run: Run, book: Book, epoch: Epoch) -> Iterator[AlertEvent]:
    """The events of one check from the readings that arrived in one epoch."""
    for taken in book.taken.get(check.own, []):
        if epoch.judges(taken.log_ms):
            yield from _look(check, run, taken, book, epoch)


def _look(check: Check, run: Run, taken: Taken, book: Book, epoch: Epoch) -> Sequence[AlertEvent]:
    sent = taken.sent
    value = _value(check, taken, book, epoch)
    if sent.flag is not Flag.NORMAL or sent.device_ms <= run.last_ms or value is None:
        return ()
    if not speaks(check.limit, sent.device_ms):
        return ()
    run.last_ms = sent.device_ms
    assert check.limit.ceiling is not None
    if value > exact(check.rule.fraction) * exact(check.limit.ceiling):
        run.over.append(taken)
        if len(run.over) >= check.rule.in_a_row and run.alert is None:
            run.alert = _opened(check, run.over[0].sent.device_ms, taken.log_ms, value, epoch)
            return (run.alert,)
        return ()
    run.over = []
    if run.alert is None:
        return ()
    returned = replace(run.alert, seq=1, step=Step.RETURNED, at_ms=taken.log_ms, end_ms=sent.device_ms)
    run.alert = None
    return (returned,)


def _value(check: Check, taken: Taken, book: Book, epoch: Epoch) -> Fraction | None:
    """The reading on the basis of the limit, rounded; None: it does not count."""
    value: Fraction | None = exact(taken.sent.value)
    if check.limit.basis is Basis.CONVERTED:
        slot = (taken.slot_ms, taken.slot_ms + 1)
        oxygen = book.at(same_slot_oxygen(check), slot, taken.log_ms).get(taken.slot_ms)
        normal = exact(oxygen.value) if oxygen is not None and oxygen.flag is Flag.NORMAL else None
        value = converted(exact(taken.sent.value), normal, check, epoch.rules.judging)
    return None if value is None else half_even(value)


def _opened(check: Check, start_ms: int, at_ms: int, value: Fraction, epoch: Epoch) -> AlertEvent:
    rule, limit = check.rule, check.limit
    return AlertEvent(
        alert_id=alert_id(rule.id, limit.outlet, alert_factor(check, epoch), start_ms),
        seq=0,
        step=Step.OPENED,
        at_ms=at_ms,
        rule=rule.id,
        kind=rule.kind,
        rule_version=epoch.rules.version,
        alert_class=rule.alert_class,
        severity=severity(rule, value, limit),
        outlet=limit.outlet,
        factor=limit.factor,
        start_ms=start_ms,
        end_ms=None,
        value=float(value),
        ceiling=limit.ceiling,
        floor=limit.floor,
        source=limit.source,
        unverified=limit.unverified,
    )
