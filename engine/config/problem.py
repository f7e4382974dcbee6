"""What is wrong with a file: where, what was expected, what was there. All of it at once, in the reader's language."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from engine.texts import Texts


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Place:
    """A place in a file, as editors count: lines and columns from 1; 0 where the whole file is meant."""

    file: str
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        return ":".join([self.file, *(str(n) for n in (self.line, self.column) if n)])


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One thing that is wrong. `key` names its text in engine/texts/problem.yaml, `values` fill that in."""

    place: Place
    path: str  # "rules[3].silence_s"; "" where the whole file is meant
    key: str
    values: Mapping[str, object] = field(default_factory=dict)

    def text(self, texts: Texts) -> str:
        """Place, path and what is wrong, on one line."""
        said = texts(f"problem.{self.key}", **self.values)
        return f"{self.place}: {self.path}: {said}" if self.path else f"{self.place}: {said}"

    def to_json(self, texts: Texts) -> dict[str, object]:
        """For a program."""
        place = {"file": self.place.file, "line": self.place.line, "column": self.place.column}
        return {**place, "path": self.path, "problem": self.key, "text": self.text(texts)}


class BadFile(ValueError):
    """Files with problems. Nothing of them was used."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(sorted(problems, key=lambda problem: problem.place))
        super().__init__("\n".join(problem.text(Texts(lang="en")) for problem in self.problems))
