"""What the readers of single payloads found in one batch: readings, refusals and counts."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from sensors.hj212.tolerance import Tolerance
from sensors.reading import Flag, Kind
from sensors.refusal import Reason, Refusal
from sensors.rows import Row

SHOWN = 5
"""So many of a payload's complaints of one reason are told in full."""


class Refused(Exception):
    """A payload, a frame or one reading is refused: with its reason, and with how many readings that costs."""

    def __init__(self, reason: Reason, detail: str, readings: int = 0) -> None:
        super().__init__(detail)
        self.reason = reason
        self.readings = readings


@dataclass(frozen=True, slots=True, kw_only=True)
class Payload:
    """One payload and who it came from."""

    row: int  # in its FrameBatch
    log_ms: int
    login: str  # an MN, or the name of a gateway; "": a trusted import, any MN may speak
    claimed: str  # the MN in its topic; "": none
    data: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """One reading as it was sent."""

    code: str
    number: object  # text, or what JSON made of it
    flag: Flag
    unit: str = ""  # as stated with the value; "": none stated


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload:
    """Readings of one device time."""

    mn: str
    kind: Kind
    device_ms: int
    sent: list[Sent]


@dataclass(slots=True)
class Ledger:
    """Rows and counts of one batch, in the order in which they were found."""

    rows: list[Row] = field(default_factory=list)
    refused: list[Refusal] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)

    def tolerate(self, departures: Iterable[Tolerance]) -> None:
        """Count departures from the grammar."""
        for departure in departures:
            self.counts[f"tolerance.{departure}"] += 1

    def refuse(self, reason: Reason, payload: Payload, mn: str, detail: str, readings: int = 0) -> None:
        """Refuse a payload, a frame or so many readings."""
        self.counts["reading.in"] += readings
        self.counts["reading.refused"] += readings
        self.refused.append(
            Refusal(reason=reason, mn=mn, detail=detail, log_ms=payload.log_ms, row=payload.row, count=readings)
        )

    def refuse_all(self, complaints: dict[Reason, list[str]], payload: Payload, mn: str, outlet: str = "") -> None:
        """Refuse readings of one frame or device time, one refusal for all of one reason."""
        for reason, details in complaints.items():
            lead = f"outlet {outlet} does not have " if reason is Reason.UNKNOWN_FACTOR else ""
            more = f" and {len(details) - SHOWN} more" if len(details) > SHOWN else ""
            self.refuse(reason, payload, mn, lead + "; ".join(details[:SHOWN]) + more, len(details))
