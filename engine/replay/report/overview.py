"""All alerts on one strip of time, a row for each rule and series."""

from collections.abc import Sequence

from markupsafe import Markup

from engine.replay.report.axes import Axis, time_marks
from engine.texts import Texts
from rules.alert import AlertEvent

WIDTH, LEFT, RIGHT, ROW, FOOT = 860, 290, 50, 24, 26
ROWS = 24
DAY_MS = 86_400_000
MARKS_MAX = 2000
"""Drawn in one row."""


def overview(alerts: Sequence[AlertEvent], span: tuple[int, int], say: Texts, zone: str) -> Markup:
    """The strip over the time `span` of the input; empty where there are no alerts."""
    if not alerts:
        return Markup("")
    rows: dict[tuple[str, str, str], list[AlertEvent]] = {}
    for event in alerts:
        rows.setdefault((event.outlet, event.factor or event.mn, event.rule), []).append(event)
    ranked = sorted(rows.items(), key=lambda item: (-len(item[1]), item[0]))[:ROWS]
    from_ms = min(span[0], *(event.start_ms for event in alerts))
    to_ms = max(span[1], *(event.start_ms for event in alerts), from_ms + DAY_MS)
    x = Axis(low=from_ms, high=to_ms, start=LEFT, end=WIDTH - RIGHT)
    height = ROW * len(ranked) + FOOT
    parts = [_row(n, key, events, x) for n, (key, events) in enumerate(ranked)]
    parts.append(_time(x, height - FOOT, zone))
    title = Markup('<title id="overview">{}</title>').format(say("replay_page.overview"))
    return Markup('<svg class="overview" viewBox="0 0 {} {}" role="img" aria-labelledby="overview">{}{}</svg>').format(
        WIDTH, height, title, Markup("").join(parts)
    )


def _row(n: int, key: tuple[str, str, str], events: list[AlertEvent], x: Axis) -> Markup:
    outlet, factor, rule = key
    middle = ROW * n + ROW / 2
    marks = "".join(f"M{x(e.start_ms):.1f} {middle - 7:g}v14" for e in events[:MARKS_MAX])
    return Markup(
        '<text class="row" x="{t}" y="{y}" dy=".32em">{outlet} · {factor} · {rule}</text>'
        '<path class="grid" d="M{l} {y}H{r}"/><path class="event" d="{marks}"/>'
        '<text class="count" x="{c}" y="{y}" dy=".32em">{count}</text>'
    ).format(
        t=0, y=middle, l=LEFT, r=WIDTH - RIGHT, marks=marks, outlet=_cut(outlet), factor=_cut(factor), rule=_cut(rule),
        c=WIDTH, count=len(events),
    )  # fmt: skip


def _time(x: Axis, top: float, zone: str) -> Markup:
    mark = Markup('<text class="time" x="{}" y="{}">{}</text>')
    marks = time_marks(int(x.low), int(x.high), zone)
    return Markup("").join(mark.format(f"{x(ms):.1f}", top + 17, label) for ms, label in marks)


def _cut(text: str) -> str:
    return text if len(text) <= 18 else text[:17] + "…"
