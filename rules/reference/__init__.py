"""The oracle: a slow, obvious judge written from docs/judging.md alone, to hold the streaming one against.

It shares types with the streaming judge and nothing else: exact fractions in place of floating point, dictionaries in
place of slot grids, and every window judged anew from the whole history at each instant at which it is judged.
`judge(history)` gives the outcome of every reading, the verdict of every window and every alert event.
"""

from rules.reference.history import Entry, Mark, Payload, Sent
from rules.reference.judge import Judgement, judge

__all__ = ["Entry", "Judgement", "Mark", "Payload", "Sent", "judge"]
