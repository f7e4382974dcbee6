"""Asking a monitor for its history: HJ 212 commands 2051 and 2061 with a time from and to."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Self

from sensors.hj212.encode import encode_command
from sensors.hj212.times import data_time
from sensors.registry import Medium, Registry

MINUTE_MS = 60_000
HOUR_MS = 3_600_000

LONGEST_MINUTES_MS = 30 * MINUTE_MS
"""HJ 212-2017: the longest interval of minute data. A mean is sent at its end and carries the time of its start."""

SYSTEMS = {Medium.WATER: "32", Medium.GAS: "31", Medium.AIR: "22"}
"""ST, HJ 212-2017 table 5."""


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Station:
    """A monitor that can be asked."""

    mn: str
    system: str  # ST

    @classmethod
    def all_of(cls, registry: Registry, log_ms: int) -> list[Self]:
        """The monitors that are valid at that time, in the order of their MNs."""
        found = registry.monitors_at(log_ms).items()
        media = ((mn, registry.outlet(registry.monitors[no].outlet).medium) for mn, no in found)
        return sorted(cls(mn=mn, system=SYSTEMS[medium]) for mn, medium in media)


def history_requests(station: Station, from_ms: int, to_ms: int, *, qn_ms: int) -> Iterator[bytes]:
    """The commands that ask for what should have arrived in [from_ms, to_ms): minute means, then hour means.

    Each begins early enough for a mean that was due in the gap, and ends at the next whole minute or hour. `qn_ms` and
    the millisecond after it number them.

    >>> station = Station(mn="010000A8900016F000169DC0", system="32")
    >>> for frame in history_requests(station, 1704070805000, 1704070865000, qn_ms=1704070865000): print(frame[27:-6])
    b'ST=32;CN=2051;PW=123456;MN=010000A8900016F000169DC0;Flag=5;CP=&&BeginTime=20240101083000;EndTime=20240101090200&&'
    b'ST=32;CN=2061;PW=123456;MN=010000A8900016F000169DC0;Flag=5;CP=&&BeginTime=20240101080000;EndTime=20240101100000&&'
    """
    spans = (
        (2051, _floor(from_ms - LONGEST_MINUTES_MS, MINUTE_MS), -_floor(-to_ms, MINUTE_MS)),
        (2061, _floor(from_ms, HOUR_MS) - HOUR_MS, -_floor(-to_ms, HOUR_MS)),
    )
    for n, (cn, begin, end) in enumerate(spans):
        fields = [("BeginTime", data_time(begin)), ("EndTime", data_time(end))]
        yield encode_command(cn, mn=station.mn, qn_ms=qn_ms + n, st=station.system, fields=fields)


def _floor(ms: int, step_ms: int) -> int:
    return ms // step_ms * step_ms
