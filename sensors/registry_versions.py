"""Versions of the registry: how one grows out of the last, and which one held at an instant."""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from sensors.registry import Binding, Monitor, Registry

Entry = TypeVar("Entry")


class MovedError(ValueError):
    """An outlet cannot change its enterprise or its medium: what its series mean would change with it."""


def grown(last: Registry, wanted: Registry, at_ms: int) -> Registry:
    """The version after `last` in which the register is as `wanted` from log time `at_ms` on.

    Every entry keeps its position, so no series number ever means something else. New ones are appended. A monitor that
    is no longer wanted, or wanted differently, ends at `at_ms`; the other one begins there. Names, grid cells, labels,
    units and the kind judged from change in place. Nothing changed: `last` itself.

    >>> first = Registry(monitors=(Monitor(mn="A", outlet="o"),))
    >>> second = grown(first, Registry(monitors=(Monitor(mn="A", outlet="o", minute_min=5),)), 1000)
    >>> [(m.minute_min, m.valid_from_ms, min(m.valid_to_ms, 9999)) for m in second.monitors], second.version
    ([(10, 0, 1000), (5, 1000, 9999)], 2)
    """
    homes = {e.id: e.home for e in last.enterprises}
    enterprises = [replace(e, home=homes.get(e.id, e.home)) for e in wanted.enterprises]
    _refuse_moves(last, wanted)
    found = Registry(
        version=last.version + 1,
        enterprises=_merged(last.enterprises, enterprises, lambda e: e.id),
        outlets=_merged(last.outlets, wanted.outlets, lambda o: o.id),
        monitors=_monitors(last.monitors, wanted.monitors, at_ms),
        bindings=_merged(last.bindings, wanted.bindings, _binding_key),
    )
    return last if replace(found, version=last.version) == last else found


def _refuse_moves(last: Registry, wanted: Registry) -> None:
    known = {o.id: o for o in last.outlets}
    for now in wanted.outlets:
        was = known.get(now.id, now)
        if (was.enterprise, was.medium) != (now.enterprise, now.medium):
            before, after = (f"{one.enterprise} ({one.medium})" for one in (was, now))
            raise MovedError(
                f"outlet {now.id!r} was registered at {before}, now at {after}: register a new outlet under another id"
            )


def _binding_key(binding: Binding) -> Hashable:
    return binding.outlet, binding.factor


def _merged(last: Sequence[Entry], wanted: Iterable[Entry], key: Callable[[Entry], Hashable]) -> tuple[Entry, ...]:
    """The last entries in their places, each as it is wanted now, then the new ones."""
    now = {key(entry): entry for entry in wanted}
    kept = [now.pop(key(entry), entry) for entry in last]
    return (*kept, *now.values())


def _monitors(last: Sequence[Monitor], wanted: Sequence[Monitor], at_ms: int) -> tuple[Monitor, ...]:
    begin = at_ms if last else 0
    new = defaultdict[Monitor, list[Monitor]](list)
    for monitor in wanted:
        if monitor.valid_to_ms > begin:
            new[_undated(monitor)].append(monitor)
    found = []
    for monitor in last:
        alike = new[_undated(monitor)]
        if monitor.valid_to_ms > at_ms:
            end = alike.pop(0).valid_to_ms if alike else at_ms
            monitor = replace(monitor, valid_to_ms=end)  # noqa: PLW2901
        found.append(monitor)
    left = (monitor for alike in new.values() for monitor in alike)
    return (*found, *(replace(m, valid_from_ms=max(m.valid_from_ms, begin)) for m in left))


def _undated(monitor: Monitor) -> Monitor:
    return replace(monitor, valid_from_ms=0, valid_to_ms=0)


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """The versions of a log, each with the log time at which it took over, in order."""

    versions: tuple[tuple[int, Registry], ...]

    def as_of(self, log_ms: int) -> Registry:
        """The version that held at a log time; LookupError before the first.

        >>> History(versions=((10, Registry(version=1)), (20, Registry(version=2)))).as_of(19).version
        1
        """
        n = bisect_right(self.versions, log_ms, key=lambda pair: pair[0])
        if n == 0:
            raise LookupError(f"no registry at log time {log_ms}: the first took over at {self.versions[:1]}")
        return self.versions[n - 1][1]
