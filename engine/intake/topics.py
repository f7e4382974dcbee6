"""The two topics of a monitor: what it says, and what it is told."""

from engine.intake.credentials import NAME

ROOT = "outfall/v1/"


def up(mn: str) -> str:
    """Where a monitor's payloads are published.

    >>> up("010000A8900016F000169DC0")
    'outfall/v1/010000A8900016F000169DC0/up'
    """
    return f"{ROOT}{mn}/up"


def down(mn: str) -> str:
    """Where a monitor is told something; only it may listen."""
    return f"{ROOT}{mn}/down"


def mn_of(topic: str, end: str) -> str | None:
    """The MN of an up or down topic; None where it is no such topic.

    >>> mn_of("outfall/v1/A1/up", "up"), mn_of("outfall/v1/A1/down", "up"), mn_of("outfall/v1/+/down", "down")
    ('A1', None, None)
    """
    if not (topic.startswith(ROOT) and topic.endswith("/" + end)):
        return None
    mn = topic[len(ROOT) : -len(end) - 1]
    return mn if NAME.fullmatch(mn) else None
