"""A topic with the MN as one of its levels, as brokers of other people have them."""

from dataclasses import dataclass
from typing import Self

from engine.intake.credentials import NAME


@dataclass(frozen=True, slots=True, kw_only=True)
class MnTopic:
    """Topics that differ in the MN only.

    >>> MnTopic.of("site/+/data").mn("site/A1/data"), MnTopic.of("site/+/data").with_mn("A1")
    ('A1', 'site/A1/data')
    >>> MnTopic.of("site/+/data").mn("site/A1/B2/data"), MnTopic.of("site/+/data").mn("site//data")
    (None, None)
    """

    before: str
    after: str

    @classmethod
    def of(cls, filter: str) -> Self:
        """From a filter in which + stands for the MN; ValueError where it has not exactly one."""
        if not is_mn_filter(filter):
            raise ValueError(f"topic {filter!r}: expected exactly one level +, where the MN stands, and no #")
        before, _, after = filter.partition("+")
        return cls(before=before, after=after)

    def mn(self, topic: str) -> str | None:
        """The MN of a topic; None where it is no such topic."""
        if not (topic.startswith(self.before) and topic.endswith(self.after)):
            return None
        mn = topic[len(self.before) : len(topic) - len(self.after)]
        return mn if NAME.fullmatch(mn) else None

    def with_mn(self, mn: str) -> str:
        """The topic of one monitor."""
        return f"{self.before}{mn}{self.after}"


def is_mn_filter(filter: str) -> bool:
    """Whether a filter has exactly one level +, and no other wildcard.

    >>> [is_mn_filter(f) for f in ("outfall/v1/+/up", "a/b", "a/+/+", "a/+b/c", "a/+/#", "$share/x/+/up")]
    [True, False, False, False, False, False]
    """
    levels = filter.split("/")
    return levels.count("+") == 1 and filter.count("+") == 1 and "#" not in filter and not filter.startswith("$")
