"""The part of the configuration that says who is paged, when, and over which channels."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field

from engine.config.explain import Section
from engine.config.words import Id, Positive, Seconds, Text, Wall
from engine.duty.roster import Override, Person, Roster, Shift
from engine.duty.settings import ChannelKind, ChannelSettings, Policy, Sending
from rules.rule import AlertClass

PERSON = Person(id="", name="")
SHIFT = Shift(id="", squads=(), anchor=datetime.min)  # only its defaults count
TIMEOUT_S = ChannelSettings(name="", kind=ChannelKind.TERMINAL).timeout_s
POLICY = Policy()
SENDING = Sending()


class PersonSection(Section):
    """One entry of `duty.people`."""

    id: Id
    name: str = ""
    channels: tuple[str, ...] = PERSON.channels
    lang: Literal["zh", "en"] = "zh"
    phone: str = PERSON.phone

    def person(self) -> Person:
        """As the desk knows it."""
        return Person(**{**self.given(), "name": self.name or self.id})


class ShiftSection(Section):
    """One entry of `duty.shifts`."""

    id: Id
    squads: Annotated[tuple[tuple[str, ...], ...], Field(min_length=1)]
    anchor: Wall
    turn_h: Annotated[int, Field(gt=0, le=24 * 7)] = SHIFT.turn_h
    ends: Wall | None = None

    def shift(self) -> Shift:
        """As the desk knows it."""
        return Shift(**self.given())


class OverrideSection(Section):
    """One entry of `duty.overrides`."""

    shift: str
    start: Wall
    end: Wall
    remove: str = ""
    add: str = ""

    def override(self) -> Override:
        """As the desk knows it."""
        return Override(**self.given())


class TerminalSection(Section):
    """A channel: pages appear on the terminal of `outfall run`."""

    name: Id
    kind: Literal["terminal"]


class WebhookSection(Section):
    """A channel: pages are posted, signed, to an address."""

    name: Id
    kind: Literal["webhook"]
    url: Text
    secret_file: Text
    timeout_s: Seconds = TIMEOUT_S


AnyChannel = Annotated[TerminalSection | WebhookSection, Field(discriminator="kind")]


class PolicySection(Section):
    """`duty.policy`."""

    version: Id = POLICY.version
    classes: tuple[AlertClass, ...] = POLICY.classes
    severity_min: Annotated[int, Field(ge=1, le=5)] = POLICY.severity_min
    episode_gap_s: Annotated[int, Field(ge=0)] = POLICY.episode_gap_s
    page_returned: bool = POLICY.page_returned

    def policy(self) -> Policy:
        """As the desk knows it."""
        return Policy(**self.given())


class SendingSection(Section):
    """`duty.sending`."""

    lease_s: Seconds = SENDING.lease_s
    backoff_first_s: Seconds = SENDING.backoff_first_s
    backoff_max_s: Seconds = SENDING.backoff_max_s
    attempts_max: Positive = SENDING.attempts_max
    at_once: Positive = SENDING.at_once

    def sending(self) -> Sending:
        """As the desk knows it."""
        return Sending(**self.given())


class DutySection(Section):
    """`duty`."""

    people: tuple[PersonSection, ...] = ()
    shifts: tuple[ShiftSection, ...] = ()
    overrides: tuple[OverrideSection, ...] = ()
    channels: tuple[AnyChannel, ...] = ()
    policy: PolicySection = PolicySection()
    sending: SendingSection = SendingSection()

    def roster(self, zone: str) -> Roster:
        """As the desk knows it."""
        return Roster(
            people=tuple(p.person() for p in self.people),
            shifts=tuple(s.shift() for s in self.shifts),
            overrides=tuple(o.override() for o in self.overrides),
            zone=zone,
        )
