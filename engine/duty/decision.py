"""What duty decides when something happens to an alert: to page, or why not. Pure."""

from dataclasses import dataclass
from enum import StrEnum

from engine.duty.settings import Policy
from rules.alert import AlertEvent, Step


class Decision(StrEnum):
    """A decision and its reason."""

    PAGE = "page"  # people on duty are paged
    SEVERITY_ROSE = "severity_rose"  # paged again: it is worse than they were told
    NOBODY_ON_DUTY = "nobody_on_duty"  # the roster has a gap: everybody in it is paged
    PAGE_RETURNED = "page_returned"  # those who were paged are told that it is over
    PAGE_WITHDRAWN = "page_withdrawn"  # those who were paged are told that it never was
    LATE_BACKFILL = "late_backfill"  # known through late data: recorded, not paged as live
    EPISODE_GOES_ON = "episode_goes_on"  # people know already
    NUMBERS_CHANGED = "numbers_changed"  # not worse than people know, or over already
    CLASS_NOT_PAGED = "class_not_paged"  # by the policy
    SEVERITY_TOO_LOW = "severity_too_low"  # by the policy
    NOBODY_WAS_TOLD = "nobody_was_told"  # over, and nobody was paged for it
    END_NOT_PAGED = "end_not_paged"  # over; the policy does not page that
    NOBODY_TO_PAGE = "nobody_to_page"  # the roster has no people, or they have no channel


TO_DUTY = frozenset({Decision.PAGE, Decision.SEVERITY_ROSE})
"""Decisions that page whoever is on duty."""

TO_THE_TOLD = frozenset({Decision.PAGE_RETURNED, Decision.PAGE_WITHDRAWN})
"""Decisions that page whoever was paged before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Episode:
    """What is known of an episode, the event included: consecutive windows of one rule, outlet and factor.

    It is paged when it begins and when it gets worse, and its end once, when none of its alerts stands any more.
    """

    told: int = 0  # the severity people were told; 0: none, or that it is over
    stands: bool = True  # the alert of the event, after it
    others_stand: bool = False  # another alert of the episode


def decide(event: AlertEvent, episode: Episode, policy: Policy) -> Decision:
    """What is to be done about the event; who is there to be paged is not looked at yet."""
    if event.step in (Step.OPENED, Step.REVISED):
        return _decide_abnormal(event, episode, policy)
    if episode.others_stand:
        return Decision.EPISODE_GOES_ON
    if episode.told == 0:
        return Decision.NOBODY_WAS_TOLD
    if not policy.page_returned:
        return Decision.END_NOT_PAGED
    return Decision.PAGE_RETURNED if event.step is Step.RETURNED else Decision.PAGE_WITHDRAWN


def _decide_abnormal(event: AlertEvent, episode: Episode, policy: Policy) -> Decision:
    if event.late:
        return Decision.LATE_BACKFILL
    if event.alert_class not in policy.classes:
        return Decision.CLASS_NOT_PAGED
    if event.severity < policy.severity_min:
        return Decision.SEVERITY_TOO_LOW
    if episode.told >= event.severity or not episode.stands:
        return Decision.EPISODE_GOES_ON if event.step is Step.OPENED else Decision.NUMBERS_CHANGED
    return Decision.SEVERITY_ROSE if episode.told else Decision.PAGE
