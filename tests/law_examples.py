"""The law by examples computed by hand: what a monitor sends, and what is to be told of it.

Each runs on the oracle and on the streaming judge. Notation of the expectation: `tests.diary.told`.
"""

from tests.law_lives import AFTER_COMPLETION, CHANGES, EARLY_WARNINGS, MONITORS, RETURNS, REVISIONS
from tests.law_windows import COMPARING, CONVERSION, DAYS, RANGES, VALIDITY

EXAMPLES = [
    *VALIDITY, *COMPARING, *CONVERSION, *DAYS, *RANGES,
    *REVISIONS, *AFTER_COMPLETION, *RETURNS, *CHANGES, *EARLY_WARNINGS, *MONITORS,
]  # fmt: skip
