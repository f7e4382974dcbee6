"""The life of an alert towards the people on duty, as a table (states after ISA-18.2).

Two things happen to it: steps, which the judge sees in the data, and the acknowledgement, which a person gives.
"""

from enum import StrEnum

from rules.alert import Step


class State(StrEnum):
    """Where an alert stands."""

    NORMAL = "normal"  # there is none
    UNACKNOWLEDGED = "unacknowledged"
    ACKNOWLEDGED = "acknowledged"
    RETURNED_UNACKNOWLEDGED = "returned_unacknowledged"  # over, and nobody has said that they saw it
    CLOSED = "closed"  # over and acknowledged
    WITHDRAWN = "withdrawn"  # late data showed that it never was


class Action(StrEnum):
    """What a person does to an alert."""

    ACKNOWLEDGE = "acknowledge"


N, U, A, R, C, W = State
OPENED, REVISED, RETURNED, WITHDRAWN = Step
ACKNOWLEDGE = Action.ACKNOWLEDGE

NEXT: dict[tuple[State, Step | Action], State] = {
    (N, OPENED): U,
    (N, REVISED): U,  # its opening was not seen; it stands all the same
    (N, RETURNED): R,
    (N, WITHDRAWN): W,
    (N, ACKNOWLEDGE): N,
    (U, OPENED): U,
    (U, REVISED): U,
    (U, RETURNED): R,
    (U, WITHDRAWN): W,
    (U, ACKNOWLEDGE): A,
    (A, OPENED): U,
    (A, REVISED): A,  # other numbers of the same alert: who knows of it is not asked again
    (A, RETURNED): C,
    (A, WITHDRAWN): W,
    (A, ACKNOWLEDGE): A,
    (R, OPENED): U,
    (R, REVISED): R,
    (R, RETURNED): R,
    (R, WITHDRAWN): W,
    (R, ACKNOWLEDGE): C,
    (C, OPENED): U,
    (C, REVISED): C,
    (C, RETURNED): C,
    (C, WITHDRAWN): W,
    (C, ACKNOWLEDGE): C,
    (W, OPENED): U,
    (W, REVISED): U,  # withdrawn, and after all it was: it opens again (docs/judging.md, section 7)
    (W, RETURNED): W,
    (W, WITHDRAWN): W,
    (W, ACKNOWLEDGE): W,
}

STANDING = frozenset({U, A})
"""States in which what the alert speaks of goes on."""


def diagram() -> str:
    """The table as a Mermaid diagram; rows that change nothing are left out."""
    rows = [f"    {old} --> {new}: {what}" for (old, what), new in NEXT.items() if old is not new]
    return "\n".join(["stateDiagram-v2", "    [*] --> normal", *rows])
