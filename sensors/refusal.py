"""What is refused, and why. Every refusal has a reason, is counted, and is kept where somebody can read it."""

from dataclasses import dataclass
from enum import StrEnum


class Reason(StrEnum):
    """Why something was refused. The texts for people are in the command line's catalogue."""

    # the payload as a whole
    TOO_LARGE = "too_large"
    NOT_A_FRAME = "not_a_frame"  # neither HJ 212 nor JSON v1
    BAD_LENGTH = "bad_length"
    BAD_CRC = "bad_crc"
    BAD_GRAMMAR = "bad_grammar"
    BAD_JSON = "bad_json"
    ENCRYPTED = "encrypted"
    UNKNOWN_MN = "unknown_mn"
    MN_NOT_LOGIN = "mn_not_login"  # the MN in the frame is not the one that logged in
    UNKNOWN_COMMAND = "unknown_command"
    BAD_TIME = "bad_time"  # no device time, or none that a calendar has
    ORPHAN_PACKET = "orphan_packet"
    TOO_MANY_FACTORS = "too_many_factors"
    # one reading
    UNKNOWN_FACTOR = "unknown_factor"
    WRONG_UNIT = "wrong_unit"
    BAD_VALUE = "bad_value"  # not a finite number
    OUT_OF_TYPE = "out_of_type"  # more digits than the factor's type allows
    FUTURE = "future"
    TOO_LATE = "too_late"
    # a row of an imported file
    BAD_ROW = "bad_row"
    BLANK = "blank"
    UNKNOWN_OUTLET = "unknown_outlet"


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """One refused payload or reading."""

    reason: Reason
    mn: str  # as claimed; "" where none is known
    detail: str  # place, value and expectation, for people; deterministic
    log_ms: int
    row: int = -1  # payload of the record; -1: not of a payload
    count: int = 1  # readings this stands for (0: none could be counted)
