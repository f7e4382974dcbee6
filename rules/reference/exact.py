"""Numbers without noise: fractions of the decimals that people wrote."""

from decimal import Decimal
from fractions import Fraction
from functools import cache


@cache
def exact(value: float) -> Fraction:
    """The decimal number that a float was written as.

    >>> exact(0.1) + exact(0.2) == exact(0.3)
    True
    """
    return Fraction(Decimal(repr(value)))


def half_even(value: Fraction, decimals: int = 6) -> Fraction:
    """Rounded to so many decimals, ties to the even neighbour (GB/T 8170).

    >>> half_even(exact(35.15), 1) == exact(35.2), half_even(exact(35.25), 1) == exact(35.2)
    (True, True)
    """
    scale = 10**decimals
    return Fraction(round(value * scale), scale)


def mean(values: list[Fraction]) -> Fraction:
    """The arithmetic mean; `values` is not empty."""
    return sum(values, Fraction(0)) / len(values)
