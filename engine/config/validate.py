"""A document against its model: everything that does not fit, and what is usable of the rest."""

from dataclasses import dataclass
from typing import TypeVar

from pydantic import ValidationError

from engine.config.document import Document, Path_, shown
from engine.config.explain import Section, Wrong, explain
from engine.config.problem import Problem

Model = TypeVar("Model", bound=Section)
ROUNDS = 8
"""Dropping a value can leave its row without a word it needs, then the row goes, and so on upwards."""


@dataclass(frozen=True, slots=True, kw_only=True)
class YamlWhere:
    """A place in a document's value."""

    document: Document
    path: Path_

    def problem(self, name: str, key: str, **values: object) -> Problem:
        """A problem with the value `name` at this place; a name such as "standards.0" goes deeper."""
        steps = (int(step) if step.isdecimal() else step for step in name.split(".") if step)
        path = self.document.in_file((*self.path, *steps))
        return Problem(place=self.document.place(path), path=shown(path), key=key, values=values)

    def written(self, name: str) -> list[str]:
        """What the file says for `name` in every entry of the list at this place, usable or not."""
        value = self.document.whole
        for step in self.document.in_file(self.path):
            value = value.get(step) if isinstance(value, dict) else None
        rows = [row for row in value or () if isinstance(row, dict)] if isinstance(value, list) else []
        return [str(row[name]) for row in rows if name in row]

    def at(self, *steps: str | int) -> "YamlWhere":
        """A place inside this one."""
        return YamlWhere(document=self.document, path=(*self.path, *steps))


def validated(document: Document, model: type[Model]) -> tuple[Model | None, Document, list[Problem]]:
    """The model of a document, the document it is the model of, and what is wrong.

    What is wrong is dropped, so that the rest can still be checked against itself and all problems be told at once. The
    model may be used only if there are no problems; None: nothing usable is left.
    """
    problems: list[Problem] = []
    for round_no in range(ROUNDS):
        try:
            return model.model_validate({} if document.value is None else document.value), document, problems
        except ValidationError as error:
            found = explain(error, model)
            if round_no == 0:
                problems = [_problem(document, wrong) for wrong in found]
            paths = [_dropped(document, wrong) for wrong in found]
        if () in paths:
            break
        document = document.without(paths)
    return None, document, problems


def _problem(document: Document, wrong: Wrong) -> Problem:
    path = document.in_file(wrong.loc)
    place = document.key_place(path) if wrong.at_key else document.place(path)
    return Problem(place=place, path=shown(path), key=wrong.key, values=wrong.values)


def _dropped(document: Document, wrong: Wrong) -> Path_:
    path = document.in_file(wrong.loc)
    return path[:-1] if wrong.key == "missing" else path
