"""What a host tells over HTTP: when it is healthy, when it is ready, and its metrics."""

import time
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from engine import metrics as m
from engine.http.probes import Check, Probes
from engine.http.settings import HttpSettings
from engine.http.sources import (
    count_samples,
    disk_samples,
    in_thread,
    lag_samples,
    process_samples,
    snapshot_samples,
    thread_samples,
)
from engine.log.record import Topic
from engine.metrics import Sample

if TYPE_CHECKING:
    from engine.lifecycle import Host


@runtime_checkable
class MayBeAway(Protocol):
    """An intake that takes from brokers of others."""

    @property
    def away(self) -> str:
        """Why one of them cannot be used now; "" where each can."""


LATE_S_MAX = 10.0
"""An event loop that was so late is wedged, or its machine is."""

CALL_S_MAX = 900.0
"""No call of a stage takes so long: sealing a day of 100,000 outlets takes minutes."""

QUIET_S_MIN = 30.0
"""A log that writes a tick a second and has committed nothing for so long takes nothing."""


def host_probes(host: "Host", settings: HttpSettings, now_ms: Callable[[], int]) -> Probes:
    """All of it for one host; it may be asked before the host has started."""
    healthy: dict[str, Check] = {
        "event_loop": lambda: _late(host),
        "threads": lambda: _threads(host),
        "log": lambda: _log(host),
        **host.parts.checks,
    }
    ready: dict[str, Check] = {
        **healthy,
        "started": lambda: "" if host.ready.is_set() else "the host is starting",
        "stopping": lambda: "the host is stopping" if host.stopping else "",
        "partitions": lambda: _partitions(host),
        "intake": lambda: _intake(host),
        "behind": lambda: _behind(host, settings.behind_s_max),
    }

    async def here() -> Iterable[Sample]:
        return [*count_samples(host.counts, host.intake), *process_samples(host.pulse), *_of_stages(host), *_of_log(host)]

    disk = in_thread(lambda: disk_samples(host.settings.data))
    sources = (here, disk, *host.parts.sources)
    return Probes(healthy=healthy, ready=ready, facts=lambda: facts(host), sources=sources, redact=host.parts.redaction.text)


def facts(host: "Host") -> Mapping[str, Any]:
    """What the host is at, stage by stage."""
    if host.health is None or host.stages is None:
        return {"stages": {}}
    lag, stages = host.health.behind, {}
    for topic, stage in host.stages.by_topic.items():
        stages[stage.name] = {
            "lag": lag.of_stage(topic),
            "behind_s": round(lag.behind_most_s(topic), 3),
            "waits": stage.blocked,
        }
    return {"stages": stages}


def _of_stages(host: "Host") -> Iterable[Sample]:
    if host.health is None or host.stages is None:
        return
    yield from lag_samples(host.health.behind)
    yield from thread_samples(host.stages.threads)
    yield from snapshot_samples(host.stages.detect)


def _of_log(host: "Host") -> Iterable[Sample]:
    if host.log is None:
        return
    for topic in Topic:
        for partition in range(host.log.partitions(topic)):
            yield m.LOG_END, (topic.value, str(partition)), host.log.end(topic, partition)
    yield m.COMMIT, (), host.log.commits
    yield m.LOG_DAMAGED, (), len(host.log.damaged)


def _late(host: "Host") -> str:
    late_s = host.pulse.worst_s()
    return f"the event loop was {late_s:.1f} s late, expected at most {LATE_S_MAX:g} s" if late_s > LATE_S_MAX else ""


def _threads(host: "Host") -> str:
    for thread in host.stages.threads if host.stages is not None and not host.stopping else ():
        if not thread.alive:
            return f"the thread of stage {thread.name} has ended"
        if thread.busy_s > CALL_S_MAX:
            return f"a call of stage {thread.name} has been running for {thread.busy_s:.0f} s"
    return ""


def _log(host: "Host") -> str:
    log = host.log
    if log is None:
        return ""
    if log.failure is not None or log.trouble:
        return f"the log takes nothing: {log.failure or log.trouble}"
    quiet_s = time.monotonic() - log.committed_at
    wrong = host.ready.is_set() and not host.stopping and quiet_s > max(QUIET_S_MIN, 10 * host.settings.tick_s)
    return f"nothing was committed for {quiet_s:.0f} s; a tick is due every {host.settings.tick_s:g} s" if wrong else ""


def _partitions(host: "Host") -> str:
    if not host.ready.is_set():
        return "not assigned yet"
    return host.ground.unassigned()


def _intake(host: "Host") -> str:
    if host.parts.intake is None or not host.ground.hears:
        return ""
    if host.intake is None or not host.ready.is_set():
        return "the intake does not listen yet"
    if host.intake.failure is not None:
        return f"the intake has ended: {host.intake.failure}"
    return f"a bridge has no broker: {host.intake.away}" if isinstance(host.intake, MayBeAway) and host.intake.away else ""


def _behind(host: "Host", most_s: float) -> str:
    """Of the judge and the desk. A store that waits (InfluxDB is down) keeps no alert back; the log is its buffer."""
    if host.health is None:
        return "not known yet"
    lag = host.health.behind
    for topic in [topic for topic in (Topic.FRAMES, Topic.ALERTS) if topic in lag.stages]:
        behind_s = lag.behind_most_s(topic)
        if behind_s > most_s:
            return f"{lag.stages[topic].name} is {behind_s:.0f} s behind the log, expected at most {most_s:g} s"
    return ""
