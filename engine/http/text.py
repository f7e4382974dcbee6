"""Samples in the text format of Prometheus 0.0.4."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence

from engine.histogram import Histogram
from engine.metrics import METRICS, Metric, Sample

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


def exposition(samples: Iterable[Sample]) -> str:
    """Every metric once, in the order in which they are declared; of two samples with the same labels the last counts.

    >>> from engine.metrics import BLOCKED
    >>> print(exposition([(BLOCKED, ("store",), 1.5)]), end="")
    # HELP outfall_stage_blocked_seconds For how long a stage has waited for the outside world; 0: it does not.
    # TYPE outfall_stage_blocked_seconds gauge
    outfall_stage_blocked_seconds{stage="store"} 1.5
    """
    found: dict[str, dict[tuple[str, ...], float | Histogram]] = defaultdict(dict)
    for metric, labels, value in samples:
        found[metric.name][labels] = value
    lines = [line for name, metric in METRICS.items() if name in found for line in _lines(metric, found[name])]
    return "".join(f"{line}\n" for line in lines)


def _lines(metric: Metric, values: dict[tuple[str, ...], float | Histogram]) -> Iterator[str]:
    yield f"# HELP {metric.name} {_escaped(metric.says)}"
    yield f"# TYPE {metric.name} {metric.kind}"
    for labels, value in values.items():
        pairs = list(zip(metric.labels, labels, strict=True))
        if isinstance(value, Histogram):
            yield from _histogram(metric.name, pairs, value)
        else:
            yield f"{metric.name}{_labels(pairs)} {_number(value)}"


def _histogram(name: str, pairs: list[tuple[str, str]], value: Histogram) -> Iterator[str]:
    total = 0
    for bound, total in value.cumulative():
        yield f"{name}_bucket{_labels([*pairs, ('le', _number(bound))])} {total}"
    yield f"{name}_sum{_labels(pairs)} {_number(value.sum)}"
    yield f"{name}_count{_labels(pairs)} {total}"


def _labels(pairs: Sequence[tuple[str, str]]) -> str:
    inside = ",".join(f'{name}="{_escaped(value, quote=True)}"' for name, value in pairs)
    return f"{{{inside}}}" if pairs else ""


def _escaped(text: str, *, quote: bool = False) -> str:
    text = text.replace("\\", "\\\\").replace("\n", "\\n")
    return text.replace('"', '\\"') if quote else text


def _number(value: float) -> str:
    if value == float("inf"):
        return "+Inf"
    return str(int(value)) if value == int(value) else repr(float(value))
