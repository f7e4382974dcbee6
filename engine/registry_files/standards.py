"""Standards from YAML: those that come with the package and those of a province or a city that a user adds."""

from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from engine.config.document import Document, parse_document, read_document
from engine.config.explain import Section
from engine.config.nearest import hint
from engine.config.problem import BadFile, Problem
from engine.config.validate import YamlWhere, validated
from engine.config.words import Text
from rules.catalogue import Catalogue, Figure, StandardClass, standard_texts
from rules.limits import Averaging, Basis, Weighting
from rules.precedence import Level
from sensors.factors import catalogue as factors
from sensors.registry import Medium

Oxygen = Annotated[float, Field(ge=0, lt=21)]


class FigureDoc(Section):
    """One figure; what it does not say, its class says."""

    factor: Text
    averaging: Averaging | None = None
    ceiling: Annotated[float, Field(ge=0)] | None = None
    floor: Annotated[float, Field(ge=0)] | None = None
    reference_o2: Oxygen | None = None
    weighting: Weighting | None = None
    decimals: Annotated[int, Field(ge=0, le=6)] | None = None
    note: str = ""
    unverified: bool = False


class ClassDoc(Section):
    """One class of a standard."""

    title_zh: str = ""
    title_en: str = ""
    averaging: Averaging
    weighting: Weighting = Weighting.EVEN
    reference_o2: Oxygen | None = None
    figures: list[FigureDoc]


class StandardDoc(Section):
    """A standard."""

    standard: Text
    title_zh: Text
    title_en: Text
    level: Literal["national", "local"]
    medium: Medium
    classes: dict[str, ClassDoc]


@cache
def built_in() -> Catalogue:
    """The standards that come with the package."""
    return catalogue_of(parse_document(text, name) for name, text in standard_texts().items())


def catalogue_with(files: Iterable[Path]) -> Catalogue:
    """The standards that come with the package, and a user's own; BadFile with everything that is wrong with those."""
    own = catalogue_of(read_document(file) for file in files)
    return {**built_in(), **own}


def catalogue_of(documents: Iterable[Document]) -> Catalogue:
    """Every class of every standard in the documents, by its reference."""
    found: dict[str, StandardClass] = {}
    problems: list[Problem] = []
    for document in documents:
        doc, usable, wrong = validated(document, StandardDoc)
        problems.extend(wrong)
        if doc:
            problems.extend(_wrong(usable, doc))
            found.update((f"{doc.standard}/{name}", _class(doc, name, cls)) for name, cls in doc.classes.items())
    if problems:
        raise BadFile(problems)
    return found


def _class(doc: StandardDoc, name: str, cls: ClassDoc) -> StandardClass:
    return StandardClass(
        ref=f"{doc.standard}/{name}",
        level=Level[doc.level.upper()],
        medium=doc.medium,
        title_zh=f"{doc.title_zh} {cls.title_zh or name}",
        title_en=f"{doc.title_en}, {cls.title_en or name}",
        figures=tuple(_figure(cls, figure) for figure in cls.figures),
    )


def _figure(cls: ClassDoc, figure: FigureDoc) -> Figure:
    o2 = cls.reference_o2 if figure.reference_o2 is None else figure.reference_o2
    ranged = figure.floor is not None
    return Figure(
        factor=figure.factor,
        averaging=figure.averaging or cls.averaging,
        ceiling=figure.ceiling,
        floor=figure.floor,
        basis=Basis.MEASURED if o2 is None or ranged else Basis.CONVERTED,
        reference_o2=None if ranged else o2,
        weighting=Weighting.EVEN if ranged else figure.weighting or cls.weighting,
        decimals=figure.decimals,
        note=figure.note,
        unverified=figure.unverified,
    )


def _wrong(document: Document, doc: StandardDoc) -> Iterator[Problem]:
    for name, cls in doc.classes.items():
        for n, figure in enumerate(cls.figures):
            where = YamlWhere(document=document, path=("classes", name, "figures", n))
            if figure.factor not in factors():
                yield where.problem("factor", "unknown_factor", **hint(figure.factor, factors()))
            if figure.ceiling is None and figure.floor is None:
                yield where.problem("", "no_bound")
