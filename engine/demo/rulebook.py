"""The limits and rules of the simulated district. A figure whose text was not read says `unverified`."""

from collections.abc import Iterator
from dataclasses import dataclass

from rules.limits import Averaging, Basis, Limit, Weighting
from rules.rule import AlertClass, Judging, Rule, RuleKind, RuleSet, Selector
from rules.ruleset_json import make_ruleset
from sensors.registry import Medium, Outlet, Registry

COD, AMMONIA, NITROGEN, PHOSPHORUS, PH = "w01018", "w21003", "w21001", "w21011", "w01001"
SO2, NOX, DUST, NMHC = "a21026", "a21002", "a34013", "a24088"


@dataclass(frozen=True, slots=True, kw_only=True)
class Standard:
    """The ceilings of one kind of outlet."""

    source: str
    ceilings: tuple[tuple[str, float], ...]  # (factor, mg/L or mg/m3)
    confirmed: tuple[str, ...] = ()  # factors whose figure was confirmed against the text
    reference_o2: float | None = None  # %; given: judged on the converted basis


def effluent(source: str, *figures: float, confirmed: tuple[str, ...] = ()) -> Standard:
    """Ceilings of COD, NH3-N, TN and TP, in this order; a shorter list has no limit for the rest."""
    pairs = tuple(zip((COD, AMMONIA, NITROGEN, PHOSPHORUS), figures, strict=False))
    return Standard(source=source, ceilings=pairs, confirmed=confirmed)


def stack(source: str, *, so2: float, nox: float, dust: float, o2: float, confirmed: tuple[str, ...] = ()) -> Standard:
    """Ceilings of a stack at its reference oxygen content."""
    pairs = ((SO2, so2), (NOX, nox), (DUST, dust))
    return Standard(source=source, ceilings=pairs, confirmed=confirmed, reference_o2=o2)


STANDARDS = {
    "sewage": effluent("GB 18918-2002 table 1, class 1A", 50, 5, 15, 0.5),
    "dyeing": effluent("GB 4287-2012 table 2, direct", 80, 10, 15, 0.5),
    "paper": effluent("GB 3544-2008 table 2, paper", 80, 8, 12, 0.8, confirmed=(COD, AMMONIA, NITROGEN, PHOSPHORUS)),
    "petrochemistry": effluent("GB 31571-2015 table 1, direct", 60, 8, 40, 1.0),
    "resins": effluent("GB 31572-2015 table 1, direct", 60, 8, 40, 1.0),
    "plating": effluent("GB 21900-2008 table 2", 80, 15, 20, 1.0),
    "pharmacy": effluent("GB 21904-2008 table 2", 120, 25, 35, 1.0),
    "general": effluent("GB 8978-1996 table 4, class I", 100, 15),
    "coal power": stack("GB 13223-2011 table 1, coal", so2=100, nox=100, dust=30, o2=6, confirmed=(SO2,)),
    "coal boiler": stack("GB 13271-2014 table 2, coal", so2=300, nox=300, dust=50, o2=9),
    "gas boiler": stack("GB 13271-2014 table 2, gas", so2=50, nox=200, dust=20, o2=3.5),
    "cement kiln": stack("GB 4915-2013 table 1", so2=200, nox=400, dust=30, o2=10),
    "incinerator": stack("GB 18485-2014 table 4, 1 h", so2=100, nox=300, dust=30, o2=11, confirmed=(SO2, NOX, DUST)),
    "heater": stack("GB 31571-2015 table 5, heater", so2=100, nox=150, dust=20, o2=3),
    "fence line": Standard(source="GB 16297-1996 table 2, boundary", ceilings=((NMHC, 4.0),)),
}
"""Kind of outlet (label "trade") -> what binds it."""

GAS = Selector(mediums=(Medium.GAS, Medium.AIR))
WATER = Selector(mediums=(Medium.WATER,))

RULES = (
    Rule(
        id="gas-early",
        kind=RuleKind.INSTANT,
        alert_class=AlertClass.EARLY_WARNING,
        select=GAS,
        in_a_row=3,
        text_zh="连续3个分钟值超过限值",
        text_en="3 minute values in a row over the limit",
    ),
    Rule(
        id="gas-hour",
        kind=RuleKind.EXCEEDANCE,
        alert_class=AlertClass.LEGAL,
        select=GAS,
        averaging=Averaging.HOUR,
        text_zh="小时均值超标",
        text_en="hourly mean over the limit",
    ),
    Rule(
        id="water-early",
        kind=RuleKind.INSTANT,
        alert_class=AlertClass.EARLY_WARNING,
        select=WATER,
        in_a_row=7,  # an analyser shows one result for six 10-minute values: it takes a second result
        text_zh="连续两次分析结果超过限值",
        text_en="two results in a row over the limit",
    ),
    Rule(
        id="water-day",
        kind=RuleKind.EXCEEDANCE,
        alert_class=AlertClass.LEGAL,
        select=WATER,
        averaging=Averaging.DAY,
        text_zh="日均值(流量加权)超标",
        text_en="daily mean, weighted by flow, over the limit",
    ),
    Rule(
        id="water-ph",
        kind=RuleKind.RANGE,
        alert_class=AlertClass.LEGAL,
        select=WATER,
        averaging=Averaging.DAY,
        text_zh="pH超出范围",
        text_en="pH outside its range",
    ),
    Rule(
        id="offline",
        kind=RuleKind.OFFLINE,
        alert_class=AlertClass.INTEGRITY,
        silence_s=3600,
        text_zh="监测设备离线",
        text_en="monitor offline",
    ),
    Rule(
        id="clock",
        kind=RuleKind.CLOCK,
        alert_class=AlertClass.INTEGRITY,
        text_zh="监测设备时钟错误",
        text_en="monitor's clock is wrong",
    ),
)


def make_rulebook(registry: Registry) -> RuleSet:
    """The rule set of the district: the limits of every outlet by its label "trade"."""
    limits = tuple(limit for outlet in registry.outlets for limit in _limits(outlet))
    return make_ruleset(judging=Judging(), rules=RULES, limits=limits)


def _limits(outlet: Outlet) -> Iterator[Limit]:
    standard = STANDARDS[dict(outlet.labels)["trade"]]
    water = outlet.medium is Medium.WATER
    for factor, ceiling in standard.ceilings:
        yield Limit(
            outlet=outlet.id,
            factor=factor,
            averaging=Averaging.DAY if water else Averaging.HOUR,
            ceiling=ceiling,
            basis=Basis.CONVERTED if standard.reference_o2 else Basis.MEASURED,
            reference_o2=standard.reference_o2,
            weighting=Weighting.FLOW if water else Weighting.EVEN,
            source=standard.source,
            unverified=factor not in standard.confirmed,
        )
    if water:
        yield Limit(
            outlet=outlet.id,
            factor=PH,
            averaging=Averaging.DAY,
            floor=6.0,
            ceiling=9.0,
            source=standard.source,
            unverified=True,
        )
