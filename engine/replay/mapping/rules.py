"""The rules of a mapping: those its limits ask for, and those it states."""

from collections.abc import Iterator

from engine.replay.mapping.document import LimitDoc, MappingDoc, RuleDoc
from rules.limits import Averaging
from rules.rule import AlertClass, Rule, RuleKind, Selector

CLASSES = {
    RuleKind.EXCEEDANCE: AlertClass.LEGAL,
    RuleKind.RANGE: AlertClass.LEGAL,
    RuleKind.INSTANT: AlertClass.EARLY_WARNING,
    RuleKind.OFFLINE: AlertClass.INTEGRITY,
    RuleKind.CLOCK: AlertClass.INTEGRITY,
}


def rules_of(doc: MappingDoc) -> tuple[Rule, ...]:
    """A ceiling asks for the exceedance rule of its averaging time, a floor for the range rule.

    A stated rule of the same id takes the place of such a rule.
    """
    stated = {rule.id: _rule(rule) for rule in doc.rules}
    implied = {rule.id: rule for limit in doc.limits for rule in _implied(limit)}
    return tuple({**implied, **stated}.values())


def _implied(limit: LimitDoc) -> Iterator[Rule]:
    kind = RuleKind.EXCEEDANCE if limit.floor is None else RuleKind.RANGE
    name = {Averaging.HOUR: ("hour", "小时"), Averaging.DAY: ("day", "日")}[limit.per]
    texts = {
        RuleKind.EXCEEDANCE: (f"{name[0]} mean over its limit", f"{name[1]}均值超标"),
        RuleKind.RANGE: (f"outside its range in the {name[0]}", f"{name[1]}内超出范围"),
    }[kind]
    yield Rule(
        id=f"{kind.value}-{limit.per.value}",
        kind=kind,
        alert_class=AlertClass.LEGAL,
        averaging=limit.per,
        text_en=texts[0],
        text_zh=texts[1],
    )


def _rule(doc: RuleDoc) -> Rule:
    return Rule(
        id=doc.id,
        kind=doc.kind,
        alert_class=doc.alert_class or CLASSES[doc.kind],
        select=Selector(factors=tuple(doc.factor or ()), outlets=tuple(doc.outlet or ())),
        averaging=doc.per,
        share_max=doc.share_max,
        in_a_row=doc.in_a_row,
        fraction=doc.fraction,
        silence_s=doc.silence,
        severity=doc.severity,
        text_zh=doc.text_zh,
        text_en=doc.text_en,
    )
