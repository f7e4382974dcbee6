"""A small language for histories by hand: one outlet, its limits and rules, and what its monitor sends when."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from rules.alert import AlertEvent, Step
from rules.limits import Averaging, Limit
from rules.reference import Entry, Mark, Payload, Sent
from rules.rule import AlertClass, Judging, Rule, RuleKind, RuleSet
from rules.ruleset_json import make_ruleset
from sensors.reading import Flag, Kind
from sensors.registry import Binding, Enterprise, Medium, Monitor, Outlet, Registry

MN = "010000A8900016F000169DC0"
SO2, O2, COD, FLOW, PH = "a21026", "a19001", "w01018", "w00000", "w01001"
DAY_ONE = (2024, 3, 1)


@dataclass(frozen=True, kw_only=True)
class World:
    """One outlet with one monitor."""

    medium: Medium
    bindings: dict[str, Kind]  # factor -> the kind it is judged from; the first is the one of `limit`
    limits: tuple[Limit, ...] = ()
    rules: tuple[Rule, ...] = ()
    realtime_s: int = 60
    minute_min: int = 10
    judging: Judging = field(default_factory=Judging)
    day_one: tuple[int, int, int] = DAY_ONE

    @property
    def factor(self) -> str:
        """The factor that entries speak of when they name none."""
        return next(iter(self.bindings))

    @property
    def registry(self) -> Registry:
        """The registry of that outlet."""
        return Registry(
            enterprises=(Enterprise(id="works", name="Works", home=0),),
            outlets=(Outlet(id="out", enterprise="works", name="Out", medium=self.medium),),
            monitors=(Monitor(mn=MN, outlet="out", realtime_s=self.realtime_s, minute_min=self.minute_min),),
            bindings=tuple(Binding(outlet="out", factor=f, judged_from=kind) for f, kind in self.bindings.items()),
        )

    @property
    def ruleset(self) -> RuleSet:
        """Its rule set."""
        return make_ruleset(judging=self.judging, rules=self.rules, limits=self.limits)

    def ms(self, when: str) -> int:
        """UTC milliseconds of "10:00", "10:00:30", "10:00:30.250" on day one, or "2 10:00" on day two, local time."""
        day, _, clock = when.rpartition(" ")
        hour, minute, *rest = clock.split(":")
        local = datetime(*self.day_one, int(hour), int(minute), tzinfo=ZoneInfo(self.judging.zone))
        local += timedelta(days=int(day or 1) - 1)
        return round(local.astimezone(UTC).timestamp() * 1000) + round(float(rest[0] if rest else 0) * 1000)

    def when(self, ms: int) -> str:
        """The inverse of `ms`."""
        local = datetime.fromtimestamp(ms / 1000, ZoneInfo(self.judging.zone)).replace(tzinfo=None)
        day = (local.date() - datetime(*self.day_one).date()).days + 1
        clock = local.strftime("%H:%M:%S" if local.second else "%H:%M")
        return clock if day == 1 else f"{day} {clock}"


def limit(factor: str, averaging: Averaging, ceiling: float | None = None, **more: Any) -> Limit:
    """A limit of the outlet."""
    return Limit(outlet="out", factor=factor, averaging=averaging, ceiling=ceiling, **more)


def rule(kind: RuleKind, **more: Any) -> Rule:
    """A rule whose id is its kind."""
    values: dict[str, Any] = {"id": kind.value, "alert_class": AlertClass.LEGAL, **more}
    return Rule(kind=kind, **values)


def hourly_so2(*, cells: Kind = Kind.REALTIME, o2: bool = False, **more: Any) -> World:
    """A stack whose SO2 may be 100 mg/m3 an hour, sent every minute."""
    bindings = {SO2: cells, **({O2: cells} if o2 else {})}
    return _world(Medium.GAS, bindings, rule(RuleKind.EXCEEDANCE), {"ceiling": 100.0, **more})


def hourly_cod(**more: Any) -> World:
    """An outfall whose COD may be 30 mg/L an hour, sent every 10 minutes."""
    return _world(Medium.WATER, {COD: Kind.MINUTE}, rule(RuleKind.EXCEEDANCE), {"ceiling": 30.0, **more})


def daily(medium: Medium, *, factors: dict[str, Kind] | None = None, **more: Any) -> World:
    """An outlet whose first factor may be 30 a day, sent every hour."""
    bindings = factors or {COD if medium is Medium.WATER else SO2: Kind.HOUR}
    judged = rule(RuleKind.EXCEEDANCE, averaging=Averaging.DAY)
    return _world(medium, bindings, judged, {"ceiling": 30.0, **more})


def ph(averaging: Averaging = Averaging.HOUR, **more: Any) -> World:
    """An outfall whose pH must lie in 6..9, sent every 5 minutes."""
    judged = rule(RuleKind.RANGE, averaging=averaging)
    return _world(Medium.WATER, {PH: Kind.MINUTE}, judged, {"ceiling": 9.0, "floor": 6.0, "minute_min": 5, **more})


def _world(medium: Medium, bindings: dict[str, Kind], judged: Rule, more: dict[str, Any]) -> World:
    """A world of one rule and one limit; what is no field of a world is one of the limit."""
    terms = {key: more.pop(key) for key in list(more) if key not in World.__dataclass_fields__}
    given = {"limits": (limit(next(iter(bindings)), judged.averaging, **terms),), "rules": (judged,), **more}
    return World(medium=medium, bindings=bindings, **given)


@dataclass
class Diary:
    """What the monitor of a world sends, and what else the log says."""

    world: World
    said: dict[int, list[Sent] | Mark | RuleSet] = field(default_factory=lambda: defaultdict(list))

    def send(
        self,
        start: str,
        values: Sequence[float],
        factor: str = "",
        *,
        kind: Kind | None = None,
        flag: Flag = Flag.NORMAL,
        at: str = "",
        every_s: int = 0,
    ) -> "Diary":
        """One reading a slot from `start` on; each arrives 1 s after its device time, or all of them at `at`."""
        name = factor or self.world.factor
        as_kind = self.world.bindings[name] if kind is None else kind
        step = every_s * 1000 or self.world.registry.monitors[0].cadence_s(as_kind) * 1000
        for no, value in enumerate(values):
            device = self.world.ms(start) + no * step
            sent = Sent(outlet="out", factor=name, kind=as_kind, device_ms=device, value=value, flag=flag)
            entry = self.said[self.world.ms(at) if at else device + 1000]
            assert isinstance(entry, list)
            entry.append(sent)
        return self

    def babble(self, at: str) -> "Diary":
        """A payload that nobody can decode."""
        self.said[self.world.ms(at)] = []
        return self

    def tick(self, *at: str, mark: Mark = Mark.TICK) -> "Diary":
        """Ticks, or other marks, at those log times."""
        self.said.update({self.world.ms(one): mark for one in at})
        return self

    def rules(self, at: str, **changed: Any) -> "Diary":
        """The rule set of the world with these fields changed takes over."""
        self.said[self.world.ms(at)] = replace(self.world, **changed).ruleset
        return self

    def history(self) -> list[Entry]:
        """The log, behind its registry and its rule set."""
        head = [Entry(log_ms=1, said=self.world.registry), Entry(log_ms=2, said=self.world.ruleset)]
        return head + [Entry(log_ms=at, said=_entry(said)) for at, said in sorted(self.said.items())]


def _entry(said: list[Sent] | Mark | RuleSet) -> tuple[Payload, ...] | Mark | RuleSet:
    return (Payload(mn=MN, readings=tuple(said)),) if isinstance(said, list) else said


def told(events: Iterable[AlertEvent], world: World) -> list[str]:
    """Events as people would note them, without what the world makes obvious.

    `11:10 opened 10:00 120 45/60 !2`: at 11:10 an alert on the window from 10:00 opened with value 120 from 45 of 60
    cells and severity 2; `late` and `device` follow where they are so. `10:05 returned 10:01 ..10:05`: an early warning
    or an alert on a monitor has an end.
    """
    return [_told(event, world) for event in events]


def _told(event: AlertEvent, world: World) -> str:
    parts = [world.when(event.at_ms), event.step.value, world.when(event.start_ms)]
    windowed = event.kind in (RuleKind.EXCEEDANCE, RuleKind.RANGE)
    if event.step in (Step.OPENED, Step.REVISED):
        parts += [f"{event.value:.10g}"] if event.value is not None else []
        parts += [f"{event.evidence.n_valid}/{event.evidence.n_due}"] if windowed else []
        words = {"late": event.late and event.step is Step.OPENED, "device": event.evidence.from_device}
        return " ".join([*parts, f"!{event.severity}", *(word for word, is_so in words.items() if is_so)])
    return " ".join(parts if windowed or event.end_ms is None else [*parts, f"..{world.when(event.end_ms)}"])


@dataclass(frozen=True)
class Example:
    """One sentence of the law, a history, and the events it must give."""

    sentence: str
    diary: Diary
    expected: tuple[str, ...] = ()
