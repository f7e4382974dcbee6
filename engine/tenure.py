"""Whether a process may still act on what it was given. On a log of its own it always may."""

from typing import Protocol


class Tenure(Protocol):
    """Of a worker over its partitions: `engine.log.kafka.membership.Membership`, or `Alone`."""

    @property
    def is_sure(self) -> bool:
        """Whether nobody else can have been given its partitions."""

    async def sure(self) -> None:
        """Return when that is so; `engine.log.errors.FencedError` when others have them."""


class Alone:
    """Nobody else is there."""

    is_sure = True

    async def sure(self) -> None:
        """At once."""
