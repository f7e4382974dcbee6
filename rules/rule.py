"""A rule: which kind of judgement, on which outlets and factors, of which class."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from rules.limits import Averaging, Limit
from sensors.registry import Medium


class AlertClass(StrEnum):
    """Three classes of alert, never mixed."""

    EARLY_WARNING = "early_warning"
    LEGAL = "legal"
    INTEGRITY = "integrity"


class RuleKind(StrEnum):
    """What a rule judges; each is described in docs/judging.md."""

    EXCEEDANCE = "exceedance"
    RANGE = "range"
    INSTANT = "instant"
    OFFLINE = "offline"
    CLOCK = "clock"


@dataclass(frozen=True, slots=True, kw_only=True)
class Selector:
    """Which outlets and factors a rule speaks of; an empty tuple means all."""

    mediums: tuple[Medium, ...] = ()
    outlets: tuple[str, ...] = ()
    factors: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One rule of a rule set. Which parameters count depends on `kind`."""

    id: str
    kind: RuleKind
    alert_class: AlertClass
    select: Selector = Selector()
    averaging: Averaging = Averaging.HOUR  # EXCEEDANCE, RANGE: judges the limits of this averaging time
    share_max: float = 0.25  # RANGE: share of the window's valid slots that may lie outside
    in_a_row: int = 3  # INSTANT: so many valid readings over the threshold, one after the other
    fraction: float = 1.0  # INSTANT: threshold = fraction x the ceiling
    silence_s: int = 3600  # OFFLINE: so long without a frame
    severity: int | None = None  # 1..5; None: from the multiple over the limit, or 3
    text_zh: str = ""
    text_en: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Judging:
    """The settings that every rule shares. Changing one changes verdicts, so they are part of the rule set."""

    zone: str = "Asia/Shanghai"  # where days begin; whole-hour offsets only
    patience_hour_s: int = 600  # an hour is judged at the latest so long after its end (log time)
    patience_day_s: int = 3600
    late_bound_h: int = 48  # older readings than this against log time are refused
    future_max_s: int = 300  # device times further ahead of log time are refused
    revise_every_s: int = 60  # late data is judged again at the next multiple of this (log time)
    o2_max: float = 19.0  # %; an hour with a mean O2 at or above it is not judgeable on the converted basis
    zero_flow_due: bool = False  # water: slots with zero flow count as due (HJ 356, unverified)


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleSet:
    """All that a verdict depends on besides registry and readings."""

    version: str  # short hash of the content
    judging: Judging
    rules: tuple[Rule, ...]
    limits: Sequence[Limit] = ()  # a tuple, or a table where there are many
