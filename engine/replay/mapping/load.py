"""From a mapping file to a `Mapping`: every error of the file at once, each with its place."""

from pathlib import Path

from engine.config.document import Document, read_document
from engine.config.problem import BadFile
from engine.config.validate import validated
from engine.registry_files.days import span_ms
from engine.replay.mapping.check import column_places, problems, usual_kind
from engine.replay.mapping.document import LimitDoc, MappingDoc, MeasuredDoc
from engine.replay.mapping.mapping import Bound, KnownOutlet, Mapping, Measured, TextStyle, Times
from engine.replay.mapping.rules import rules_of
from engine.replay.scan.instants import TimeStyle
from engine.replay.scan.numbers import NUMBER, NumberStyle
from rules.limits import Limit
from rules.rule import Judging
from sensors.factors import factor as catalogue
from sensors.reading import LETTERS, Flag, Kind
from sensors.registry import Medium
from sensors.units import SAME, conversion


def read_mapping(file: Path) -> Mapping:
    """The mapping in a YAML file; BadFile with everything that is wrong with it."""
    return mapping_of(read_document(file))


def mapping_of(document: Document) -> Mapping:
    """The mapping in a document; BadFile with everything that is wrong with it."""
    doc, document, wrong = validated(document, MappingDoc)
    if doc is not None:
        wrong += problems(document, doc)
    if wrong or doc is None:
        raise BadFile(wrong)
    kind = (doc.kind or usual_kind(doc.every)).kind
    medium = _medium(doc)
    unstated = LETTERS[doc.unstated] if doc.unstated else Flag.UNSTATED if doc.flag_column else Flag.NORMAL
    return Mapping(
        file=document.file,
        format=doc.format or "",
        text=TextStyle(
            delimiter=doc.csv.delimiter,
            encoding=doc.csv.encoding,
            skip_lines=doc.csv.skip_lines,
            header=tuple(doc.csv.header or ()),
        ),
        times=_times(doc),
        cadence_s=doc.every,
        outlet=doc.outlet or "",
        outlet_column=doc.outlet_column or "",
        outlets=_outlets(doc, medium),
        wide=tuple((name, measured(m, kind)) for name, m in doc.columns.items()),
        factor_column=doc.factor_column or "",
        factors={word: measured(m, kind) for word, m in _factors(doc).items()},
        kind=kind,
        value_column=doc.value_column or "",
        numbers=_numbers(doc),
        flag_column=doc.flag_column or "",
        flags={**LETTERS, **{word: LETTERS[letter] for word, letter in doc.flags.items()}},
        unstated=unstated,
        medium=medium,
        bounds=tuple(bound for limit in doc.limits for bound in _bounds(limit, doc)),
        rules=rules_of(doc),
        judging=Judging(**{**doc.judging.given(), "zone": doc.zone}),
        units={m.factor: m.unit for m in own_factors(doc)},
        names={m.factor: m.name for m in own_factors(doc)},
        places=column_places(document, doc),
    )


def measured(doc: MeasuredDoc, kind: Kind) -> Measured:
    """What a column stands for; its factor and unit have been checked."""
    known = catalogue(doc.factor)
    unit = known.unit if known else doc.unit
    return Measured(
        factor=doc.factor,
        kind=doc.kind.kind if doc.kind else kind,
        unit=unit,
        conversion=conversion(doc.unit or known.wire_unit, unit) if known else SAME,
        flag_column=doc.flag_column,
        outlet=doc.outlet,
    )


def own_factors(doc: MappingDoc) -> list[MeasuredDoc]:
    """Columns of factors that the catalogue does not have."""
    return [m for m in (*doc.columns.values(), *_factors(doc).values()) if catalogue(m.factor) is None]


def _factors(doc: MappingDoc) -> dict[str, MeasuredDoc]:
    return {"": doc.factor} if doc.factor else doc.factors


def _times(doc: MappingDoc) -> Times:
    style = TimeStyle(form=doc.time.format, zone=doc.time.zone or doc.zone, blanks=("", *doc.blanks))
    return Times(columns=tuple(doc.time.column), style=style, names_end=doc.time.names == "end")


def _numbers(doc: MappingDoc) -> NumberStyle:
    """A blank that is a number stands for no value however it is written: -9999 and -9999.0."""
    marked = tuple(float(blank) for blank in doc.blanks if NUMBER.fullmatch(blank))
    return NumberStyle(point=doc.csv.decimal, blanks=("", *doc.blanks), blank_numbers=marked)


def _medium(doc: MappingDoc) -> Medium:
    """What leaves an outlet of which nothing is said: what the catalogue says of the factors."""
    known = [catalogue(m.factor) for m in (*doc.columns.values(), *_factors(doc).values())]
    return next((f.medium for f in known if f), Medium.WATER)


def _outlets(doc: MappingDoc, medium: Medium) -> dict[str, KnownOutlet]:
    found = {}
    for word, known in doc.outlets.items():
        id_ = (known and known.id) or word
        found[word] = KnownOutlet(
            id=id_,
            name=(known and known.name) or word,
            enterprise=(known and known.enterprise) or id_,
            medium=(known and known.medium) or medium,
        )
    return found


def _bounds(doc: LimitDoc, mapping: MappingDoc) -> list[Bound]:
    first, end = span_ms(doc.valid_from, doc.valid_to, mapping.zone)
    found = []
    for code in doc.factor:
        known = catalogue(code)
        scale = conversion(doc.unit, known.unit) if known and doc.unit else SAME
        limit = Limit(
            outlet="",
            factor=code,
            averaging=doc.averaging,
            ceiling=None if doc.ceiling is None else scale(doc.ceiling),
            floor=None if doc.floor is None else scale(doc.floor),
            basis=doc.basis,
            reference_o2=doc.reference_o2,
            weighting=doc.weighting,
            decimals=doc.decimals,
            source=doc.source,
            unverified=doc.unverified,
            valid_from_ms=first,
            valid_to_ms=end,
        )
        found.append(Bound(limit=limit, outlets=tuple(doc.outlet or ())))
    return found
