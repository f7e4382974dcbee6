"""What can be wrong with a mapping beyond single values: words that do not fit together."""

import codecs
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from engine.config.document import Document, shown
from engine.config.nearest import hint
from engine.config.problem import Place, Problem
from engine.config.validate import YamlWhere
from engine.registry_files.rows import MINUTE_INTERVALS, KindName
from engine.registry_files.units import unit_wrong
from engine.replay.mapping.document import LimitDoc, MappingDoc, MeasuredDoc
from engine.replay.mapping.mapping import Mapping
from rules.limits import Averaging, Basis, Weighting
from sensors.factors import catalogue
from sensors.factors import nearest as nearest_factor


def problems(document: Document, doc: MappingDoc) -> Iterator[Problem]:
    """Everything that does not fit together, in no order."""
    top = YamlWhere(document=document, path=())
    yield from _shape(top, doc)
    yield from _cadence(top, doc)
    for section in ("columns", "factors"):
        for word, measured in getattr(doc, section).items():
            yield from _measured(top.at(section, word), measured, doc)
    if doc.factor:
        yield from _measured(top.at("factor"), doc.factor, doc)
    for n, limit in enumerate(doc.limits):
        yield from _limit(top.at("limits", n), limit, doc)
    for n, rule in enumerate(doc.rules):
        where = top.at("rules", n)
        yield from _known(where, "select.factors", rule.select.factors, measured_codes(doc), "factor_not_mapped")
        if rule.id in [r.id for r in doc.rules[:n]]:
            yield where.problem("id", "word_twice", value=rule.id)


def column_places(document: Document, doc: MappingDoc) -> dict[str, tuple[Place, str]]:
    """Where the mapping names each column of the file, as (place, path)."""
    found: dict[str, tuple[Place, str]] = {}

    def add(column: str | None, *path: str | int, key: bool = False) -> None:
        if column and column not in found:
            found[column] = (document.key_place(path) if key else document.place(path), shown(path))

    for n, name in enumerate(doc.time.column):
        add(name, *(("time", "column", n) if isinstance(document.value["time"]["column"], list) else ("time", "column")))
    for word in ("outlet_column", "factor_column", "value_column", "flag_column"):
        add(getattr(doc, word), word)
    for name, measured in doc.columns.items():
        add(name, "columns", name, key=True)
        add(measured.flag_column, "columns", name, "flag_column")
    for name, measured in doc.factors.items():
        add(measured.flag_column, "factors", name, "flag_column")
    return found


def missing_columns(mapping: Mapping, file: Path, names: Sequence[str]) -> list[Problem]:
    """Columns that the mapping names and the file does not have."""
    found = []
    for column, (place, path) in mapping.places.items():
        if column not in names:
            values = {**hint(column, names), "file": file}
            found.append(Problem(place=place, path=path, key="column_not_in_file", values=values))
    return found


def measured_codes(doc: MappingDoc) -> set[str]:
    """Factors that the mapping speaks of; the whole catalogue where the file's own words are codes."""
    named = [*doc.columns.values(), *doc.factors.values(), *([doc.factor] if doc.factor else [])]
    codes = {m.factor for m in named}
    return codes | set(catalogue()) if doc.factor_column and not doc.factors else codes


def _shape(top: YamlWhere, doc: MappingDoc) -> Iterator[Problem]:
    """One row holds one reading (value_column) or one of each of several factors (columns)."""
    if not doc.columns and not doc.value_column:
        yield top.problem("", "no_values")
    if doc.columns and (doc.value_column or doc.factor_column or doc.factor):
        yield top.problem("columns", "wide_and_long")
    if doc.value_column and not (doc.factor or doc.factor_column):
        yield top.problem("value_column", "no_factor_of_value")
    if doc.factor and doc.factor_column:
        yield top.problem("factor", "one_of", value="factor", bound="factor_column")
    if doc.outlet and doc.outlet_column:
        yield top.problem("outlet", "one_of", value="outlet", bound="outlet_column")
    if not (doc.outlet or doc.outlet_column or (doc.columns and all(m.outlet for m in doc.columns.values()))):
        yield top.problem("", "no_outlet")
    if "zone" in doc.judging.model_fields_set and doc.judging.zone != doc.zone:
        yield top.problem("judging.zone", "one_of", value="zone", bound="judging.zone")
    try:
        codecs.lookup(doc.csv.encoding)
    except LookupError:
        yield top.problem("csv.encoding", "unknown_encoding", value=doc.csv.encoding)
    if doc.csv.delimiter == doc.csv.decimal:
        yield top.problem("csv.decimal", "decimal_delimiter", value=doc.csv.decimal)


def _cadence(top: YamlWhere, doc: MappingDoc) -> Iterator[Problem]:
    every, kind = doc.every, doc.kind or usual_kind(doc.every)
    if kind is KindName.MINUTE and (every % 60 or every // 60 not in MINUTE_INTERVALS):
        yield top.problem("every", "every_minutes", valid=", ".join(map(str, MINUTE_INTERVALS)))
    elif kind is KindName.REALTIME and (every < 1 or 3600 % every):
        yield top.problem("every", "divides_hour", value=every)
    elif every != {KindName.HOUR: 3600, KindName.DAY: 86400}.get(kind, every):
        yield top.problem("every", "every_hour_day")


def _measured(where: YamlWhere, measured: MeasuredDoc, doc: MappingDoc) -> Iterator[Problem]:
    known = catalogue().get(measured.factor)
    if known is None and not (measured.name and measured.unit):
        near = nearest_factor(measured.factor)
        yield where.problem("factor", "unknown_own_factor", value=measured.factor, valid=f"{near}?" if near else "-")
    elif known and measured.unit and (wrong := unit_wrong(measured.unit, known)):
        yield where.problem("unit", "unit_unfit", **wrong)
    finest = doc.kind or usual_kind(doc.every)
    if measured.kind in (KindName.REALTIME, KindName.MINUTE) and measured.kind is not finest:
        yield where.problem("kind", "kind_every", value=measured.kind)
    if measured.outlet and doc.outlets and measured.outlet not in doc.outlets:
        yield where.problem("outlet", "unknown_outlet", **hint(measured.outlet, doc.outlets))


def usual_kind(every_s: int) -> KindName:
    """The kind of readings that come so often."""
    names = ((86400, KindName.DAY), (3600, KindName.HOUR), (60, KindName.MINUTE))
    return next((kind for least_s, kind in names if every_s >= least_s), KindName.REALTIME)


def _limit(where: YamlWhere, limit: LimitDoc, doc: MappingDoc) -> Iterator[Problem]:
    codes = measured_codes(doc)
    yield from _known(where, "factor", limit.factor, codes, "factor_not_mapped")
    yield from _limit_outlets(where, limit, doc)
    if limit.ceiling is None and limit.floor is None:
        yield where.problem("", "no_bound")
    elif limit.ceiling is not None and limit.floor is not None and limit.ceiling < limit.floor:
        yield where.problem("ceiling", "below_floor", value=limit.ceiling, bound=limit.floor)
    if (limit.basis is Basis.CONVERTED) != (limit.reference_o2 is not None):
        yield where.problem("", "no_reference_o2" if limit.reference_o2 is None else "needless_reference_o2")
    if limit.weighting is Weighting.FLOW and (limit.averaging is not Averaging.DAY or limit.floor is not None):
        yield where.problem("weighting", "flow_not_day")
    if limit.weighting is Weighting.FLOW and "w00000" not in codes:
        yield where.problem("weighting", "no_flow", value=", ".join(limit.factor))
    if limit.basis is Basis.CONVERTED and "a19001" not in codes:
        yield where.problem("basis", "no_o2", value=", ".join(limit.factor))
    if limit.valid_from and limit.valid_to and limit.valid_to <= limit.valid_from:
        yield where.problem("valid_to", "ends_before", value=limit.valid_to, bound=limit.valid_from)
    yield from _limit_unit(where, limit)


def _limit_unit(where: YamlWhere, limit: LimitDoc) -> Iterator[Problem]:
    for code in limit.factor if limit.unit else ():
        known = catalogue().get(code)
        if known and (wrong := unit_wrong(limit.unit, known)):
            yield where.problem("unit", "unit_unfit", **wrong)


def _limit_outlets(where: YamlWhere, limit: LimitDoc, doc: MappingDoc) -> Iterator[Problem]:
    ids = {(known and known.id) or word for word, known in doc.outlets.items()}
    ids |= {doc.outlet} if doc.outlet and doc.outlet not in doc.outlets else set()
    ids |= {m.outlet for m in doc.columns.values() if m.outlet and m.outlet not in doc.outlets}
    if ids and not (doc.outlet_column and not doc.outlets):
        yield from _known(where, "outlet", limit.outlet, ids, "unknown_outlet")


def _known(where: YamlWhere, name: str, words: Iterable[str] | None, valid: set[str], key: str) -> Iterator[Problem]:
    for word in words or ():
        if word not in valid:
            yield where.problem(name, key, **hint(word, sorted(valid)))
