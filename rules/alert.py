"""Alerts as facts: what happened in the life of one abnormal verdict, with a deterministic id."""

import base64
import hashlib
from dataclasses import dataclass
from enum import StrEnum

from rules.rule import AlertClass, RuleKind


class Step(StrEnum):
    """A step in the life of an alert."""

    OPENED = "opened"
    REVISED = "revised"  # still abnormal, other numbers: late data came
    RETURNED = "returned"  # a later window, reading or frame was normal
    WITHDRAWN = "withdrawn"  # late data showed that it never was


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """The numbers of one verdict: enough to compute it again. Columns are slots in time order."""

    slot_ms: tuple[int, ...] = ()  # start of each slot
    value: tuple[float | None, ...] = ()  # None: empty slot
    flag: tuple[int, ...] = ()  # Flag of each slot
    helper: tuple[float | None, ...] = ()  # flow (weighting) or O2 (conversion) of the same slots; empty: not used
    n_valid: int = 0
    n_due: int = 0
    measured: float | None = None  # mean before conversion
    o2: float | None = None  # mean O2 used for conversion, %
    from_device: bool = False  # the device's own hour or day mean was used, not one built from slots
    by_hours: bool = False  # too many slots, or gone: values are means of hours, helpers their weights


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertEvent:
    """One step of one alert. `(alert_id, seq)` is its identity; the same log gives the same events."""

    alert_id: str
    seq: int  # 0 opened, then 1, 2, ...
    step: Step
    at_ms: int  # log time at which the step became true
    rule: str
    kind: RuleKind
    rule_version: str
    alert_class: AlertClass
    severity: int  # 1..5
    outlet: str
    factor: str  # "" for rules on a monitor
    mn: str = ""  # rules on a monitor
    start_ms: int  # window [start_ms, end_ms) of device time; monitor rules: log time
    end_ms: int | None  # None: still open (instant, offline, clock)
    value: float | None = None  # the judged value, rounded to 6 decimals
    ceiling: float | None = None
    floor: float | None = None
    unit: str = ""
    source: str = ""
    unverified: bool = False
    late: bool = False  # became known through late data: recorded, not paged as live
    evidence: Evidence = Evidence()


def alert_id(rule: str, outlet: str, factor: str, start_ms: int) -> str:
    """The id of an alert, made from what it means.

    >>> alert_id("gas-hour", "stack-1", "a21026", 1700000000000)
    'VBD6T2ADP3VFFNAR'
    """
    text = f"{rule}|{outlet}|{factor}|{start_ms}".encode()
    return base64.b32encode(hashlib.sha256(text).digest())[:16].decode()
