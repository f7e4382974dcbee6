"""One server away for long: what goes on meanwhile, and how quickly the rest is made up for."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from tests.chaos.receiver import Receiver
from tests.chaos.stack.members import Member
from tests.servers import Server

LOOK_S = 1.0
CATCH_UP_S = 600.0


@dataclass(frozen=True, kw_only=True)
class Outage:
    """How it went."""

    victim: str
    away_s: float
    pages: int  # received meanwhile
    behind: int  # records that the stages had not finished when it came back
    caught_up_s: float  # until they were at the end of the log again, under the same load
    lines_per_s: float  # written to InfluxDB in that time


def outage(name: str, seconds: float, server: Server, members: list[Member], receiver: Receiver, floor: int) -> Outage:
    """Kill a server, start it again after so long, and wait until no more than `floor` records wait."""
    server.kill()
    before = receiver.received
    time.sleep(seconds)
    pages, behind, lines = receiver.received - before, _lag(members), _lines(members)
    began = time.monotonic()
    server.start()
    while (lag := _lag(members)) > floor:
        if time.monotonic() - began > CATCH_UP_S:
            raise RuntimeError(f"{name}: expected to catch up within {CATCH_UP_S:g} s, {lag} records are left")
        time.sleep(LOOK_S)
    took_s = time.monotonic() - began
    return Outage(
        victim=name, away_s=seconds, pages=pages, behind=behind, caught_up_s=round(took_s, 1),
        lines_per_s=round((_lines(members) - lines) / took_s),
    )  # fmt: skip


def _lag(members: list[Member]) -> int:
    return round(_total(members, lambda name: name.startswith("outfall_stage_lag_records")))


def _lines(members: list[Member]) -> float:
    return _total(members, lambda name: name.startswith("outfall_influx_lines_total") and "stored" in name)


def _total(members: list[Member], wanted: Callable[[str], bool]) -> float:
    return sum(value for member in members for name, value in member.metrics().items() if wanted(name))
