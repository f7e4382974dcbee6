"""The data directory: whose it is, what it lies on, how much room is left, how fast it is, and the clock of its log."""

import os
import shutil
import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from engine.doctor.finding import Finding, error, good, note, warning
from engine.doctor.patient import Patient
from engine.files import CREDENTIALS
from engine.log.lock import owner_of
from engine.log.reader import LogReader
from engine.log.record import Topic
from engine.log.sqlite import FILE, wall_ms

GIB = 1 << 30
FREE_MIN = GIB
FREE_SHARE_MIN = 0.05
FREE_LEAST = 100 << 20
FSYNCS = 20
FSYNC_MS_MAX = 50.0
AHEAD_MS_MAX = 2000
SILENT_MS_MAX = 60_000
REMOTE = ("nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "fuse.sshfs", "glusterfs", "ceph")
MEMORY = ("tmpfs", "ramfs")


def data_findings(patient: Patient) -> Iterator[Finding]:
    """Everything about the data directory."""
    data = patient.config.host.data
    if not data.is_dir():
        yield note("data_none", data)
        return
    yield from _rights(data)
    yield from _file_system(data)
    yield from _room(data)
    if patient.probe and os.access(data, os.W_OK):
        yield from _fsync(data)
    yield from _clock(data)


def _rights(data: Path) -> Iterator[Finding]:
    if not os.access(data, os.R_OK | os.W_OK | os.X_OK):
        yield error("data_rights", data)
        return
    mode = mode_of(data)
    credentials = data / CREDENTIALS
    if mode & 0o007:
        yield note("data_open", data, mode=f"{mode:03o}")
    else:
        yield good("data_open", data, mode=f"{mode:03o}")
    if credentials.exists() and mode_of(credentials) & 0o077:
        yield error("data_credentials", credentials, mode=f"{mode_of(credentials):03o}")


def mode_of(path: Path) -> int:
    """Its permission bits."""
    return path.stat().st_mode & 0o777


def _file_system(data: Path) -> Iterator[Finding]:
    kind = file_system(data, Path("/proc/self/mounts").read_text() if Path("/proc/self/mounts").exists() else "")
    if kind in REMOTE:
        yield error("data_remote", data, kind=kind)
    elif kind in MEMORY:
        yield error("data_memory", data, kind=kind)


def file_system(path: Path, mounts: str) -> str:
    """The kind of file system a path lies on, by the longest mount point above it; "" where it is not known.

    >>> file_system(Path("/data/x"), "rootfs / ext4 rw 0 0\\nnas:/a /data nfs4 rw 0 0\\n")
    'nfs4'
    """
    rows = [line.split() for line in mounts.splitlines()]
    points = {row[1].replace("\\040", " "): row[2] for row in rows if len(row) > 2}
    above = [str(folder) for folder in (path.resolve(), *path.resolve().parents) if str(folder) in points]
    return points[above[0]] if above else ""


def _room(data: Path) -> Iterator[Finding]:
    usage = shutil.disk_usage(data)
    values = {"free": f"{usage.free / GIB:.1f}", "size": f"{usage.total / GIB:.1f}"}
    if usage.free < FREE_LEAST:
        yield error("data_room", data, **values)
    elif usage.free < FREE_MIN or usage.free < FREE_SHARE_MIN * usage.total:
        yield warning("data_room", data, **values)
    else:
        yield good("data_room", data, **values)


def _fsync(data: Path) -> Iterator[Finding]:
    """The probe: a small file, written and made safe some times, and gone again."""
    took = []
    with tempfile.NamedTemporaryFile(dir=data, prefix="doctor-") as file:
        for _ in range(FSYNCS):
            file.write(b"x" * 4096)
            file.flush()
            began = time.perf_counter()
            os.fsync(file.fileno())
            took.append(1000 * (time.perf_counter() - began))
    median = statistics.median(took)
    shown = {"ms": f"{median:.1f}"}
    yield note("data_fsync", data, **shown) if median > FSYNC_MS_MAX else good("data_fsync", data, **shown)


def _clock(data: Path) -> Iterator[Finding]:
    """System time against the newest record of the log, which a running host writes every second."""
    if not (data / FILE).exists():
        return
    with LogReader(data / FILE) as log:
        ends = [(p, log.span(Topic.FRAMES, p).end) for p in range(log.partitions(Topic.FRAMES))]
        newest = [record.log_ms for p, end in ends if end for record in log.read(Topic.FRAMES, p, end - 1, 1)]
    if not newest:
        return
    now_ms = wall_ms()
    ahead_ms, behind_ms = max(newest) - now_ms, now_ms - min(newest)
    if ahead_ms > AHEAD_MS_MAX:
        yield error("data_clock", data, seconds=f"{ahead_ms / 1000:.0f}")
    elif owner_of(data) is not None and behind_ms > SILENT_MS_MAX:
        yield error("data_silent", data, seconds=f"{behind_ms / 1000:.0f}")
    else:
        yield good("data_clock", data)
