"""What becomes of one reading."""

from enum import IntEnum


class Outcome(IntEnum):
    """What became of one reading (docs/judging.md, section 2)."""

    UNJUDGED = 0
    NEW = 1
    DUPLICATE = 2
    CORRECTED = 3
    SUPERSEDED = 4
    FUTURE = 5
    TOO_LATE = 6
