"""What pydantic found wrong, in the words of the operator: an expectation, the value, the nearest valid name."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel, ConfigDict, ValidationError, model_validator
from pydantic_core import ErrorDetails

from engine.config.document import Path_
from engine.config.nearest import hint

UNITS = {"_s": " s", "_h": " h", "_min": " min", "_mib_max": " MiB", "_days": " d", "_bytes": " B", "_o2": " %"}
"""The unit a name ends in."""

BOUNDS = {
    "greater_than": ("more_than", "gt"),
    "greater_than_equal": ("at_least", "ge"),
    "less_than": ("less_than", "lt"),
    "less_than_equal": ("at_most", "le"),
}
TYPES = {
    **dict.fromkeys(("int_parsing", "int_type", "int_from_float", "int_parsing_size"), "whole_number"),
    **dict.fromkeys(("float_parsing", "float_type", "finite_number"), "number"),
    **dict.fromkeys(("bool_parsing", "bool_type"), "yes_or_no"),
    **dict.fromkeys(("list_type", "tuple_type"), "list"),
    **dict.fromkeys(("model_type", "model_attributes_type", "dict_type", "dict_attributes_type"), "mapping"),
    "string_type": "text",
    "string_too_short": "empty",
    "too_short": "empty_list",
}


class Section(BaseModel):
    """A part of a file that people write: no word is accepted that is not known."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, str_strip_whitespace=True)

    @model_validator(mode="before")
    @classmethod
    def _empty_parts(cls, value: Any) -> Any:
        """A part or list whose lines are all switched off is as if it were not there."""
        if not isinstance(value, dict) or None not in value.values():
            return value
        parts = {n for n, f in cls.model_fields.items() if isinstance(f.default, (Section, tuple))}
        return {name: v for name, v in value.items() if v is not None or name not in parts}

    def given(self) -> dict[str, Any]:
        """Its values by name, as they are."""
        return {name: getattr(self, name) for name in type(self).model_fields}


@dataclass(frozen=True, slots=True, kw_only=True)
class Wrong:
    """One wrong thing, before its place is known."""

    loc: Path_
    key: str
    values: Mapping[str, object] = field(default_factory=dict)
    at_key: bool = False  # the word itself is wrong, not its value


def explain(error: ValidationError, model: type[BaseModel]) -> list[Wrong]:
    """Everything a validation found, in its order."""
    return [_wrong(detail, model) for detail in error.errors(include_url=False)]


def _wrong(detail: ErrorDetails, model: type[BaseModel]) -> Wrong:
    loc, kind, context = detail["loc"], detail["type"], detail.get("ctx", {})
    got = {"value": _short(detail["input"]), "unit": _unit(loc)}
    if kind == "extra_forbidden":
        return Wrong(loc=loc, key="unknown_word", values=hint(str(loc[-1]), words_at(model, loc[:-1])), at_key=True)
    if kind in BOUNDS:
        key, name = BOUNDS[kind]
        return Wrong(loc=loc, key=key, values={**got, "bound": _number(context[name])})
    if kind in ("enum", "literal_error"):
        return Wrong(loc=loc, key="unknown_value", values=_choice(detail["input"], context["expected"]))
    if kind == "union_tag_invalid":
        tag_loc = (*loc, context["discriminator"].strip("'"))
        return Wrong(loc=tag_loc, key="unknown_value", values=_choice(context["tag"], context["expected_tags"]))
    if kind == "union_tag_not_found":
        return Wrong(loc=(*loc, context["discriminator"].strip("'")), key="missing")
    return _plain(loc, kind, detail, got)


def _plain(loc: Path_, kind: str, detail: ErrorDetails, got: dict[str, str]) -> Wrong:
    if kind == "missing":
        return Wrong(loc=loc, key="missing")
    if kind in TYPES:
        return Wrong(loc=loc, key=TYPES[kind], values=got)
    if detail["msg"] == OWN:
        return Wrong(loc=loc, key=kind, values={**got, **detail.get("ctx", {})})
    return Wrong(loc=loc, key="other", values={**got, "reason": detail["msg"]})


OWN = "own"
"""Message of the errors that our own validators raise; their type is the key of their text."""


def words_at(model: type[BaseModel], loc: Path_) -> list[str]:
    """The words that may stand at a place of a model."""
    models = [model]
    for part in loc:
        with_field = [m for m in models if part in m.model_fields]
        if with_field:
            models = [inner for m in with_field for inner in _models(m.model_fields[str(part)].annotation)]
        elif isinstance(part, str):
            models = [m for m in models if part in _tags(m)] or models
    return list(dict.fromkeys(name for m in models for name in m.model_fields))


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    """Every model somewhere in an annotation."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    elif get_origin(annotation) in (Annotated, Union, UnionType, list, tuple, dict):
        for inner in get_args(annotation):
            yield from _models(inner)


def _tags(model: type[BaseModel]) -> set[str]:
    """The values that tell a model from its alternatives."""
    annotations = [f.annotation for f in model.model_fields.values()]
    return {str(tag) for a in annotations if get_origin(a) is Literal for tag in get_args(a)}


def _choice(value: object, expected: str) -> dict[str, str]:
    return hint(_short(value), re.findall(r"'([^']*)'", expected))


def _unit(loc: Path_) -> str:
    name = next((part for part in reversed(loc) if isinstance(part, str)), "")
    return next((unit for end, unit in UNITS.items() if name.endswith(end)), "")


def _number(bound: float) -> str:
    return f"{bound:g}" if isinstance(bound, float) else str(bound)


def _short(value: object) -> str:
    if value is None:
        return "-"
    text = value if isinstance(value, str) else type(value).__name__
    return text if len(text) <= 60 else text[:57] + "..."
