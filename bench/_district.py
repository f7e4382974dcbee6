"""A large district for benches: any number of stacks with eight factors, their limits, and their minute frames."""

from dataclasses import dataclass, replace

from engine.demo.rulebook import GAS
from rules.limits import Averaging, Basis, Limit
from rules.rule import AlertClass, Judging, Rule, RuleKind, RuleSet
from rules.ruleset_json import make_ruleset
from sensors.hj212.encode import seal
from sensors.hj212.times import data_time
from sensors.registry import Binding, Enterprise, Medium, Monitor, Outlet, Registry, home_of

FACTORS = ("a21026", "a21002", "a34013", "a19001", "a00000", "a01011", "a01012", "a01014")
LEVELS = (30.0, 60.0, 8.0, 6.0, 80.0, 12.0, 85.0, 8.0)
LIMITED = (("a21026", 100.0), ("a21002", 150.0), ("a34013", 30.0))
REFERENCE_O2 = 6.0
OUTLETS_OF_ENTERPRISE = 5
VARIANTS = 64
MINUTE_MS = 60_000


def make_registry(outlets: int) -> Registry:
    """So many stacks, each with a monitor that sends eight factors a minute; five stacks an enterprise."""
    enterprises = tuple(
        Enterprise(id=f"e{n}", name=f"Enterprise {n}", home=home_of(f"e{n}"))
        for n in range(-(-outlets // OUTLETS_OF_ENTERPRISE))
    )
    return Registry(
        enterprises=enterprises,
        outlets=tuple(
            Outlet(id=f"s{n}", enterprise=f"e{n // OUTLETS_OF_ENTERPRISE}", name=f"Stack {n}", medium=Medium.GAS)
            for n in range(outlets)
        ),
        monitors=tuple(Monitor(mn=mn_of(n), outlet=f"s{n}", realtime_s=60, minute_min=1) for n in range(outlets)),
        bindings=tuple(Binding(outlet=f"s{n}", factor=code) for n in range(outlets) for code in FACTORS),
    )


def make_rules(registry: Registry) -> RuleSet:
    """All five kinds of rule. SO2, NOx and PM of every stack have an hourly limit on the converted basis."""
    limits = tuple(
        Limit(
            outlet=outlet.id,
            factor=factor,
            averaging=Averaging.HOUR,
            ceiling=ceiling,
            basis=Basis.CONVERTED,
            reference_o2=REFERENCE_O2,
            source="bench",
        )
        for outlet in registry.outlets
        for factor, ceiling in LIMITED
    )
    early = Rule(id="early", kind=RuleKind.INSTANT, alert_class=AlertClass.EARLY_WARNING, select=GAS, in_a_row=1)
    rules = (
        early,
        replace(early, id="hour", kind=RuleKind.EXCEEDANCE, alert_class=AlertClass.LEGAL),
        replace(early, id="range", kind=RuleKind.RANGE, alert_class=AlertClass.LEGAL),
        Rule(id="offline", kind=RuleKind.OFFLINE, alert_class=AlertClass.INTEGRITY),
        Rule(id="clock", kind=RuleKind.CLOCK, alert_class=AlertClass.INTEGRITY),
    )
    return make_ruleset(judging=Judging(), rules=rules, limits=limits)


def mn_of(number: int) -> str:
    """The MN of the n-th stack."""
    return f"010000A8900016F1{number:08X}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Frames:
    """Makes minute frames quickly: the values come from a few variants made beforehand."""

    areas: tuple[str, ...]
    over: str  # SO2 far above its limit

    @classmethod
    def make(cls) -> "Frames":
        """With `VARIANTS` different sets of values."""
        return cls(
            areas=tuple(_area(1.0 + (variant - VARIANTS / 2) / 400) for variant in range(VARIANTS)),
            over=_area(1.0, so2=320.0),
        )

    def payload(self, outlet: int, minute_ms: int, *, over: bool = False) -> bytes:
        """The frame of one minute of one stack: HJ 212-2017, CN 2051, eight factors with Min, Avg, Max and Flag."""
        area = self.over if over else self.areas[(outlet + minute_ms // MINUTE_MS) % VARIANTS]
        time = data_time(minute_ms)
        return seal(
            f"QN={time}{outlet % 1000:03d};ST=31;CN=2051;PW=123456;MN={mn_of(outlet)};Flag=4;CP=&&DataTime={time};{area}&&"
        )


def _area(scale: float, so2: float = LEVELS[0]) -> str:
    parts = []
    for code, level in zip(FACTORS, (so2, *LEVELS[1:]), strict=True):
        mean = level * scale
        values = (("Min", mean * 0.98), ("Avg", mean), ("Max", mean * 1.02))
        parts.append(",".join(f"{code}-{name}={value:.1f}" for name, value in values) + f",{code}-Flag=N")
    return ";".join(parts)
