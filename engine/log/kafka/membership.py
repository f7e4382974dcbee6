"""Whether this process is still the worker that its group knows. Whoever may have been replaced does nothing more."""

import asyncio
import time

from engine.log.errors import FencedError

LOOK_S = 0.05

NOBODY = -1
"""The generation of whom the brokers do not know."""


class Membership:
    """A worker is sure of itself for one session after each word from the brokers; then it waits for the next word.

    A process that was stopped for longer wakes up unsure. The brokers then say either that it is still a member, and it
    goes on, or that it is not: then others have its partitions, and it must end. Used by two threads; each field is
    written by one of them.
    """

    def __init__(self, session_s: float) -> None:
        self._session_s = session_s
        self._heard_at = 0.0  # when the last question was asked that the brokers answered with yes
        self.generation = NOBODY
        self.lost = False

    def joined(self, generation: int) -> None:
        """The group has a new generation, and this process is in it."""
        self.generation = generation
        self._heard_at = time.monotonic()

    def heard(self, asked_at: float) -> None:
        """The brokers said that it is a member; they were asked then."""
        self._heard_at = asked_at

    def lose(self) -> None:
        """The brokers do not know it any more."""
        self.lost = True

    async def confirmed(self) -> None:
        """Return when the brokers, asked from now on, have said that it is a member; FencedError if they say no."""
        now, generation = time.monotonic(), self.generation
        while self._heard_at < now:
            if (failure := self.failure) is not None:
                raise failure
            await asyncio.sleep(LOOK_S)
        if self.generation != generation:
            raise FencedError(f"generation {generation} of the workers is over")

    @property
    def is_sure(self) -> bool:
        """Whether nobody else can have its partitions."""
        return not self.lost and time.monotonic() - self._heard_at < self._session_s

    @property
    def failure(self) -> FencedError | None:
        """Why it must end; None: it need not."""
        reason = "the group of the workers goes on without this one: it was not heard of for a whole session"
        return FencedError(reason) if self.lost else None

    async def sure(self) -> None:
        """Return when nobody else can have its partitions; FencedError when others have them."""
        while not self.is_sure:
            if (failure := self.failure) is not None:
                raise failure
            await asyncio.sleep(LOOK_S)
