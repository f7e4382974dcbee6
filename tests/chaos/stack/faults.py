"""What is done to whom, in which order, and how long until pages go out again."""

import random
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from tests.chaos.receiver import Receiver
from tests.chaos.stack.members import Member
from tests.servers import Server


class Fault(StrEnum):
    """What is done."""

    KILL = "kill -9"
    FREEZE = "SIGSTOP"


@dataclass(frozen=True, kw_only=True)
class Blow:
    """One fault, as it went."""

    victim: str
    fault: Fault
    down_s: float  # until it ran again
    paged_s: float  # from the fault to the first page on something that happened after it


def order(victims: list[str], dice: random.Random) -> Iterator[tuple[str, Fault]]:
    """Every victim with every fault, in random order, again and again."""
    while True:
        every = [(victim, fault) for victim in victims for fault in Fault]
        dice.shuffle(every)
        yield from every


class Injector:
    """Does it, and waits until the system has recovered; RuntimeError where it does not."""

    def __init__(
        self, victims: dict[str, Server], receiver: Receiver, dice: random.Random, *, frozen_s: float, recover_s: float,
        say: Callable[[str], None],
    ) -> None:  # fmt: skip
        """`frozen_s`: longer than a worker may be silent. `recover_s`: more than this is a failure of the run."""
        self._victims, self._receiver, self._dice, self._say = victims, receiver, dice, say
        self._frozen_s, self._recover_s = frozen_s, recover_s

    def strike(self, name: str, fault: Fault) -> Blow:
        """One fault and the recovery from it."""
        victim, began = self._victims[name], time.time()
        if fault is Fault.KILL:
            victim.kill()
            time.sleep(self._dice.uniform(0.0, 2.0))
            self._start(victim)
        else:
            victim.freeze()
            time.sleep(self._frozen_s * self._dice.uniform(1.0, 1.4))
            victim.thaw()
        down_s = time.time() - began
        self._wait_paged(began * 1000, name)
        blow = Blow(victim=name, fault=fault, down_s=round(down_s, 1), paged_s=round(time.time() - began, 1))
        self._say(f"{name}: {fault}: down for {blow.down_s} s, pages again after {blow.paged_s} s")
        return blow

    def _start(self, victim: Server) -> None:
        if isinstance(victim, Member):
            victim.start_soon()
        else:
            victim.start()

    def _wait_paged(self, after_ms: float, name: str) -> None:
        deadline = time.monotonic() + self._recover_s
        while self._receiver.newest_ms <= after_ms:
            if time.monotonic() > deadline:
                raise RuntimeError(f"{name}: expected a page within {self._recover_s:g} s of the fault, got none")
            time.sleep(0.05)
