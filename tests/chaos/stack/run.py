"""One run on the whole stack: load, faults in random order, and an end in order."""

import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import psycopg

from tests.chaos.district import SECRET
from tests.chaos.receiver import Receiver
from tests.chaos.stack import district
from tests.chaos.stack.faults import Blow, Injector, order
from tests.chaos.stack.harvest import harvest
from tests.chaos.stack.members import Member, Supervisor
from tests.chaos.stack.servers import Servers, running
from tests.servers import Server

ROOT = Path(__file__).parents[3]
PAUSE_S = (1.0, 4.0)
SETTLE_S, QUIET_S = 5.0, 120.0
FROZEN_S = district.SESSION_S * 1.3
RECOVER_S = 120.0


@dataclass(frozen=True, kw_only=True)
class Course:
    """How a run went."""

    blows: tuple[Blow, ...]
    ended: dict[str, dict[int, int]]  # by process of Outfall: exit codes with which it ended by itself
    seconds: float  # under load


def play(
    folder: Path, *, seed: int, minutes: float, count: int, rate: float, victims: tuple[str, ...] = (),
    say: Callable[[str], None] = lambda _: None,
) -> Course:  # fmt: skip
    """Fill an empty folder with everything that a run leaves behind. `victims`: only these; none: everybody."""
    dice, secret_of = random.Random(seed), district.passwords(count)
    receiver = Receiver(folder, SECRET)
    try:
        with running(folder / "servers", secret_of) as servers:
            say("the servers run")
            members = district.found(folder, servers, secret_of, rate=rate, receiver_port=receiver.port)
            course = _under_load(folder, servers, members, receiver, dice, minutes * 60, victims, say)
            harvest(folder, servers.kafka.servers, f"{district.PREFIX}frames", district.PARTITIONS, servers.postgres.url())
            return course
    finally:
        receiver.close()


def _under_load(
    folder: Path, servers: Servers, members: list[Member], receiver: Receiver, dice: random.Random, seconds: float,
    victims: tuple[str, ...], say: Callable[[str], None],
) -> Course:  # fmt: skip
    named: dict[str, Server] = {one.name: one for one in (*members, *vars(servers).values())}
    chosen = {name: named[name] for name in victims or named}
    for member in members:
        member.start_soon()
    supervisor = Supervisor(members)
    publishers = None
    try:
        _wait(lambda: all(map(_is_ready, members)), 120.0, "every process ready")
        publishers = _start_publishers(folder)
        _wait(lambda: receiver.newest_ms > 0, 60.0, "a first page")
        say("load, and pages go out")
        injector = Injector(chosen, receiver, dice, frozen_s=FROZEN_S, recover_s=RECOVER_S, say=say)
        blows, began = [], time.monotonic()
        for name, fault in order(list(chosen), dice):
            if time.monotonic() - began >= seconds:
                break
            blows.append(injector.strike(name, fault))
            time.sleep(dice.uniform(*PAUSE_S))
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
    return Course(blows=tuple(blows), ended=ended, seconds=round(lasted, 1))


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
