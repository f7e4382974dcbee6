"""A page: one message to one person over one channel for one step of one alert, and its id."""

import hashlib
from dataclasses import dataclass
from typing import Self

import orjson


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """What a page says, with the names as they were when it was decided."""

    alert_id: str
    episode: str  # the first alert of the run it belongs to
    step: str  # rules.alert.Step
    decision: str  # engine.duty.decision.Decision
    kind: str  # rules.rule.RuleKind
    alert_class: str  # rules.rule.AlertClass
    rule: str
    rule_text_zh: str = ""
    rule_text_en: str = ""
    severity: int
    enterprise: str  # name, or the id where the registry has none
    outlet: str
    factor: str  # code, "" for rules on a monitor
    factor_zh: str
    factor_en: str
    mn: str
    unit: str
    value: float | None
    ceiling: float | None
    floor: float | None
    source: str
    unverified: bool
    start_ms: int
    end_ms: int | None
    at_ms: int
    zone: str  # in which windows are shown

    def encode(self) -> str:
        """As JSON."""
        return orjson.dumps(self).decode()

    @classmethod
    def decode(cls, body: str) -> Self:
        """The inverse of `encode`."""
        return cls(**orjson.loads(body))


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One page as a channel gets it."""

    page_id: str
    person: str
    person_name: str
    phone: str
    lang: str
    channel: str
    resend: bool  # it may have arrived before: its end was not seen
    subject: Subject


def page_id(*, alert_id: str, policy_version: str, step: str, loop: int, person: str, channel: str) -> str:
    """The id of a page, made from what it means.

    >>> page_id(alert_id="A", policy_version="1", step="opened", loop=0, person="li", channel="sms")[:16]
    '6863a6fcf7e4d28f'
    """
    text = "|".join((alert_id, policy_version, step, str(loop), person, channel))
    return hashlib.sha256(text.encode()).hexdigest()
