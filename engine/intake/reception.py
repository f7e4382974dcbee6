"""What all connections of one endpoint share."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from engine.intake.commit_queue import CommitQueue
from engine.intake.credentials import Credentials
from engine.intake.refusals import RefusalBook
from engine.intake.settings import IntakeSettings

if TYPE_CHECKING:
    from engine.intake.connection import Connection

READ_BYTES = 64 * 1024
"""Most that is read from a socket at once."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Reception:
    """Settings, the way to the log, counts, and who is there."""

    settings: IntakeSettings
    credentials: Credentials
    queue: CommitQueue
    partition_of: Callable[[str], int]  # MN -> partition of FRAMES
    counts: dict[str, int]
    refusals: RefusalBook
    connections: "set[Connection]" = field(default_factory=set)
    sessions: "dict[str, Connection]" = field(default_factory=dict)  # logged in, by session key
    buffer: memoryview = field(default_factory=lambda: memoryview(bytearray(READ_BYTES)))
    """Every socket is read into this one: between reading and copying its bytes out, nothing else runs."""
