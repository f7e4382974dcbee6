"""Sources of metrics that any host has: its counts, its stages, its log, the process."""

import asyncio
import os
import platform
import resource
import shutil
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Protocol, runtime_checkable

from pysqlite3 import dbapi2 as sqlite

from engine import metrics as m
from engine.counted import host_samples, intake_samples
from engine.detect.stage import DetectStage
from engine.http.pulse import Pulse
from engine.lag import Lag
from engine.log.record import Topic
from engine.metrics import Sample
from engine.stage_thread import StageThread
from engine.stages import Intake


@runtime_checkable
class HasGauges(Protocol):
    """An intake that says what it holds now."""

    @property
    def gauges(self) -> Mapping[str, int]:
        """By name (`engine.counted.INTAKE_GAUGES`)."""


def count_samples(counts: Mapping[str, int], intake: Intake | None) -> Iterator[Sample]:
    """What is counted since the start."""
    yield from host_samples(counts)
    if intake is not None:
        yield from intake_samples(intake.counts, intake.gauges if isinstance(intake, HasGauges) else {})


def lag_samples(lag: Lag) -> Iterator[Sample]:
    """How far each stage is."""
    for topic, stage in lag.stages.items():
        for partition, next_ in sorted(stage.next.items()):
            labels = (stage.name, str(partition))
            yield m.LAG, labels, lag.records(topic, partition)
            yield m.BEHIND, labels, lag.behind_s(topic, partition)
            yield m.NEXT, labels, next_
    for partition in sorted(lag.stages[Topic.FRAMES].next):
        age_s = lag.age_s(Topic.FRAMES, partition)
        if age_s is not None:
            yield m.JUDGED_AGE, (str(partition),), age_s


def thread_samples(threads: Sequence[StageThread]) -> Iterator[Sample]:
    """What the stages' threads are at."""
    for thread in threads:
        yield m.BLOCKED, (thread.name,), thread.blocked_s
        yield m.RETRIES, (thread.name,), thread.retries
        yield m.BUSY, (thread.name,), thread.busy_s


def snapshot_samples(detect: DetectStage) -> Iterator[Sample]:
    """How old the judge's state on disk is."""
    for partition, at in sorted(detect.kept_at.items()):
        yield m.SNAPSHOT_AGE, (str(partition),), time.monotonic() - at
        kept_from = detect.kept_from.get(partition)
        if kept_from is not None:
            yield m.SNAPSHOT_BEHIND, (str(partition),), max(0, detect.next[partition] - kept_from)


def disk_samples(data: Path) -> Iterator[Sample]:
    """Room on the disk, and what the log takes of it. Asks the disk."""
    usage = shutil.disk_usage(data)
    yield m.DISK_FREE, (), usage.free
    yield m.DISK_SIZE, (), usage.total
    yield m.LOG_BYTES, (), sum(file.stat().st_size for file in data.glob("log.db*"))


def process_samples(pulse: Pulse) -> Iterator[Sample]:
    """The process itself."""
    yield m.BUILD, _build(), 1
    yield m.LOOP_LAG, (), pulse.worst_s()
    own = resource.getrusage(resource.RUSAGE_SELF)
    yield m.CPU, (), own.ru_utime + own.ru_stime
    yield m.BEGAN, (), _began_s()
    yield m.RSS, (), int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()
    yield m.FILES, (), len(os.listdir("/proc/self/fd"))  # noqa: PTH208 - names only


def in_thread(make: Callable[[], Iterator[Sample]]) -> Callable[[], "asyncio.Future[list[Sample]]"]:
    """A source whose work blocks."""

    def source() -> "asyncio.Future[list[Sample]]":
        return asyncio.ensure_future(asyncio.to_thread(lambda: list(make())))

    return source


@cache
def _build() -> tuple[str, str, str]:
    try:
        own = version("outfall")
    except PackageNotFoundError:
        own = "unknown"
    return own, platform.python_version(), sqlite.sqlite_version


@cache
def _began_s() -> float:
    """From the kernel's count of ticks since boot."""
    fields = Path("/proc/self/stat").read_text().rpartition(")")[2].split()
    boot_s = next(float(line.split()[1]) for line in Path("/proc/stat").read_text().splitlines() if line.startswith("btime"))
    return boot_s + int(fields[19]) / os.sysconf("SC_CLK_TCK")
