"""What a host tells of itself. Each kind of host puts its own together; the HTTP endpoint knows none of them."""

import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from engine import metrics as m
from engine.metrics import Sample

logger = logging.getLogger(__name__)

Check = Callable[[], str]
"""Why something is not as it should be; "" where it is. Asked on the event loop: it must not block."""

Source = Callable[[], Awaitable[Iterable[Sample]]]
"""Samples of one part of a host. Work that blocks goes to a thread."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Probes:
    """What is asked for an answer. All of it is asked anew each time."""

    healthy: Mapping[str, Check] = field(default_factory=dict)  # alive and not wedged
    ready: Mapping[str, Check] = field(default_factory=dict)  # does its work
    facts: Callable[[], Mapping[str, Any]] = dict  # beside the reasons of /ready
    sources: tuple[Source, ...] = ()
    redact: Callable[[str], str] = str  # puts stars in the place of secrets, in every answer


def reasons(checks: Mapping[str, Check]) -> dict[str, str]:
    """What is wrong, by check. A check that fails itself is wrong."""
    found = {}
    for name, check in checks.items():
        try:
            why = check()
        except Exception as error:
            logger.exception("the check %s failed", name)
            why = f"{type(error).__name__}: cannot be told"
        if why:
            found[name] = why
    return found


async def samples(probes: Probes) -> list[Sample]:
    """All samples. A source that fails is left out and said in the process's log: the others are wanted all the more."""
    found: list[Sample] = [
        (m.HEALTHY, (), float(not reasons(probes.healthy))),
        (m.READY, (), float(not reasons(probes.ready))),
    ]
    for source in probes.sources:
        try:
            found += await source()
        except Exception as error:
            logger.warning("metrics: one source was left out: %s: %s", type(error).__name__, error)
    return found
