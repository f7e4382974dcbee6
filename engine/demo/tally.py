"""What the field did, in numbers that both processes can see, and the clock that both live by."""

import ctypes
from dataclasses import dataclass
from multiprocessing.context import SpawnContext
from typing import Any


class Shared(ctypes.Structure):
    """Memory that the field's process writes and the pipeline's process reads. Each field has one writer."""

    _fields_ = (
        ("now_ms", ctypes.c_int64),  # simulated time, UTC ms: the log's time source
        ("made", ctypes.c_int64),  # payloads made by the monitors
        ("published", ctypes.c_int64),
        ("acknowledged", ctypes.c_int64),
        ("damaged", ctypes.c_int64),  # payloads that arrive as something else
        ("copies", ctypes.c_int64),  # payloads sent before
        ("back_filled", ctypes.c_int64),  # payloads sent late
        ("readings", ctypes.c_int64),  # values in all payloads but the damaged ones
        ("copied_readings", ctypes.c_int64),  # of them: sent before
        ("ahead_readings", ctypes.c_int64),  # of them: with a device time that lies ahead
        ("connected", ctypes.c_int64),  # 1: all monitors are in
        ("finished", ctypes.c_int64),  # 1: nothing more will come
        ("stop", ctypes.c_int64),  # written by the pipeline's process: end after this step
        ("trouble", ctypes.c_char * 400),  # why the field ended early, UTF-8; empty: it did not
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """The same numbers at one instant."""

    now_ms: int
    made: int
    published: int
    acknowledged: int
    damaged: int
    copies: int
    back_filled: int
    readings: int
    copied_readings: int
    ahead_readings: int


class FieldMemory:
    """The shared memory, as the pipeline's process sees it."""

    def __init__(self, context: SpawnContext, start_ms: int) -> None:
        self.raw: Any = context.RawValue(Shared)
        self.raw.now_ms = start_ms

    def now_ms(self) -> int:
        """Simulated time, UTC ms."""
        return int(self.raw.now_ms)

    @property
    def trouble(self) -> str:
        """Why the field ended early; empty where it did not."""
        return bytes(self.raw.trouble).decode(errors="replace")

    def tally(self) -> Tally:
        """What has happened so far."""
        return Tally(**{name: int(getattr(self.raw, name)) for name in Tally.__dataclass_fields__})
