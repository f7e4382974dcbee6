"""What a host stands on. Its stages, intake and services are the same on all of them."""

from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import faust

from engine.agents import Fail
from engine.app import Parts, Stages
from engine.log.api import HostLog
from engine.stages import Intake
from engine.status import Health


@dataclass(frozen=True, slots=True, kw_only=True)
class Chore:
    """Something that is done every so many seconds while the host runs; what it raises ends the host."""

    name: str
    every_s: float
    work: Callable[[], Awaitable[None]]


class Ground(Protocol):
    """A log, and whatever it asks of a host that works on it."""

    @property
    def works(self) -> bool:
        """Whether this process judges, stores and pages."""

    @property
    def hears(self) -> bool:
        """Whether this process receives from monitors."""

    async def open(self) -> HostLog:
        """Open the log. `engine.log.errors.LogError` says why it cannot be."""

    async def announce(self, parts: Parts) -> None:
        """Say in the log what its readers must know before they go on."""

    def stages(self, parts: Parts, counts: Counter[str]) -> Stages:
        """The stages on the open log."""

    async def app(self, stages: Stages, fail: Fail) -> faust.App:
        """The app that will feed them, not started yet."""

    async def listening(self) -> None:
        """Called before the intake takes the first payload."""

    def chores(self, stages: Stages | None, counts: Counter[str]) -> Sequence[Chore]:
        """What is done beside the stages."""

    def hearing_chores(self, intake: Intake, counts: Counter[str]) -> Sequence[Chore]:
        """What is done beside the intake, once it listens."""

    async def leave(self) -> None:
        """Called when the host ends in order, after its stages have."""

    def failures(self, stages: Stages | None) -> Mapping[str, BaseException | None]:
        """What ended by itself without raising anything, by part."""

    def unassigned(self) -> str:
        """Why this process does not work on its partitions yet; "" where it does."""

    async def drain(self, stages: Stages, health: Health, patience_s: float) -> None:
        """Let the stages finish what this process would otherwise leave undone."""
