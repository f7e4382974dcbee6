"""One run on the whole stack: load, faults in random order, and an end in order."""

import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg

from tests.chaos.district import SECRET
from tests.chaos.receiver import Receiver
from tests.chaos.stack import district
from tests.chaos.stack.faults import Blow, Injector, order
from tests.chaos.stack.harvest import Held, harvest
from tests.chaos.stack.members import Member, Supervisor
from tests.chaos.stack.outage import Outage, outage
from tests.chaos.stack.servers import Servers, running
from tests.servers import Server

ROOT = Path(__file__).parents[3]
PAUSE_S = (1.0, 4.0)
SETTLE_S, QUIET_S = 5.0, 120.0
FROZEN_S = district.SESSION_S * 1.3
RECOVER_S = 120.0


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What is to be done."""

    seed: int
    minutes: float = 0.0  # for so long faults are begun
    count: int = 12  # monitors
    rate: float = 20.0  # messages a second of each
    only: tuple[str, ...] = ()  # victims; none: everybody
    away: str = ""  # a server that is away for long, before the faults; "": none
    away_s: float = 600.0


@dataclass(frozen=True, kw_only=True)
class Course:
    """How a run went."""

    blows: tuple[Blow, ...]
    outage: Outage | None
    ended: dict[str, dict[int, int]]  # by process of Outfall: exit codes with which it ended by itself
    seconds: float  # under load


def play(folder: Path, wanted: Wanted, say: Callable[[str], None] = lambda _: None) -> Course:
    """Fill an empty folder with everything that a run leaves behind."""
    secret_of = district.passwords(wanted.count)
    receiver = Receiver(folder, SECRET)
    try:
        with running(folder, secret_of) as servers:
            say("the servers run")
            members = district.found(folder, servers, secret_of, rate=wanted.rate, receiver_port=receiver.port)
            course = _under_load(folder, servers, members, receiver, wanted, say)
            held = Held(url=servers.influx.url, token=servers.influx.token, bucket=district.BUCKET)
            kafka, topic = servers.kafka.servers, f"{district.PREFIX}frames"
            harvest(folder, kafka, topic, district.PARTITIONS, servers.postgres.url(), held)
            return course
    finally:
        receiver.close()


def _under_load(
    folder: Path, servers: Servers, members: list[Member], receiver: Receiver, wanted: Wanted, say: Callable[[str], None]
) -> Course:
    for member in members:
        member.start_soon()
    supervisor = Supervisor(members)
    publishers = None
    try:
        _wait(lambda: all(map(_is_ready, members)), 120.0, "every process ready")
        publishers = _start_publishers(folder)
        _wait(lambda: receiver.newest_ms > 0, 60.0, "a first page")
        say("load, and pages go out")
        began = time.monotonic()
        away = _outage(servers, members, receiver, wanted, say) if wanted.away else None
        blows = list(_blows({one.name: one for one in (*members, *servers.all)}, receiver, wanted, say))
        lasted = time.monotonic() - began
        time.sleep(SETTLE_S)
        publishers.send_signal(signal.SIGTERM)
        if publishers.wait(QUIET_S) != 0:
            raise RuntimeError(f"publishers: ended with code {publishers.returncode}: {folder}/publishers.log")
        say("all is said and acknowledged")
        time.sleep(2 * SETTLE_S)  # silences open their alerts
        _wait(lambda: _is_quiet(members, servers), QUIET_S, "no lag and no waiting page")
    finally:
        supervisor.close()
        if publishers is not None:
            publishers.kill()
        for member in members:
            member.stop()
    ended = {member.name: dict(member.ended) for member in members if member.ended}
    return Course(blows=tuple(blows), outage=away, ended=ended, seconds=round(lasted, 1))


def _outage(
    servers: Servers, members: list[Member], receiver: Receiver, wanted: Wanted, say: Callable[[str], None]
) -> Outage:
    victim = next(server for server in servers.all if server.name == wanted.away)
    say(f"{wanted.away} is away for {wanted.away_s:g} s")
    found = outage(wanted.away, wanted.away_s, victim, members, receiver, 6 * district.PARTITIONS)
    say(f"{found.pages} pages meanwhile; {found.behind} records were made up for in {found.caught_up_s} s")
    return found


def _blows(
    named: dict[str, Server], receiver: Receiver, wanted: Wanted, say: Callable[[str], None]
) -> Iterator[Blow]:
    dice, began = random.Random(wanted.seed), time.monotonic()
    chosen = {name: named[name] for name in wanted.only or named}
    injector = Injector(chosen, receiver, dice, frozen_s=FROZEN_S, recover_s=RECOVER_S, say=say)
    for name, fault in order(list(chosen), dice):
        if time.monotonic() - began >= wanted.minutes * 60:
            return
        yield injector.strike(name, fault)
        time.sleep(dice.uniform(*PAUSE_S))


def _start_publishers(folder: Path) -> subprocess.Popen[bytes]:
    with (folder / "publishers.log").open("ab") as log:
        command = [sys.executable, "-m", "tests.chaos.publish", str(folder)]
        return subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=log)


def _wait(done: Callable[[], bool], seconds: float, expected: str) -> None:
    deadline = time.monotonic() + seconds
    while not done():
        if time.monotonic() > deadline:
            raise RuntimeError(f"expected {expected} within {seconds:g} s")
        time.sleep(0.2)


def _is_ready(member: Member) -> bool:
    try:
        return member.answers()
    except OSError:
        return False


def _is_quiet(members: list[Member], servers: Servers) -> bool:
    """No stage lags behind by more than the ticks of a moment, nothing waits in the bridge, no page waits."""
    try:
        told = [member.metrics() for member in members]
    except OSError:
        return False
    lag = sum(v for found in told for name, v in found.items() if name.startswith("outfall_stage_lag_records"))
    waiting = sum(found.get("outfall_intake_waiting", 0.0) for found in told)
    with psycopg.connect(servers.postgres.url()) as database:
        row = database.execute("select count(*) from outbox where state in ('waiting', 'sending')").fetchone()
    return lag <= 2 * district.PARTITIONS and not waiting and row == (0,)
