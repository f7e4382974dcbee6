"""Which limit holds where several speak of the same mean: the permit before the local standard before the national."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace
from enum import IntEnum

from rules.limits import Averaging, Limit

Span = tuple[int, int]


class Level(IntEnum):
    """Who set a limit; the higher level holds."""

    NATIONAL = 0
    LOCAL = 1
    PERMIT = 2


def strongest(candidates: Iterable[tuple[Level, Limit]]) -> tuple[Limit, ...]:
    """The limits that hold: of each outlet, factor and averaging time, the highest level that is valid at each instant.

    Limits of one level stand side by side (a ceiling and a range, two ceilings). A weaker limit keeps the spans of time
    that no stronger one covers. The order is that of the candidates.

    >>> def cod(ceiling, **span):
    ...     return Limit(outlet="o", factor="w01018", averaging=Averaging.DAY, ceiling=ceiling, **span)
    >>> found = strongest([(Level.NATIONAL, cod(50.0)), (Level.PERMIT, cod(40.0, valid_from_ms=10, valid_to_ms=20))])
    >>> [(limit.ceiling, limit.valid_from_ms, limit.valid_to_ms < 100) for limit in found]
    [(50.0, 0, True), (50.0, 20, False), (40.0, 10, True)]
    """
    rows = list(candidates)
    taken: dict[tuple[str, str, Averaging], list[tuple[Level, Span]]] = defaultdict(list)
    for level, limit in rows:
        taken[_key(limit)].append((level, (limit.valid_from_ms, limit.valid_to_ms)))
    found: list[Limit] = []
    for level, limit in rows:
        stronger = [span for other, span in taken[_key(limit)] if other > level]
        if not stronger:
            found.append(limit)
            continue
        for start, end in without((limit.valid_from_ms, limit.valid_to_ms), stronger):
            found.append(replace(limit, valid_from_ms=start, valid_to_ms=end))
    return tuple(found)


def without(span: Span, holes: Sequence[Span]) -> list[Span]:
    """What is left of [start, end) when the holes are cut out, in order.

    >>> without((0, 10), [(2, 3), (8, 20)])
    [(0, 2), (3, 8)]
    """
    left, end = [], span[1]
    start = span[0]
    for hole_start, hole_end in sorted(holes):
        if start < min(hole_start, end):
            left.append((start, min(hole_start, end)))
        start = max(start, hole_end)
    return [*left, (start, end)] if start < end else left


def _key(limit: Limit) -> tuple[str, str, Averaging]:
    return limit.outlet, limit.factor, limit.averaging
