"""An alert explained: its verdict computed again from what it prints, and the readings used and left out, with why."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from rules.alert import AlertEvent
from rules.recompute import (
    HOURS_MIN,
    MINUTES_MIN,
    SHARE_MIN,
    Left,
    Slot,
    Sums,
    Window,
    convert,
    even_hour,
    farther,
    flow_hour,
    range_hour,
    rounded,
    window_of,
)
from rules.rule import RuleKind, RuleSet
from rules.terms import Terms, terms_of


class Agreement(StrEnum):
    """Whether the verdict follows from what the alert prints."""

    AGREES = "agrees"
    DISAGREES = "disagrees"
    PARTLY = "partly"  # what can be checked agrees; `Why` says what cannot
    UNKNOWN = "unknown"  # nothing can be checked


class Why(StrEnum):
    """Why not everything can be checked."""

    RULES_UNKNOWN = "rules_unknown"  # the rule set it was judged by is not at hand
    FROM_DEVICE = "from_device"  # the device's own mean was used: its slots cannot be seen
    HOURS_FROM_DEVICE = "hours_from_device"  # some hours of the day are the device's own means
    O2_NOT_PRINTED = "o2_not_printed"  # oxygen comes at another cadence
    BY_HOURS = "by_hours"  # the slots were too many: means of hours are printed
    LAST_READING_ONLY = "last_reading_only"  # an early warning prints the last of its readings


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One number of the verdict, as printed and as computed again."""

    name: str  # "value", "n_valid", "n_due", "measured", "exceeded", "enough", "silence_s"
    printed: float | bool | None
    computed: float | bool | None

    @property
    def holds(self) -> bool:
        """Both are the same."""
        return self.printed == self.computed


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftOut:
    """A slot that does not count."""

    slot: Slot
    why: Left


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """Everything about one alert's numbers."""

    event: AlertEvent
    terms: Terms | None
    agreement: Agreement
    why: tuple[Why, ...]
    checks: tuple[Check, ...]
    used: tuple[Slot, ...]
    left_out: tuple[LeftOut, ...]


def explain(event: AlertEvent, rules: RuleSet | None) -> Explanation:
    """Compute an event's verdict again, by the rule set it was judged by (None: not at hand)."""
    terms = terms_of(event, rules) if rules else None
    if terms is None:
        return _explanation(event, None, [], [Why.RULES_UNKNOWN], None)
    match event.kind:
        case RuleKind.EXCEEDANCE | RuleKind.RANGE:
            window = window_of(event.evidence, terms)
            checks, why = _window_checks(event, window)
            return _explanation(event, terms, checks, why, window)
        case RuleKind.INSTANT:
            threshold = terms.rule.fraction * (event.ceiling or 0.0)
            over = event.value is not None and rounded(event.value, 6) > threshold
            return _explanation(event, terms, [_true("exceeded", over)], [Why.LAST_READING_ONLY], None)
        case RuleKind.OFFLINE:
            # spans in which no host listened do not count: it may have been silent for longer, never shorter
            opened_ms = event.at_ms if event.seq == 0 else None
            long = opened_ms is None or opened_ms - event.start_ms >= terms.rule.silence_s * 1000
            return _explanation(event, terms, [_true("silence_s", long)], [], None)
        case RuleKind.CLOCK:
            ahead = event.value is not None and event.value > terms.judging.future_max_s
            return _explanation(event, terms, [_true("exceeded", ahead)], [], None)


def _window_checks(event: AlertEvent, window: Window) -> tuple[list[Check], list[Why]]:
    evidence, terms = event.evidence, window.terms
    if window.by_hours and evidence.from_device:
        return [_over(event, event.value)], [Why.FROM_DEVICE, Why.BY_HOURS]
    if window.by_hours:
        return _checks_by_hours(event, window), [Why.BY_HOURS]
    if event.kind is RuleKind.RANGE:
        return _range_checks(event, _add_up(window, range_hour), terms), []
    sums = _add_up(window, flow_hour if terms.by_flow else even_hour)
    if evidence.from_device:
        return _device_checks(event, sums, terms), [Why.FROM_DEVICE]
    if terms.of_day and terms.converted and not evidence.helper:
        return [_over(event, event.value)], [Why.O2_NOT_PRINTED]
    if terms.of_day and not terms.water and sums.n_valid < evidence.n_valid:
        return [_over(event, event.value)], [Why.HOURS_FROM_DEVICE]
    value = rounded(sums.num / sums.den, terms.decimals) if sums.den else None
    measured = [] if evidence.measured is None else [_same("measured", evidence.measured, sums.measured)]
    checks = [*_counts(event, sums), _true("enough", _enough(sums, terms)), *measured]
    return [*checks, _same("value", event.value, value), _over(event, value)], []


def _add_up(window: Window, of_hour: Callable[[Window, list[Slot]], Sums]) -> Sums:
    total = Sums()
    for slots in window.hours():
        hour = of_hour(window, slots)
        total.add(hour)
        if hour.far is not None:
            total.far = farther(total.far, hour.far, window.terms)
    return total


def _range_checks(event: AlertEvent, sums: Sums, terms: Terms) -> list[Check]:
    exceeded = sums.den > 0 and sums.num / sums.den > terms.rule.share_max
    checks = [*_counts(event, sums), _true("enough", _enough(sums, terms))]
    return [*checks, _same("value", event.value, sums.far), _true("exceeded", exceeded)]


def _device_checks(event: AlertEvent, sums: Sums, terms: Terms) -> list[Check]:
    """The own mean must not be valid; the device's is printed where it was converted."""
    evidence = event.evidence
    of_hours = terms.of_day and not terms.water  # some of which may be the device's own as well
    counts = [] if of_hours else _counts(event, sums)
    checks = [*counts, Check(name="enough", printed=False, computed=_enough(sums, terms))]
    if terms.of_day or evidence.measured is None:
        return [*checks, _over(event, event.value)]
    value = convert(evidence.measured, evidence.o2, terms) if terms.converted else evidence.measured
    own = None if value is None else rounded(value, terms.decimals)
    return [*checks, _same("value", event.value, own), _over(event, own)]


def _checks_by_hours(event: AlertEvent, window: Window) -> list[Check]:
    """The hours' means and weights give the value but for the noise of their divisions."""
    num = den = 0.0
    for slot in window.slots:
        if slot.value is not None and slot.helper is not None:
            num += slot.value * slot.helper
            den += slot.helper
    found = num / den if den else None
    if event.kind is RuleKind.RANGE:  # the mean of an hour is its share of cells outside
        return [_true("exceeded", found is not None and found > window.terms.rule.share_max)]
    close = found is not None and event.value is not None and abs(found - event.value) <= 10.0**-window.terms.decimals
    return [_same("value", event.value, event.value if close else found), _over(event, event.value)]


def _enough(sums: Sums, terms: Terms) -> bool:
    """Whether the window has enough valid cells or hours."""
    if terms.rule.kind is RuleKind.EXCEEDANCE and not terms.by_flow:
        if not terms.of_day:
            return sums.den > 0
        if not terms.water:
            return sums.n_valid >= HOURS_MIN
    if terms.rule.kind is RuleKind.RANGE and not terms.of_day and not terms.water:
        return sums.n_valid * 60 >= MINUTES_MIN * sums.n_due
    return sums.den > 0 and sums.n_valid >= SHARE_MIN * sums.n_due


def _counts(event: AlertEvent, sums: Sums) -> list[Check]:
    evidence = event.evidence
    return [_same("n_valid", evidence.n_valid, sums.n_valid), _same("n_due", evidence.n_due, sums.n_due)]


def _over(event: AlertEvent, value: float | None) -> Check:
    """The value lies over the ceiling or under the floor; equal is allowed."""
    high = event.ceiling is not None and value is not None and value > event.ceiling
    low = event.floor is not None and value is not None and value < event.floor
    return _true("exceeded", high or low)


def _true(name: str, computed: bool) -> Check:
    return Check(name=name, printed=True, computed=computed)


def _same(name: str, printed: float | None, computed: float | None) -> Check:
    return Check(name=name, printed=printed, computed=computed)


def _explanation(
    event: AlertEvent, terms: Terms | None, checks: list[Check], why: list[Why], window: Window | None
) -> Explanation:
    slots = window.slots if window else []
    left = window.left if window else {}
    return Explanation(
        event=event,
        terms=terms,
        agreement=_agreement(checks, why),
        why=tuple(why),
        checks=tuple(checks),
        used=tuple(slot for slot in slots if slot.at_ms not in left),
        left_out=tuple(LeftOut(slot=slot, why=left[slot.at_ms]) for slot in slots if slot.at_ms in left),
    )


def _agreement(checks: list[Check], why: list[Why]) -> Agreement:
    if not checks:
        return Agreement.UNKNOWN
    if not all(check.holds for check in checks):
        return Agreement.DISAGREES
    return Agreement.PARTLY if why else Agreement.AGREES
