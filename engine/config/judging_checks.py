"""Contradictions in what is judged: bounds that exclude each other, rules that select nothing."""

from collections.abc import Iterator

from engine.config.doc import ConfigDoc
from engine.config.nearest import hint
from engine.config.problem import Problem
from engine.config.rule_sections import RuleSection
from engine.config.validate import YamlWhere
from engine.registry_files.assemble import Register
from rules.limits import Averaging
from rules.plan import selects
from rules.rule import Rule, RuleKind
from sensors.factors import catalogue
from sensors.registry import Outlet

LONGEST_DAY_H = 25


def judging_problems(doc: ConfigDoc, where: YamlWhere) -> Iterator[Problem]:
    """Patience against the bound for late data."""
    judging, here = doc.judging, where.at("judging")
    bound_s = judging.late_bound_h * 3600
    for name in ("patience_hour_s", "patience_day_s"):
        if getattr(judging, name) >= bound_s:
            yield here.problem(name, "patience", value=getattr(judging, name), bound=judging.late_bound_h)
    if bound_s < LONGEST_DAY_H * 3600 + judging.patience_day_s:
        needed = LONGEST_DAY_H + -(-judging.patience_day_s // 3600)
        yield here.problem("late_bound_h", "late_bound", value=judging.late_bound_h, bound=needed)
    if doc.store.recent_h is not None and doc.store.recent_h <= judging.late_bound_h:
        yield where.at("store").problem("recent_h", "recent", value=doc.store.recent_h, bound=judging.late_bound_h)


def rule_problems(doc: ConfigDoc, where: YamlWhere) -> Iterator[Problem]:
    """Ids written twice, factors nobody knows."""
    first: dict[str, int] = {}
    for n, section in enumerate(doc.rules):
        if first.setdefault(section.id, n) != n:
            there = where.at("rules", first[section.id]).problem("id", "duplicate").place
            yield where.at("rules", n).problem("id", "duplicate", value=section.id, first=there)
        for m, factor in enumerate(section.select.factors):
            if factor not in catalogue():
                here = where.at("rules", n, "select", "factors", m)
                yield here.problem("", "unknown_factor", **hint(factor, catalogue()))


def selection_problems(doc: ConfigDoc, register: Register, where: YamlWhere) -> Iterator[Problem]:
    """Rules of the configuration itself that no outlet or no limit of the register answers to."""
    outlets = {o.id: o for o in register.registry.outlets}
    for n, section in enumerate(doc.rules):
        here = where.at("rules", n)
        strangers = any(factor not in catalogue() for factor in section.select.factors)
        for m, outlet in enumerate(section.select.outlets):
            if outlet not in outlets:
                strangers = True
                yield here.at("select", "outlets", m).problem("", "unknown_outlet", **hint(outlet, outlets))
        if not strangers and not _selects_any(section, register, outlets):
            yield here.problem("", f"selects_nothing_{'monitor' if _on_monitors(section.rule()) else 'limit'}")


def _selects_any(section: RuleSection, register: Register, outlets: dict[str, Outlet]) -> bool:
    rule = section.rule()
    if _on_monitors(rule):
        spoken_for = {outlets[m.outlet] for m in register.registry.monitors}
        return any(selects(rule.select, o.id, o.medium, None) for o in spoken_for)
    return any(
        _answers(rule, ranged=limit.floor is not None, averaging=limit.averaging)
        and selects(rule.select, limit.outlet, outlets[limit.outlet].medium, limit.factor)
        for limit in register.limits
    )


def _on_monitors(rule: Rule) -> bool:
    return rule.kind in (RuleKind.OFFLINE, RuleKind.CLOCK)


def _answers(rule: Rule, *, ranged: bool, averaging: Averaging) -> bool:
    """Whether a limit of this form is one that the rule judges (docs/judging.md)."""
    if rule.kind is RuleKind.INSTANT:
        return not ranged
    return averaging is rule.averaging and ranged is (rule.kind is RuleKind.RANGE)
