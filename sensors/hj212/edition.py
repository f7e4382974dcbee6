"""The editions of HJ 212, and what the number in Flag says."""

from dataclasses import dataclass
from enum import IntEnum


class Edition(IntEnum):
    """An edition; the value is the version number in Flag.

    The surface-water protocol of the national monitoring centre also says 2: ST=21 tells it from HJ 212-2025.
    """

    Y2005 = 0
    Y2017 = 1
    Y2025 = 2


ANSWER = 1
SPLIT = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class FlagField:
    """Flag, bit by bit: `V5 V4 V3 V2 V1 V0 D A` (HJ 212-2017 6.3.2)."""

    version: int  # see Edition; other numbers are not defined
    split: bool  # D: PNUM and PNO follow
    answer: bool  # A: the sender wants an answer

    @classmethod
    def of(cls, number: int) -> "FlagField":
        """From the number in the frame.

        >>> FlagField.of(7)
        FlagField(version=1, split=True, answer=True)
        """
        return cls(version=number >> 2, split=bool(number & SPLIT), answer=bool(number & ANSWER))

    @property
    def number(self) -> int:
        """The number in the frame."""
        return self.version << 2 | self.split << 1 | self.answer
