"""Kinds `offline` and `clock`: rules on the monitor itself (docs/judging.md, section 9)."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rules.alert import AlertEvent, Step
from rules.alert_maker import Judged, follow, monitor_event
from rules.plan import Plan, outlets_selected

NEVER_MS = -1
FAR_MS = 1 << 62


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """Payloads of monitors, in log order; columns (payloads,)."""

    monitor: NDArray[np.int32]  # position in the registry; -1: unknown
    log_ms: NDArray[np.int64]


class Silence:
    """One `offline` rule: who was silent for too long, in observed time."""

    def __init__(self, plan: Plan, rule: int) -> None:
        self.plan, self.rule = plan, rule
        self.silence_ms = plan.rules.rules[rule].silence_s * 1000
        self.watched = _watched(plan, rule)
        n = len(plan.registry.monitors)
        self.last_ms = np.full(n, NEVER_MS, np.int64)  # log time of the last payload
        self.due_ms = np.full(n, FAR_MS, np.int64)  # when silence becomes an alert; moves on while no host listens
        self.standing: dict[int, AlertEvent] = {}

    def deadline_ms(self, from_ms: int) -> int:
        """Nothing can fall silent before this; never further off than one silence from `from_ms`."""
        return min(int(self.due_ms.min(initial=FAR_MS)), from_ms + self.silence_ms)

    def hear(self, heard: Heard) -> list[AlertEvent]:
        """Payloads came: those who were offline return. All lie before the next deadline."""
        events = []
        known = heard.monitor >= 0
        monitor, log_ms = heard.monitor[known], heard.log_ms[known]
        mine = self.watched[monitor]
        monitor, log_ms = monitor[mine], log_ms[mine]
        if self.standing:
            for row in np.flatnonzero(np.isin(monitor, list(self.standing))):
                event = self.standing.pop(int(monitor[row]), None)
                if event is not None:
                    at_ms = int(log_ms[row])
                    events.append(follow(event, Step.RETURNED, at_ms, Judged(start_ms=event.start_ms, end_ms=at_ms)))
        self.last_ms[monitor] = log_ms  # the last of several payloads stays
        self.due_ms[monitor] = log_ms + self.silence_ms
        return events

    def judge(self, at_ms: int) -> list[AlertEvent]:
        """Log time has reached `at_ms`: who is due now is offline."""
        events = []
        for n in np.flatnonzero(self.due_ms <= at_ms).tolist():
            monitor = self.plan.registry.monitors[n]
            self.due_ms[n], due_ms = FAR_MS, int(self.due_ms[n])
            if not monitor.valid_from_ms <= due_ms < monitor.valid_to_ms:
                continue
            judged = Judged(start_ms=int(self.last_ms[n]), end_ms=None)
            event = monitor_event(self.plan.rules, self.rule, monitor.outlet, monitor.mn, judged, due_ms)
            self.standing[n] = event
            events.append(event)
        return events

    def nobody_listened(self, span_ms: int) -> None:
        """A span of log time in which no host ran does not count as silence."""
        self.due_ms[self.due_ms < FAR_MS] += span_ms


class WrongClock:
    """One `clock` rule: monitors that send readings from the future."""

    def __init__(self, plan: Plan, rule: int) -> None:
        self.plan, self.rule = plan, rule
        self.watched = _watched(plan, rule)
        self.standing: dict[int, AlertEvent] = {}

    def take(self, payloads: Iterable[tuple[int, int, float | None, bool]]) -> list[AlertEvent]:
        """Payloads with readings: (monitor, log_ms, seconds ahead of its first future reading or None, any sane one)."""
        events = []
        for monitor, log_ms, ahead_s, sane in payloads:
            held = self.standing.get(monitor)
            if ahead_s is not None and held is None and self.watched[monitor]:
                device = self.plan.registry.monitors[monitor]
                judged = Judged(start_ms=log_ms, end_ms=None, value=ahead_s)
                event = monitor_event(self.plan.rules, self.rule, device.outlet, device.mn, judged, log_ms)
                self.standing[monitor] = event
                events.append(event)
            elif held is not None and ahead_s is None and sane:
                del self.standing[monitor]
                judged = Judged(start_ms=held.start_ms, end_ms=log_ms, value=held.value)
                events.append(follow(held, Step.RETURNED, log_ms, judged))
        return events


def _watched(plan: Plan, rule: int) -> NDArray[np.bool_]:
    """Monitors of the partition that a rule selects."""
    selected = outlets_selected(plan.rules.rules[rule].select, plan.registry)
    return selected[plan.registry.columns.monitor_outlet] & plan.monitors
