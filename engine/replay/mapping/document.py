"""A mapping as people write it in YAML. What each word means for people stands in docs/mapping.md."""

import re
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field
from pydantic_core import PydanticCustomError

from engine.config.explain import OWN, Section
from engine.config.rule_sections import JUDGING, AnyRule, JudgingSection
from engine.config.words import Day, Id, Text, Zone
from engine.registry_files.rows import KindName
from rules.limits import Averaging, Basis, Weighting
from sensors.reading import LETTERS
from sensors.registry import Medium

SPAN = re.compile(r"(\d{1,6}) *(s|min|h|d)")
SPAN_S = {"s": 1, "min": 60, "h": 3600, "d": 86400}

def _span(text: Any) -> Any:
    """Seconds of a span such as '15 min'."""
    found = SPAN.fullmatch(text.strip()) if isinstance(text, str) else None
    if not found:
        raise PydanticCustomError("bad_span", OWN)
    return int(found[1]) * SPAN_S[found[2]]


def _one_letter(text: str) -> str:
    if len(text) != 1 or not text.isascii():
        raise PydanticCustomError("one_letter", OWN)
    return text


def _tab(text: Any) -> Any:
    return "\t" if text in ("tab", "\\t") else text


def _flag(letter: str) -> str:
    if letter not in LETTERS:
        raise PydanticCustomError("flag_letter", OWN, {"valid": ", ".join(LETTERS)})
    return letter


def _listed(value: Any) -> Any:
    """One word stands for a list of one."""
    return [value] if isinstance(value, str) else value


def _named(value: Any) -> Any:
    """`w01018` alone stands for `factor: w01018`."""
    return {"factor": value} if isinstance(value, str) else value


Span = Annotated[int, BeforeValidator(_span)]
Letter = Annotated[str, AfterValidator(_one_letter)]
FlagLetter = Annotated[str, AfterValidator(_flag)]
Words = Annotated[list[Text], BeforeValidator(_listed), Field(min_length=1)]
Number = Annotated[float, Field(allow_inf_nan=False)]


class CsvDoc(Section):
    """How a delimited text file is written."""

    delimiter: Annotated[Letter, BeforeValidator(_tab)] = ","
    decimal: Letter = "."
    encoding: Text = "utf-8"
    skip_lines: Annotated[int, Field(ge=0, le=10_000)] = 0
    header: Words | None = None  # names of the columns, where the file has no line of names


class TimeDoc(Section):
    """Where the time of a row stands, and how."""

    column: Words  # several: their texts belong together with a blank between
    format: Text = "iso"
    zone: Zone | None = None  # of times without an offset
    names: Literal["start", "end"] = "start"  # which end of its span a mean's time names


class MeasuredDoc(Section):
    """What one column, or one word in the factor column, stands for."""

    factor: Text
    unit: str = ""
    name: str = ""  # of a factor that is not in the catalogue
    kind: KindName | None = None
    flag_column: str = ""
    outlet: str = ""


class OutletDoc(Section):
    """What is known of an outlet besides its name in the file."""

    id: Id | None = None
    name: str = ""
    enterprise: Id | None = None
    medium: Medium | None = None


class LimitDoc(Section):
    """A limit; where no outlet is named, of every outlet that measures the factor."""

    factor: Words
    outlet: Words | None = None
    averaging: Averaging
    ceiling: Number | None = None
    floor: Number | None = None
    unit: str = ""
    basis: Basis = Basis.MEASURED
    reference_o2: Annotated[float, Field(ge=0, lt=21)] | None = None
    weighting: Weighting = Weighting.EVEN
    decimals: Annotated[int, Field(ge=0, le=6)] | None = None
    source: str = ""
    unverified: bool = False
    valid_from: Day | None = None
    valid_to: Day | None = None


class MappingDoc(Section):
    """A mapping file."""

    format: Literal["csv", "parquet", "jsonl"] | None = None
    csv: CsvDoc = CsvDoc()
    zone: Zone = JUDGING.zone
    time: TimeDoc
    every: Span
    kind: KindName | None = None
    outlet: Text | None = None
    outlet_column: Text | None = None
    outlets: dict[str, OutletDoc | None] = Field(default_factory=dict)
    columns: dict[str, Annotated[MeasuredDoc, BeforeValidator(_named)]] = Field(default_factory=dict)
    factor: Annotated[MeasuredDoc, BeforeValidator(_named)] | None = None
    factor_column: Text | None = None
    factors: dict[str, Annotated[MeasuredDoc, BeforeValidator(_named)]] = Field(default_factory=dict)
    value_column: Text | None = None
    flag_column: Text | None = None
    flags: dict[str, FlagLetter] = Field(default_factory=dict)
    unstated: FlagLetter | None = None
    blanks: list[str] = Field(default_factory=list)
    limits: list[LimitDoc] = Field(default_factory=list)
    rules: list[AnyRule] = Field(default_factory=list)
    judging: JudgingSection = JudgingSection()
