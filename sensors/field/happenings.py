"""What may happen to a simulated monitor. Every span is half-open, [from_ms, to_ms), in true time."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Surge:
    """The outlet discharges otherwise: one factor is about `level`. Of two at one time the later in the list counts."""

    code: str
    level: float  # in the unit of HJ 212-2017 annex B
    from_ms: int
    to_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PowerCut:
    """The monitor is dead: nothing is measured, kept or sent, and a period it missed a part of has no value."""

    from_ms: int
    to_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkCut:
    """The logger measures but cannot send. It keeps its minute values and sends them at `back_ms`."""

    from_ms: int
    to_ms: int
    back_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Storm:
    """Every frame is sent `copies` times, the same bytes: a logger that does not see its acknowledgements."""

    from_ms: int
    to_ms: int
    copies: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockAhead:
    """The logger's clock is `ahead_ms` ahead; all device times it writes are."""

    from_ms: int
    to_ms: int
    ahead_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LineNoise:
    """A bad line: one byte of every frame sent meanwhile arrives as another one."""

    from_ms: int
    to_ms: int


Happening = Surge | PowerCut | LinkCut | Storm | ClockAhead | LineNoise
