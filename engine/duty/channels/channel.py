"""What a channel is: it takes a page and says what became of it."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from engine.duty.page import Page


class Status(StrEnum):
    """What became of one attempt."""

    DELIVERED = "delivered"  # the other side has taken it
    REFUSED = "refused"  # the other side said no
    FAILED = "failed"  # nobody said anything that counts


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """The end of one attempt."""

    status: Status
    retry: bool = False  # the same may succeed later
    detail: str = ""  # what the other side said, for people; never a secret
    provider_id: str = ""  # the other side's name for the page
    uncertain: bool = False  # it may have arrived all the same: another attempt is marked as a resend


class Channel(Protocol):
    """Carries pages to people. The same page may come twice; it then says `resend`."""

    async def send(self, page: Page) -> Outcome:
        """Try once. A failing other side is an outcome, not an exception."""

    async def close(self) -> None:
        """Let go of connections."""
