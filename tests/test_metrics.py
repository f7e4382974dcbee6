"""Metrics: every one has its row in the docs, every count has its metric, and the text is what Prometheus reads."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from engine.counted import INTAKE, INTAKE_GAUGES, host_samples, intake_samples, place_of
from engine.histogram import Histogram
from engine.http.text import exposition
from engine.intake.counts import COUNTS, GAUGES
from engine.metrics import BUILD, COMMIT, METRICS, READINGS, Kind

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs/metrics.md").read_text("utf-8")
RULES = ROOT / "docs/prometheus-rules.yaml"


def row(name: str) -> str:
    metric = METRICS[name]
    labels = ", ".join(f"`{label}`" for label in metric.labels)
    return f"| `{name}` | {metric.kind} | {labels} | {metric.says} |"


@pytest.mark.parametrize("name", METRICS)
def test_every_metric_has_its_row_in_the_docs_word_for_word(name: str) -> None:
    assert row(name) in PAGE.splitlines()


def test_the_docs_name_no_metric_that_is_not_there() -> None:
    named = re.findall(r"\b(?:outfall|process)_[a-z_]+[a-z]\b", PAGE + RULES.read_text("utf-8"))
    known = {*METRICS, "outfall_log_commit_seconds_bucket"}
    assert [name for name in named if name not in known and f"{name}_*" not in PAGE] == []


def test_names_follow_the_rules_of_prometheus() -> None:
    for name, metric in METRICS.items():
        assert re.fullmatch(r"[a-z][a-z0-9_]*", name)
        assert name.endswith("_total") is (metric.kind is Kind.COUNTER)
        assert all(re.fullmatch(r"[a-z][a-z0-9_]*", label) for label in metric.labels)
        assert metric.says.endswith(".")


def counted_in(file: Path) -> Iterator[str]:
    """Names under which a module counts; what an f-string fills in is *.

    `counts["a"] += 1`, or `self._count("a", n)` of a stage, for which that is the name after its own.
    """
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        match node:
            case ast.AugAssign(target=ast.Subscript(value=value, slice=key)) if ast.unparse(value).endswith("counts"):
                yield from (name for name in names_of(key) if name != "*.*")
            case ast.Call(func=ast.Attribute(attr="_count"), args=[ast.Constant(value=str(name)), *_]):
                yield f"*.{name}"


def names_of(key: ast.expr) -> Iterator[str]:
    match key:
        case ast.Constant(value=str(name)):
            yield name
        case ast.JoinedStr(values=parts):
            yield "".join(str(part.value) if isinstance(part, ast.Constant) else "*" for part in parts)
        case ast.IfExp(body=body, orelse=orelse):
            yield from (*names_of(body), *names_of(orelse))


FILES = [
    file
    for folder in ("engine", "sensors")
    for file in sorted((ROOT / folder).rglob("*.py"))
    if not {"replay", "demo"} & set(file.parts) and any(counted_in(file))
]


def is_known(name: str, file: Path) -> bool:
    if "intake" in file.parts:
        return name in COUNTS or name == "refused.*"
    if name.startswith("*."):
        return all(place_of(name.replace("*", stage)) for stage in ("detect", "store", "duty"))
    return place_of(name) is not None


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(ROOT)))
def test_every_count_in_the_code_has_a_metric(file: Path) -> None:
    assert [name for name in counted_in(file) if not is_known(name, file)] == []


def test_the_scan_for_counts_sees_them() -> None:
    found = {name for file in FILES for name in counted_in(file)}
    assert {"detect.in", "*.taken", "payload.refused", "command.*", "stored", "ticks_missed", "goodbyes"} <= found


def test_every_count_of_the_intake_has_a_metric() -> None:
    assert INTAKE.keys() == COUNTS.keys()
    assert INTAKE_GAUGES.keys() == GAUGES.keys()


def test_a_count_without_a_metric_is_shown_by_name() -> None:
    text = exposition([*host_samples({"detect.surprises": 3}), *intake_samples({"bridge.lost": 2}, {"queue": 7})])
    assert 'outfall_other_total{count="detect.surprises"} 3\n' in text
    assert 'outfall_intake_other_total{count="bridge.lost"} 2\n' in text
    assert 'outfall_intake_now{what="queue"} 7\n' in text


def test_the_text_is_read_by_the_parser_of_prometheus() -> None:
    took = Histogram((0.5, 1.0))
    for seconds in (0.1, 0.7, 3.0):
        took.add(seconds)
    odd = 'a "quoted" \\ name\nin two lines'
    text = exposition([(READINGS, (odd,), 5), (COMMIT, (), took), (BUILD, ("0.1.0", "3.11.2", "3.53.4"), 1)])
    families = {family.name: family for family in text_string_to_metric_families(text)}
    assert [(s.labels, s.value) for s in families["outfall_readings"].samples] == [({"outcome": odd}, 5.0)]
    commits = families["outfall_log_commit_seconds"]
    assert commits.type == "histogram"
    assert {(s.name.rpartition("_")[2], s.labels.get("le"), s.value) for s in commits.samples} == {
        ("bucket", "0.5", 1.0),
        ("bucket", "1", 2.0),
        ("bucket", "+Inf", 3.0),
        ("sum", None, 3.8),
        ("count", None, 3.0),
    }


def test_the_example_of_alert_rules_asks_for_metrics_and_labels_that_exist() -> None:
    groups = yaml.safe_load(RULES.read_text("utf-8"))["groups"]
    rules = [rule for group in groups for rule in group["rules"]]
    assert len({rule["alert"] for rule in rules}) == len(rules) >= 8
    for rule in rules:
        assert {"alert", "expr", "for", "labels", "annotations"} <= rule.keys()
        names = set(re.findall(r"\b(?:outfall|process)_[a-z_]+[a-z]\b", rule["expr"]))
        assert names
        for name in names:
            labels = METRICS[name.removesuffix("_bucket")].labels
            asked = re.findall(rf"{name}{{([^}}]*)}}", rule["expr"])
            used = {label for inside in asked for label in re.findall(r"(\w+)\s*[=!]", inside)}
            assert used <= set(labels), rule["alert"]
