"""The verdict of one window: its value beside its limit (section 5)."""

from dataclasses import dataclass
from enum import Enum
from fractions import Fraction

from rules.limits import Averaging, Limit
from rules.reference.checks import Check
from rules.reference.days import Window
from rules.reference.exact import exact, half_even
from rules.reference.means import View, enough, judged_mean
from rules.rule import RuleKind
from sensors.registry import Medium


class Code(Enum):
    """What is said of a window."""

    NOT_JUDGEABLE = "not judgeable"
    NORMAL = "normal"
    EXCEEDED = "exceeded"


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What one check says of one window at one log time."""

    check: Check
    window: Window
    at_ms: int
    code: Code
    value: Fraction | None  # as compared; of a range: the cell farthest outside, None if none is
    n_valid: int
    n_due: int
    from_device: bool
    revision: bool  # the window counted as judged before


def verdict_of(view: View, check: Check, window: Window, *, at_ms: int, revision: bool) -> Verdict:
    """Judge one window by the slots of the view."""
    code, value, n_valid, n_due, from_device = (_by_share if check.rule.kind is RuleKind.RANGE else _by_mean)(
        view, check, window
    )
    return Verdict(
        check=check, window=window, at_ms=at_ms, code=code, value=value, n_valid=n_valid, n_due=n_due,
        from_device=from_device, revision=revision,
    )  # fmt: skip


Judged = tuple[Code, Fraction | None, int, int, bool]


def _by_mean(view: View, check: Check, window: Window) -> Judged:
    mean = judged_mean(view, check, window)
    value = None if mean.value is None else _as_compared(mean.value, check.limit)
    code = Code.NOT_JUDGEABLE
    if value is not None:
        code = Code.EXCEEDED if _outside(value, check.limit) > 0 else Code.NORMAL
    return code, value, mean.n_valid, mean.n_due, mean.from_device


def _by_share(view: View, check: Check, window: Window) -> Judged:
    cells = [_as_compared(value, check.limit) for value in view.cells(check.own, window).values()]
    due = (window[1] - window[0]) // view.cell_ms(check.own)
    if not enough(len(cells), due, Medium.WATER if check.limit.averaging is Averaging.DAY else check.medium):
        return Code.NOT_JUDGEABLE, None, len(cells), due, False
    outside = [value for value in cells if _outside(value, check.limit) > 0]
    exceeded = Fraction(len(outside), len(cells)) > exact(check.rule.share_max)
    farthest = max(outside, key=lambda value: _outside(value, check.limit), default=None)
    return (Code.EXCEEDED if exceeded else Code.NORMAL), farthest, len(cells), due, False


def _outside(value: Fraction, limit: Limit) -> Fraction:
    """How far a value lies outside the limit; 0: inside, or equal to a bound."""
    above = value - exact(limit.ceiling) if limit.ceiling is not None else Fraction(0)
    below = exact(limit.floor) - value if limit.floor is not None else Fraction(0)
    return max(above, below, Fraction(0))


def _as_compared(value: Fraction, limit: Limit) -> Fraction:
    return half_even(value, 6 if limit.decimals is None else limit.decimals)
