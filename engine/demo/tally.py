"""What the field did, in numbers that both processes can see, and the clock that both live by."""

import ctypes
import mmap
from dataclasses import dataclass, fields
from pathlib import Path

FILE = "field.mem"
TROUBLE_BYTES = 400


class Shared(ctypes.Structure):
    """The memory as it lies in the file. Each number has one writer: the field's process, but for the last two."""

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
        ("trouble", ctypes.c_char * TROUBLE_BYTES),  # why the field ended early, UTF-8; empty: it did not
        ("port", ctypes.c_int64),  # written by the pipeline's process: where to connect, as soon as it listens
        ("stop", ctypes.c_int64),  # written by the pipeline's process: end after this step
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """The numbers at one instant."""

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
    """The shared memory: a small file that both processes map. `start_ms` makes it anew."""

    def __init__(self, folder: Path, *, start_ms: int | None = None) -> None:
        self.path = folder / FILE
        if start_ms is not None:
            self.path.write_bytes(bytes(ctypes.sizeof(Shared)))
        with self.path.open("r+b") as file:
            self.raw = Shared.from_buffer(mmap.mmap(file.fileno(), ctypes.sizeof(Shared)))
        if start_ms is not None:
            self.raw.now_ms = start_ms

    def now_ms(self) -> int:
        """Simulated time, UTC ms."""
        return int(self.raw.now_ms)

    def fail(self, why: str) -> None:
        """Say why the field ends early."""
        self.raw.trouble = why.encode()[: TROUBLE_BYTES - 1]

    @property
    def trouble(self) -> str:
        """Why the field ended early; empty where it did not."""
        return bytes(self.raw.trouble).decode(errors="replace")

    def tally(self) -> Tally:
        """What has happened so far."""
        return Tally(**{field.name: int(getattr(self.raw, field.name)) for field in fields(Tally)})
