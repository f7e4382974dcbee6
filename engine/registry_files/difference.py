"""What changes between two readings of the register."""

from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass
from typing import Any

from engine.registry_files.assemble import Register


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One entry that is new, gone or different."""

    sign: str  # "+", "-" or "~"
    table: str
    name: str


def differences(last: Register, now: Register) -> list[Change]:
    """Every difference, table by table, in the order of the entries."""
    old, new = last.registry, now.registry
    return [
        *_changes("enterprise", old.enterprises, new.enterprises, lambda e: e.id),
        *_changes("outlet", old.outlets, new.outlets, lambda o: o.id),
        *_changes("monitor", old.monitors, new.monitors, lambda m: f"{m.mn} at {m.outlet} from {m.valid_from_ms}"),
        *_changes("factor", old.bindings, new.bindings, lambda b: f"{b.outlet} {b.factor}"),
        *_changes("limit", last.limits, now.limits, _limit_name),
    ]


def _limit_name(limit: Any) -> str:
    return f"{limit.outlet} {limit.factor} {limit.averaging} {limit.source} from {limit.valid_from_ms}"


def _changes(table: str, old: Iterable[Any], new: Iterable[Any], name: Callable[[Any], str]) -> list[Change]:
    before: dict[Hashable, Any] = {name(entry): entry for entry in old}
    after: dict[Hashable, Any] = {name(entry): entry for entry in new}
    signs = [("-", key) for key in before if key not in after]
    signs += [("+" if key not in before else "~", key) for key in after if before.get(key) != after[key]]
    return [Change(sign=sign, table=table, name=str(key)) for sign, key in signs]
