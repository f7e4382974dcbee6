"""Random small registries, rule sets and histories, for hypothesis.

What is drawn is the shape: outlets, cadences, limits, rules, settings, changes of them, and how badly things go (gaps,
flags, resends, corrections, lateness, wrong clocks, restarts of the host). The readings themselves come from a drawn
seed, so that one history costs hypothesis a few dozen draws; `tests.comparing.smaller` makes one small that shows
a disagreement.
"""

from collections.abc import Iterator
from dataclasses import dataclass, fields, is_dataclass, replace
from datetime import UTC, datetime
from enum import Enum
from itertools import pairwise
from random import Random
from typing import Any

from hypothesis import strategies as st

from rules.limits import Averaging, Basis, Limit, Weighting
from rules.reference import Entry, Mark, Payload, Sent
from rules.rule import AlertClass, Judging, Rule, RuleKind, RuleSet
from rules.ruleset_json import make_ruleset
from sensors.reading import Flag, Kind
from sensors.registry import HOMES, Binding, Enterprise, Medium, Monitor, Outlet, Registry

SO2, NOX, O2, COD, NH3N, FLOW, PH = "a21026", "a21002", "a19001", "w01018", "w21003", "w00000", "w01001"
FACTORS = {Medium.GAS: (SO2, NOX, O2), Medium.AIR: (SO2, NOX), Medium.WATER: (COD, NH3N, FLOW, PH)}
LEVELS: dict[str, tuple[float, ...]] = {
    O2: (4.0, 6.0, 11.0, 17.5, 18.5, 19.0, 19.5, 21.0),
    FLOW: (0.0, 0.5, 1.0, 2.5, 4.0),
    PH: (5.5, 5.9, 6.0, 7.0, 7.5, 9.0, 9.1, 9.5),
}
USUAL = (0.0, 10.0, 25.5, 29.9, 30.0, 30.1, 31.5, 33.0, 45.0, 47.5, 60.0, 90.5)
"""Levels of all other factors, about a ceiling of 30."""

STARTS = {
    "Asia/Shanghai": (2024, 3, 1, 14),
    "Europe/Rome": (2024, 3, 30, 20),  # the night of 23 hours
    "America/New_York": (2024, 11, 2, 20),  # the night of 25
}
PACES = {  # realtime_s, minute_min, hours of history
    "seconds": ((30, 45, 60), (1, 2), 2),
    "minutes": ((75, 300, 600), (5, 10), 7),
    "hours": ((1200, 1800, 3600), (20, 30), 64),
}


@dataclass(frozen=True, kw_only=True)
class Trouble:
    """How badly things go: shares of readings or payloads, and counts."""

    gaps: float = 0.0
    flags: float = 0.0
    resent: float = 0.0
    corrected: float = 0.0
    late: float = 0.0
    ahead: float = 0.0
    shuffled: float = 0.0
    restarts: int = 0
    silences: int = 0


@dataclass(frozen=True, kw_only=True)
class Case:
    """A registry, a rule set and a history that begins with both."""

    registry: Registry
    rules: RuleSet
    history: tuple[Entry, ...]

    def __repr__(self) -> str:
        judging, registry, rules = self.rules.judging, self.registry, self.rules
        parts = (judging, *registry.outlets, *registry.monitors, *registry.bindings, *rules.rules, *rules.limits)
        return "\n".join([*map(brief, parts), *(f"{e.log_ms} {brief(e.said)}" for e in self.history[2:])])


def brief(value: object) -> str:
    """A value in short: of dataclasses only what is not at its default.

    >>> brief((Judging(o2_max=18.5), Kind.HOUR))
    '[Judging(o2_max=18.5), HOUR]'
    """
    if isinstance(value, tuple):
        return f"[{', '.join(map(brief, value))}]"
    if isinstance(value, Enum):
        return value.name
    if not is_dataclass(value):
        return repr(value)
    told = ((f.name, getattr(value, f.name)) for f in fields(value) if getattr(value, f.name) != f.default)
    return f"{type(value).__name__}({', '.join(f'{name}={brief(v)}' for name, v in told)})"


TROUBLES = st.builds(
    Trouble,
    gaps=st.sampled_from((0.0, 0.02, 0.2)),
    flags=st.sampled_from((0.0, 0.1, 0.3)),
    resent=st.sampled_from((0.0, 0.1, 0.5)),
    corrected=st.sampled_from((0.0, 0.1)),
    late=st.sampled_from((0.0, 0.05, 0.4)),
    ahead=st.sampled_from((0.0, 0.03)),
    shuffled=st.sampled_from((0.0, 0.3)),
    restarts=st.integers(0, 2),
    silences=st.integers(0, 1),
)

JUDGINGS = st.builds(
    Judging,
    zone=st.sampled_from(tuple(STARTS)),
    patience_hour_s=st.sampled_from((600, 0, 1800, 3600)),
    patience_day_s=st.sampled_from((3600, 7200)),
    late_bound_h=st.sampled_from((48, 27)),
    future_max_s=st.sampled_from((300, 0)),
    revise_every_s=st.sampled_from((60, 1, 420, 3600)),
    o2_max=st.sampled_from((19.0, 18.5)),
    zero_flow_due=st.booleans(),
).map(lambda judging: replace(judging, patience_day_s=max(judging.patience_day_s, judging.patience_hour_s)))


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """A registry, a rule set and a history of some hundred readings."""
    change = draw(st.sampled_from(("", "", "", "same", "limits", "fewer rules", "more rules", "registry")))
    # A new check knows of a day what the slots still hold: with 48 h that is all that the latest reading here asks for.
    judging = draw(JUDGINGS)
    judging = replace(judging, late_bound_h=48 if change in ("limits", "more rules") else judging.late_bound_h)
    pace = draw(st.sampled_from(tuple(PACES)))
    registry = draw(_registries(pace))
    limits = draw(_limits(registry, judging, pace))
    rules = make_ruleset(judging=judging, rules=draw(_rules()), limits=limits)
    rng = Random(draw(st.integers(0, 2**32)))
    history = _history(registry, rules, draw(TROUBLES), rng, hours=PACES[pace][2])
    return Case(registry=registry, rules=rules, history=tuple(_changed(list(history), change, registry, rules, rng)))


def _changed(history: list[Entry], change: str, registry: Registry, rules: RuleSet, rng: Random) -> Iterator[Entry]:
    """The history with a registry or rule set that takes over somewhere, and the old one at some later time.

    They take over at an instant of revisions, so that none waits: of one that does, the law says nothing to new checks.
    """
    news: dict[str, list[Registry | RuleSet]] = {
        "": [],
        "same": [registry, rules],
        "limits": [_other(rules, limits=tuple(_stricter(limit) for limit in rules.limits)), rules],
        "fewer rules": [_other(rules, rules=rules.rules[1:])],
        "more rules": [rules],
        "registry": [_grown(registry)],
    }
    if change == "more rules":
        history[1] = Entry(log_ms=history[1].log_ms, said=_other(rules, rules=rules.rules[1:]))
    every = rules.judging.revise_every_s * 1000
    free = [at for one, two in pairwise(history[2:]) if two.said is not Mark.HOST_STARTED
            for at in [(one.log_ms // every + 1) * every] if at < two.log_ms]  # fmt: skip
    chosen = sorted(rng.sample(free, min(len(news[change]), len(free))))
    new = [Entry(log_ms=at, said=said) for at, said in zip(chosen, news[change], strict=False)]
    yield from sorted([*history, *new], key=lambda entry: entry.log_ms)


def _other(old: RuleSet, **new: Any) -> RuleSet:
    return make_ruleset(**{"judging": old.judging, "rules": old.rules, "limits": old.limits, **new})


def _stricter(limit: Limit) -> Limit:
    return replace(limit, ceiling=limit.ceiling * 0.7) if limit.ceiling and limit.floor is None else limit


def _grown(registry: Registry) -> Registry:
    """The next version, with one more enterprise."""
    return replace(
        registry,
        version=registry.version + 1,
        enterprises=(*registry.enterprises, Enterprise(id="works-new", name="New", home=1)),
        outlets=(*registry.outlets, Outlet(id="out-new", enterprise="works-new", name="New", medium=Medium.GAS)),
        monitors=(*registry.monitors, Monitor(mn="F" * 24, outlet="out-new")),
        bindings=(*registry.bindings, Binding(outlet="out-new", factor=SO2)),
    )


@st.composite
def _registries(draw: st.DrawFn, pace: str) -> Registry:
    realtimes, minutes, _ = PACES[pace]
    outlets, monitors, bindings = [], [], []
    for no in range(draw(st.integers(1, 1 if pace == "seconds" else 3))):
        medium = draw(st.sampled_from(tuple(Medium)))
        outlets.append(Outlet(id=f"out-{no}", enterprise=f"works-{no}", name=f"Outlet {no}", medium=medium))
        monitors.append(
            Monitor(
                mn=f"{no:024X}",
                outlet=f"out-{no}",
                realtime_s=draw(st.sampled_from(realtimes)),
                minute_min=draw(st.sampled_from(minutes)),
            )
        )
        one_kind = draw(st.sampled_from((Kind.REALTIME, Kind.MINUTE, Kind.HOUR)))
        kinds = st.just(one_kind) if draw(st.booleans()) else st.sampled_from((Kind.REALTIME, Kind.MINUTE, Kind.HOUR))
        factors = draw(st.lists(st.sampled_from(FACTORS[medium]), min_size=1, max_size=3, unique=True))
        bindings += [Binding(outlet=f"out-{no}", factor=factor, judged_from=draw(kinds)) for factor in factors]
    homes = [draw(st.integers(0, HOMES - 1)) for _ in outlets]
    enterprises = [Enterprise(id=o.enterprise, name=o.name, home=h) for o, h in zip(outlets, homes, strict=True)]
    return Registry(
        enterprises=tuple(enterprises), outlets=tuple(outlets), monitors=tuple(monitors), bindings=tuple(bindings)
    )


@st.composite
def _limits(draw: st.DrawFn, registry: Registry, judging: Judging, pace: str) -> tuple[Limit, ...]:
    change_ms = _start_ms(judging) + PACES[pace][2] * 1_800_000
    found: list[Limit] = []
    for binding in registry.bindings:
        medium = registry.outlet(binding.outlet).medium
        for averaging in draw(st.sampled_from(((Averaging.HOUR,), (Averaging.DAY,), (Averaging.HOUR, Averaging.DAY)))):
            terms = draw(_terms(binding.factor, medium, averaging))
            terms |= {"outlet": binding.outlet, "factor": binding.factor, "averaging": averaging}
            if draw(st.sampled_from((False, False, True))) and terms["floor"] is None:
                stricter = {**terms, "ceiling": terms["ceiling"] / 2, "valid_from_ms": change_ms}
                found += [Limit(**terms, valid_to_ms=change_ms), Limit(**stricter)]
            else:
                found.append(Limit(**terms))
    return tuple(found)


@st.composite
def _terms(draw: st.DrawFn, factor: str, medium: Medium, averaging: Averaging) -> dict[str, Any]:
    """What one limit says, beside its place."""
    decimals = draw(st.sampled_from((None, None, 0, 1)))
    if factor == PH:
        return {"ceiling": 9.0, "floor": 6.0, "decimals": decimals}
    terms: dict[str, Any] = {"ceiling": 3.0 if factor == FLOW else 30.0, "floor": None, "decimals": decimals}
    if medium is Medium.GAS and factor != O2 and draw(st.booleans()):
        terms |= {"basis": Basis.CONVERTED, "reference_o2": 6.0}
    if medium is Medium.WATER and averaging is Averaging.DAY and factor != FLOW and draw(st.booleans()):
        terms |= {"weighting": Weighting.FLOW}
    return terms


@st.composite
def _rules(draw: st.DrawFn) -> tuple[Rule, ...]:
    severity = draw(st.sampled_from((None, None, 4)))
    legal, early, integrity = AlertClass.LEGAL, AlertClass.EARLY_WARNING, AlertClass.INTEGRITY
    in_a_row, fraction = draw(st.integers(1, 3)), draw(st.sampled_from((1.0, 0.57, 1.1)))
    share = draw(st.sampled_from((0.25, 0.1, 0.0)))
    silence = draw(st.sampled_from((600, 1801, 7200)))
    every = (
        Rule(id="hour", kind=RuleKind.EXCEEDANCE, alert_class=legal, severity=severity),
        Rule(id="day", kind=RuleKind.EXCEEDANCE, alert_class=legal, averaging=Averaging.DAY),
        Rule(id="ph-hour", kind=RuleKind.RANGE, alert_class=legal, share_max=share, severity=severity),
        Rule(id="ph-day", kind=RuleKind.RANGE, alert_class=legal, share_max=share, averaging=Averaging.DAY),
        Rule(id="early", kind=RuleKind.INSTANT, alert_class=early, in_a_row=in_a_row, fraction=fraction),
        Rule(id="offline", kind=RuleKind.OFFLINE, alert_class=integrity, silence_s=silence),
        Rule(id="clock", kind=RuleKind.CLOCK, alert_class=integrity, severity=severity),
    )
    return tuple(rule for rule in every if draw(st.sampled_from((True, True, True, False))))


def _start_ms(judging: Judging) -> int:
    return int(datetime(*STARTS[judging.zone], tzinfo=UTC).timestamp() * 1000)


def _history(registry: Registry, rules: RuleSet, trouble: Trouble, rng: Random, *, hours: int) -> Iterator[Entry]:
    """The log: head, payloads and ticks in order of log time, and an end that is a tick, an end of input or nothing."""
    start = _start_ms(rules.judging)
    span = hours * 3_600_000
    quiet = sorted(_quiet(start, span, trouble.restarts, rng))
    said: dict[int, list[Payload] | Mark] = {}
    for monitor in registry.monitors:
        for log_ms, payload in _payloads(monitor, registry, trouble, rng, (start, start + span)):
            at = _heard(log_ms, quiet)
            entry = said.setdefault(at, [])
            assert isinstance(entry, list)
            entry.append(payload)
    for every in range(start, start + span, rng.choice((60_000, 600_000, 5_400_000))):
        if _heard(every, quiet) == every:
            said.setdefault(every, Mark.TICK)
    for stopped, started in quiet:
        said |= {stopped: Mark.TICK, started: Mark.HOST_STARTED}
    end = max(said) + 1
    said |= rng.choice(({}, {end: Mark.END_OF_INPUT}, {end + 7_200_000: Mark.TICK}, {end + 200_000_000: Mark.TICK}))
    yield from (Entry(log_ms=1, said=registry), Entry(log_ms=2, said=rules))
    for at, entry in sorted(said.items()):
        yield Entry(log_ms=at, said=tuple(entry) if isinstance(entry, list) else entry)


def _quiet(start: int, span: int, restarts: int, rng: Random) -> Iterator[tuple[int, int]]:
    """Spans of log time in which no host listens; they do not touch."""
    for no in range(restarts):
        stopped = start + span * no // restarts + rng.randrange(span // (3 * restarts)) | 1
        yield stopped, stopped + 2 * rng.randrange(1, span // (6 * restarts))


def _heard(log_ms: int, quiet: list[tuple[int, int]]) -> int:
    """When a payload of that time reaches the log: at once, or right after the host is back."""
    for stopped, started in quiet:
        if stopped <= log_ms <= started:
            return started + 1 + (log_ms - stopped) // 1000
    return log_ms


def _payloads(
    monitor: Monitor, registry: Registry, trouble: Trouble, rng: Random, span: tuple[int, int]
) -> Iterator[tuple[int, Payload]]:
    """What one monitor says and when it arrives."""
    silent = [(at, at + rng.randrange(1, (span[1] - span[0]) // 2)) for at in
              (rng.randrange(*span) for _ in range(trouble.silences))]  # fmt: skip
    for kind in (Kind.REALTIME, Kind.MINUTE, Kind.HOUR, Kind.DAY):
        factors = [b.factor for b in registry.bindings if b.outlet == monitor.outlet and _sends(b, kind, rng)]
        step = monitor.cadence_s(kind) * 1000
        first = span[0] // step * step - (7 * 3_600_000 if kind is Kind.DAY else 0)
        level = {factor: rng.choice(LEVELS.get(factor, USUAL)) for factor in factors}
        for device_ms in range(first, span[1], step):
            if any(a <= device_ms < b for a, b in silent) or rng.random() < trouble.gaps or not factors:
                continue
            if rng.random() < 0.2:
                level = {factor: rng.choice(LEVELS.get(factor, USUAL)) for factor in factors}
            yield from _sent(monitor, kind, device_ms, level, trouble, rng)


def _sends(binding: Binding, kind: Kind, rng: Random) -> bool:
    """The kind a factor is judged from always; others as it happens."""
    return binding.judged_from is kind or rng.random() < {Kind.HOUR: 0.5, Kind.DAY: 0.5}.get(kind, 0.1)


def _sent(
    monitor: Monitor, kind: Kind, device_ms: int, level: dict[str, float], trouble: Trouble, rng: Random
) -> Iterator[tuple[int, Payload]]:
    """One payload as it arrives: in time or late, once or twice, corrected later or not."""
    step = monitor.cadence_s(kind) * 1000
    at = device_ms + (rng.choice((0, 0, 1, step // 2, step - 1)) if rng.random() < trouble.shuffled else 0)
    at += rng.choice((400_000, 86_400_000)) if rng.random() < trouble.ahead else 0
    usual = step if kind in (Kind.HOUR, Kind.DAY) else 0
    log_ms = device_ms + usual + rng.choice((250, 1000, 20_000))
    if rng.random() < trouble.late:
        log_ms += rng.choice((300_000, 1_800_000, 7_200_000, 21_600_000, 86_400_000, 180_000_000))
    payload = _payload(monitor, kind, at, level, trouble, rng)
    yield log_ms, payload
    if rng.random() < trouble.resent:
        yield log_ms + rng.choice((0, 10_000, 3_600_000)), payload
    if rng.random() < trouble.corrected:
        other = {factor: rng.choice(LEVELS.get(factor, USUAL)) for factor in level}
        yield log_ms + rng.choice((60_000, 3_600_000)), _payload(monitor, kind, at, other, trouble, rng)


def _payload(monitor: Monitor, kind: Kind, at: int, level: dict[str, float], trouble: Trouble, rng: Random) -> Payload:
    flags = (Flag.MAINTENANCE, Flag.FAULT, Flag.CALIBRATION)
    readings = tuple(
        Sent(
            outlet=monitor.outlet,
            factor=factor,
            kind=kind,
            device_ms=at,
            value=value,
            flag=rng.choice(flags) if rng.random() < trouble.flags else Flag.NORMAL,
        )
        for factor, value in level.items()
    )
    return Payload(mn=monitor.mn, readings=readings if rng.random() > 0.01 else ())
