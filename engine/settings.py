"""The settings of one host process, as the wiring needs them. Made by the configuration, by the demo and by tests."""

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path


class LogKind(StrEnum):
    """Where the log is."""

    EMBEDDED = "embedded"  # one SQLite file in the data directory, one process
    KAFKA = "kafka"  # shared by the processes of a cluster


class Role(StrEnum):
    """What a process of a cluster does."""

    INTAKE = "intake"  # receives from monitors
    WORKER = "worker"  # judges, stores, pages, and does its share of the leader's work


@dataclass(frozen=True, slots=True, kw_only=True)
class HostSettings:
    """What `engine.app` needs to know to run a host on one data directory."""

    log: LogKind = LogKind.EMBEDDED
    roles: tuple[Role, ...] = (Role.INTAKE, Role.WORKER)  # of this process; on the embedded log always both
    data: Path  # log.db, snapshots/, status.json and lock live here
    partitions: int = 1  # of each topic; stated once, when the data directory is made
    tick_s: float = 1.0  # a tick goes to every partition of FRAMES so often
    snapshot_s: float = 30.0  # a detector's state is written so often, and at a stop
    status_s: float = 2.0  # status.json is written so often
    drain_s: float = 20.0  # a stop waits at most so long for each stage to finish what is in the log
    retain_days: float | None = None  # records of FRAMES older than this may go, once nobody needs them; None: kept
    retain_bytes: int | None = None  # the oldest records of FRAMES beyond so many bytes a partition may go; None: kept
    retain_derived_h: float = 24.0  # records of READINGS and ALERTS older than this go, once their stage is done

    @property
    def log_file(self) -> Path:
        """The SQLite file of the log."""
        return self.data / "log.db"
