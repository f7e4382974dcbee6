"""The parts of the configuration that decide verdicts: what is judged how, by which rules."""

from typing import Annotated, Literal

from pydantic import Field

from engine.config.explain import Section
from engine.config.words import Id, Positive, Share, Zone
from rules.limits import Averaging
from rules.rule import AlertClass, Judging, Rule, RuleKind, Selector
from sensors.registry import Medium

JUDGING = Judging()
RULE = Rule(id="", kind=RuleKind.CLOCK, alert_class=AlertClass.INTEGRITY)  # only its defaults count

USUAL_CLASS = {
    RuleKind.EXCEEDANCE: AlertClass.LEGAL,
    RuleKind.RANGE: AlertClass.LEGAL,
    RuleKind.INSTANT: AlertClass.EARLY_WARNING,
    RuleKind.OFFLINE: AlertClass.INTEGRITY,
    RuleKind.CLOCK: AlertClass.INTEGRITY,
}
"""The class of a rule that states none."""


class JudgingSection(Section):
    """`judging`."""

    zone: Zone = JUDGING.zone
    patience_hour_s: Annotated[int, Field(ge=0)] = JUDGING.patience_hour_s
    patience_day_s: Annotated[int, Field(ge=0)] = JUDGING.patience_day_s
    late_bound_h: Annotated[int, Field(gt=0, le=24 * 366)] = JUDGING.late_bound_h
    future_max_s: Annotated[int, Field(ge=0)] = JUDGING.future_max_s
    revise_every_s: Positive = JUDGING.revise_every_s
    o2_max: Annotated[float, Field(gt=0, lt=21)] = JUDGING.o2_max
    zero_flow_due: bool = JUDGING.zero_flow_due


class SelectSection(Section):
    """`select` of a rule; what is left out selects all."""

    mediums: tuple[Medium, ...] = ()
    outlets: tuple[str, ...] = ()
    factors: tuple[str, ...] = ()

    def selector(self) -> Selector:
        """As the judge knows it."""
        return Selector(mediums=self.mediums, outlets=self.outlets, factors=self.factors)


class RuleSection(Section):
    """What every kind of rule has."""

    id: Id
    alert_class: AlertClass | None = None
    select: SelectSection = SelectSection()
    severity: Annotated[int, Field(ge=1, le=5)] | None = RULE.severity
    text_zh: str = RULE.text_zh
    text_en: str = RULE.text_en

    def rule(self) -> Rule:
        """As the judge knows it."""
        fields = self.given()
        kind = RuleKind(fields.pop("kind"))
        alert_class = fields.pop("alert_class") or USUAL_CLASS[kind]
        return Rule(**{**fields, "kind": kind, "alert_class": alert_class, "select": self.select.selector()})


class ExceedanceSection(RuleSection):
    """The mean of an hour or a day over its ceiling."""

    kind: Literal["exceedance"]
    averaging: Averaging = RULE.averaging


class RangeSection(RuleSection):
    """The share of an hour or a day outside a range."""

    kind: Literal["range"]
    averaging: Averaging = RULE.averaging
    share_max: Share = RULE.share_max


class InstantSection(RuleSection):
    """So many readings in a row over the ceiling: an early warning, never an exceedance."""

    kind: Literal["instant"]
    alert_class: Literal[AlertClass.EARLY_WARNING] | None = None
    in_a_row: Positive = RULE.in_a_row
    fraction: Annotated[float, Field(gt=0, le=10)] = RULE.fraction


class OfflineSection(RuleSection):
    """No word from a monitor for so long."""

    kind: Literal["offline"]
    alert_class: Literal[AlertClass.INTEGRITY] | None = None
    silence_s: Positive = RULE.silence_s


class ClockSection(RuleSection):
    """Readings from the future."""

    kind: Literal["clock"]
    alert_class: Literal[AlertClass.INTEGRITY] | None = None


AnyRule = Annotated[
    ExceedanceSection | RangeSection | InstantSection | OfflineSection | ClockSection, Field(discriminator="kind")
]


class PackDoc(Section):
    """A rule pack."""

    pack: Id
    rules: tuple[AnyRule, ...]
