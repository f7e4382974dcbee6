"""What a host must know before the first frame of a recording comes: its register, its span, whether to sort it."""

from dataclasses import dataclass

from engine.replay.account import Account
from engine.replay.order import OutOfOrderError
from engine.replay.recording import Recording
from engine.replay.register import Register


@dataclass(frozen=True, slots=True, kw_only=True)
class Survey:
    """One pass over a recording. The register is that of its end: a live host has all monitors from the start."""

    register: Register
    sort: bool  # its rows are not in time order
    readings: int
    first_ms: int  # log time of the first reading; 0 where there is none
    last_ms: int


def survey(recording: Recording, account: Account) -> tuple[Survey, Account]:
    """Read it through; the account (one begun anew if it must be sorted) is told what is refused on the way."""
    try:
        return _pass(recording, account, sort=False), account
    except OutOfOrderError:
        account = account.anew("sorted")
        return _pass(recording, account, sort=True), account


def _pass(recording: Recording, account: Account, *, sort: bool) -> Survey:
    register = Register(recording.mapping)
    readings, first_ms, last_ms = 0, 0, 0
    for step in recording.timed(register, account, sort=sort):
        if len(step.readings):
            first_ms = first_ms if readings else int(step.readings.log_ms[0])
            last_ms = int(step.readings.log_ms[-1])
            readings += len(step.readings)
    return Survey(register=register, sort=sort, readings=readings, first_ms=first_ms, last_ms=last_ms)
