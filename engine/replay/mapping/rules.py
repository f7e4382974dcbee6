"""The rules of a mapping: those its limits ask for, and those it states."""

from engine.config.rule_sections import USUAL_CLASS
from engine.replay.mapping.document import LimitDoc, MappingDoc
from rules.limits import Averaging
from rules.rule import Rule, RuleKind

TEXTS = {
    (RuleKind.EXCEEDANCE, Averaging.HOUR): ("hourly mean over the limit", "小时均值超标"),
    (RuleKind.EXCEEDANCE, Averaging.DAY): ("daily mean over the limit", "日均值超标"),
    (RuleKind.RANGE, Averaging.HOUR): ("outside the range for much of an hour", "小时内多次超出范围"),
    (RuleKind.RANGE, Averaging.DAY): ("outside the range for much of a day", "日内多次超出范围"),
}


def rules_of(doc: MappingDoc) -> tuple[Rule, ...]:
    """A ceiling asks for the exceedance rule of its averaging time, a floor for the range rule of it.

    Their ids are "exceedance-hour", "range-day" and so on; a stated rule of the same id takes the place of such a rule.
    """
    implied = {rule.id: rule for limit in doc.limits for rule in [_implied(limit)]}
    return tuple({**implied, **{section.id: section.rule() for section in doc.rules}}.values())


def _implied(limit: LimitDoc) -> Rule:
    kind = RuleKind.EXCEEDANCE if limit.floor is None else RuleKind.RANGE
    text_en, text_zh = TEXTS[kind, limit.averaging]
    return Rule(
        id=f"{kind.value}-{limit.averaging.value}",
        kind=kind,
        alert_class=USUAL_CLASS[kind],
        averaging=limit.averaging,
        text_en=text_en,
        text_zh=text_zh,
    )
