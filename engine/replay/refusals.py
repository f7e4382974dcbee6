"""What an import refuses: counted by reason, the first of each kept as examples, all of them written where one asks."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TextIO

from sensors.refusal import Reason

EXAMPLES = 5
"""Kept of each reason."""


@dataclass(slots=True, kw_only=True)
class Refusals:
    """Counts are of readings: a row that holds several and has no time counts for all of them."""

    counts: Counter[Reason] = field(default_factory=Counter)
    examples: dict[Reason, list[str]] = field(default_factory=dict)
    sink: TextIO | None = None

    def add(self, reason: Reason, rows: Sequence[int], describe: Callable[[int], str], *, count: int = 1) -> None:
        """Refuse rows, each of which stands for `count` readings. `describe` gives place, value and expectation."""
        self.counts[reason] += len(rows) * count
        examples = self.examples.setdefault(reason, [])
        for row in rows if self.sink else rows[: EXAMPLES - len(examples)]:
            text = describe(row)
            if len(examples) < EXAMPLES:
                examples.append(text)
            if self.sink:
                self.sink.write(f"{reason.value}\t{text}\n")

    def fresh_sink(self) -> TextIO | None:
        """The sink, emptied, for a second try."""
        if self.sink:
            self.sink.seek(0)
            self.sink.truncate()
        return self.sink

    def shown(self) -> dict[str, list[str]]:
        """The examples by the reason's word."""
        return {reason.value: examples for reason, examples in sorted(self.examples.items())}

    def by_reason(self) -> dict[str, int]:
        """Counts by the reason's word, the words in order."""
        return {reason.value: n for reason, n in sorted(self.counts.items()) if n}
