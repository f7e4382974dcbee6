"""The settings of duty: who is paged, over which channels, by which policy. Made by the configuration, and by tests."""

from dataclasses import dataclass
from enum import StrEnum

from engine.duty.roster import Roster
from rules.rule import AlertClass


class ChannelKind(StrEnum):
    """What carries a page."""

    TERMINAL = "terminal"
    WEBHOOK = "webhook"


class Secret:
    """A text that is never shown.

    >>> Secret("swordfish"), f"{Secret('swordfish')}", Secret("swordfish").reveal()
    (***, '***', 'swordfish')
    """

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """The text itself."""
        return self._text

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._text == self._text

    def __hash__(self) -> int:
        return hash(self._text)

    def __bool__(self) -> bool:
        return bool(self._text)

    def __repr__(self) -> str:
        return "***"


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelSettings:
    """One channel of the configuration."""

    name: str  # what people's `channels` refer to
    kind: ChannelKind
    url: str = ""  # webhook
    secret: Secret | None = None  # webhook: key of the signature; always given there
    timeout_s: float = 10.0  # webhook: for the whole request


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """Which alerts are paged. Its version is part of every page's id: a changed policy makes new pages."""

    version: str = "1"
    classes: tuple[AlertClass, ...] = tuple(AlertClass)
    severity_min: int = 1
    episode_gap_s: int = 0  # an alert that begins so long after the end of another of its kind continues its episode
    page_returned: bool = True  # tell those who were paged when it is over


@dataclass(frozen=True, slots=True, kw_only=True)
class Sending:
    """How pages leave."""

    lease_s: float = 60.0  # a page being sent longer than this is taken for orphaned; more than any channel's timeout
    backoff_first_s: float = 1.0  # doubled after each failure
    backoff_max_s: float = 60.0
    attempts_max: int = 6  # so many failures, and the person's next channel follows; see docs/duty.md for the last one
    at_once: int = 8  # people served at the same time; to one person pages go one after the other


@dataclass(frozen=True, slots=True, kw_only=True)
class DutySettings:
    """All that duty needs to know."""

    roster: Roster
    channels: tuple[ChannelSettings, ...] = ()
    policy: Policy = Policy()
    sending: Sending = Sending()
