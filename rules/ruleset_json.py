"""A rule set as plain JSON, for the control record that activates it, and the hash that names its version."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import asdict, fields, replace
from typing import Any

import orjson

from rules.limits import Averaging, Basis, Limit, Weighting
from rules.rule import AlertClass, Judging, Rule, RuleKind, RuleSet, Selector
from sensors.registry import Medium
from sensors.registry_json import rows_to_json, table_from_json, table_to_json

READ_LIMIT: dict[str, Callable[[Any], Any]] = {"averaging": Averaging, "basis": Basis, "weighting": Weighting}
WRITE_LIMIT: dict[str, Callable[[Any], Any]] = dict.fromkeys(READ_LIMIT, lambda member: member.value)


def make_ruleset(*, judging: Judging, rules: tuple[Rule, ...], limits: Sequence[Limit]) -> RuleSet:
    """A rule set whose version is the hash of its content: equal content, equal version.

    >>> a, b = (make_ruleset(judging=Judging(o2_max=o2), rules=(), limits=()).version for o2 in (19.0, 18.0))
    >>> len(a), a == b
    (12, False)
    """
    nameless = RuleSet(version="", judging=judging, rules=rules, limits=limits)
    return RuleSet(version=_hash(nameless)[:12], judging=judging, rules=rules, limits=limits)


def _hash(ruleset: RuleSet) -> str:
    """SHA-256 of its canonical JSON (sorted keys, no blanks), which is never in memory as a whole."""
    bare = ruleset_to_json(replace(ruleset, limits=()))
    before, rows, after = orjson.dumps(bare, option=orjson.OPT_SORT_KEYS).partition(
        b'"rows":['
    )  # quotes in texts are escaped
    digest, comma = hashlib.sha256(before + rows), b""
    for piece in rows_to_json(Limit, ruleset.limits, WRITE_LIMIT):
        digest.update(comma + orjson.dumps(piece)[1:-1])
        comma = b","
    digest.update(after)
    return digest.hexdigest()


def ruleset_to_json(ruleset: RuleSet) -> dict[str, Any]:
    """The rule set as dicts, lists, strings and numbers only.

    >>> ruleset_from_json(ruleset_to_json(RuleSet(version="a", judging=Judging(), rules=()))).version
    'a'
    """
    return {
        "version": ruleset.version,
        "judging": asdict(ruleset.judging),
        "rules": [_rule_to_json(rule) for rule in ruleset.rules],
        "limits": table_to_json(Limit, ruleset.limits, WRITE_LIMIT),
    }


def ruleset_from_json(content: Any) -> RuleSet:
    """The inverse of `ruleset_to_json`; ValueError where the content does not fit."""
    try:
        return RuleSet(
            version=content["version"],
            judging=Judging(**content["judging"]),
            rules=tuple(_rule_from_json(raw) for raw in content["rules"]),
            limits=table_from_json(Limit, "limits", content["limits"], READ_LIMIT),
        )
    except (KeyError, TypeError) as error:
        raise ValueError(f"rule set: expected version, judging, rules and limits: {error!r}") from error


def _rule_to_json(rule: Rule) -> dict[str, Any]:
    plain = {f.name: getattr(rule, f.name) for f in fields(rule)}
    select = {
        "mediums": [m.value for m in rule.select.mediums],
        "outlets": list(rule.select.outlets),
        "factors": list(rule.select.factors),
    }
    enums = {"kind": rule.kind.value, "alert_class": rule.alert_class.value, "averaging": rule.averaging.value}
    return {**plain, **enums, "select": select}


def _rule_from_json(raw: Any) -> Rule:
    select = Selector(
        mediums=tuple(Medium(m) for m in raw["select"]["mediums"]),
        outlets=tuple(raw["select"]["outlets"]),
        factors=tuple(raw["select"]["factors"]),
    )
    enums = {
        "kind": RuleKind(raw["kind"]),
        "alert_class": AlertClass(raw["alert_class"]),
        "averaging": Averaging(raw["averaging"]),
    }
    return Rule(**{**raw, **enums, "select": select})
