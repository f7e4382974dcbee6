"""The chart of one alert as SVG: readings used and left out, the window, the limit, the judged value, the helper below."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray

from engine.replay.report.axes import Axis, round_range, time_marks
from engine.replay.report.surroundings import Points, view_of
from engine.replay.show import number
from engine.texts import Texts
from rules.alert import AlertEvent
from sensors.reading import Flag

WIDTH, LEFT, RIGHT, TOP, PLOT, BELOW, GAP = 860, 56, 112, 16, 220, 70, 26
FOOT = 30  # for the labels of time
JOINED = 1.6
"""Neighbours further apart than so many times the usual distance are not joined: there is a gap."""

DOTS_MAX = 150
MANY = 40  # readings left out: their marks are smaller
"""With more readings than this the dots are small."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """What a chart is made of."""

    event: AlertEvent
    around: Points
    zone: str
    unit: str
    helper_label: str  # what the small plot below shows; "": none


def chart(shown: Shown, say: Texts, *, id_: str) -> Markup:
    """The chart; empty where the alert has no readings to draw."""
    event, evidence = shown.event, shown.event.evidence
    window = _held(evidence.slot_ms, evidence.value, evidence.flag)
    around = _outside(shown.around, event)
    if not len(window.ms) and not len(around.ms):
        return Markup("")
    from_ms, to_ms = view_of(event)
    helper = _helper(shown)
    height = TOP + PLOT + (GAP + BELOW if len(helper.ms) else 0) + FOOT
    x = Axis(low=from_ms, high=to_ms, start=LEFT, end=WIDTH - RIGHT)
    y, marks = _value_axis(shown, (window, around))
    bottom = height - FOOT
    parts = [
        _window(event, x, bottom, say),
        _grid(marks, y),
        _time(shown, x, bottom),
        _line(_both(window, around), x, y, "around"),
        _dots(around, x, y, "around"),
        _line(window, x, y, "used"),
        _dots(window, x, y, "used"),
        _left_out((window, around), x, y),
        _bounds(event, y, say, shown.unit),
        _judged(event, x, y, say),
        _below(shown, helper, x, bottom),
    ]
    title = say("replay_page.chart", factor=event.factor, outlet=event.outlet)
    return Markup('<svg viewBox="0 0 {w} {h}" role="img" aria-labelledby="{id}">{title}{parts}</svg>').format(
        w=WIDTH, h=height, id=id_, title=Markup('<title id="{}">{}</title>').format(id_, title), parts=Markup("").join(parts)
    )


def _held(slot_ms: Sequence[int], value: Sequence[float | None], flag: Sequence[int]) -> Points:
    """The slots that hold something."""
    rows = [n for n, v in enumerate(value) if v is not None]
    return Points(
        ms=np.array([slot_ms[n] for n in rows], np.int64),
        value=np.array([value[n] for n in rows], np.float64),
        flag=np.array([flag[n] for n in rows], np.uint8),
    )


def _helper(shown: Shown) -> Points:
    evidence = shown.event.evidence
    if not shown.helper_label:
        return _held((), (), ())
    return _held(evidence.slot_ms, evidence.helper, [Flag.NORMAL] * len(evidence.helper))


def _outside(points: Points, event: AlertEvent) -> Points:
    """Readings that the evidence does not have: those before and after the window, or all where it has none."""
    if not event.evidence.slot_ms:
        return points
    end_ms = event.end_ms if event.end_ms is not None else event.start_ms
    keep = (points.ms < event.start_ms) | (points.ms >= end_ms)
    return Points(ms=points.ms[keep], value=points.value[keep], flag=points.flag[keep])


def _value_axis(shown: Shown, drawn: Iterable[Points]) -> tuple[Axis, list[float]]:
    event = shown.event
    values = [float(v) for points in drawn if len(points.ms) for v in (points.value.min(), points.value.max())]
    values += [v for v in (event.ceiling, event.floor, event.value) if v is not None]
    low, high = min(values), max(values)
    margin = (high - low) * 0.06
    low, high, marks = round_range(0.0 if 0 <= low < 0.4 * high else low - margin, high + margin)
    return Axis(low=low, high=high, start=TOP + PLOT, end=TOP), marks


def _window(event: AlertEvent, x: Axis, bottom: float, say: Texts) -> Markup:
    end_ms = event.end_ms if event.end_ms is not None else event.start_ms
    left, right = x(event.start_ms), x(end_ms)
    return Markup('<rect class="window" x="{}" y="{}" width="{}" height="{}"><title>{}</title></rect>').format(
        _n(left), TOP, _n(max(right - left, 2)), _n(bottom - TOP), say("replay_page.legend.window")
    )


def _grid(marks: list[float], y: Axis) -> Markup:
    line = Markup('<path class="grid" d="M{l} {y}H{r}"/><text class="mark" x="{t}" y="{y}" dy=".32em">{label}</text>')
    return Markup("").join(
        line.format(l=LEFT, r=WIDTH - RIGHT, t=LEFT - 8, y=_n(y(mark)), label=number(mark)) for mark in marks
    )


def _time(shown: Shown, x: Axis, bottom: float) -> Markup:
    mark = Markup('<path class="tick" d="M{x} {b}v5"/><text class="time{day}" x="{x}" y="{t}">{label}</text>')
    marks = time_marks(int(x.low), int(x.high), shown.zone)
    return Markup('<path class="axis" d="M{} {}H{}"/>').format(LEFT, _n(bottom), WIDTH - RIGHT) + Markup("").join(
        mark.format(x=_n(x(ms)), b=_n(bottom), t=_n(bottom + 19), label=label, day=" day" if "-" in label else "")
        for ms, label in marks
    )


def _line(points: Points, x: Axis, y: Axis, name: str) -> Markup:
    """Normal readings, joined where none is missing between them."""
    reach = JOINED * float(np.median(np.diff(points.ms))) if len(points.ms) > 1 else 0.0
    steps, before = [], None
    for at, v in zip(*_of(points, points.flag == Flag.NORMAL), strict=True):
        joined = before is not None and at - before <= reach
        steps.append(f"{'L' if joined else 'M'}{_n(x(at))} {_n(y(v))}")
        before = at
    return Markup('<path class="line {}" d="{}"/>').format(name, "".join(steps)) if steps else Markup("")


def _dots(points: Points, x: Axis, y: Axis, name: str) -> Markup:
    """Normal readings, each a dot."""
    places = list(zip(*_of(points, points.flag == Flag.NORMAL), strict=True))
    size = " fine" if len(places) > DOTS_MAX else ""
    dots = "".join(f"M{_n(x(at))} {_n(y(v))}h0" for at, v in places)
    return Markup('<path class="dots {}{}" d="{}"/>').format(name, size, dots) if places else Markup("")


def _both(one: Points, other: Points) -> Points:
    """Two sets of readings as one, in time order."""
    ms = np.concatenate([one.ms, other.ms])
    order = np.argsort(ms, kind="stable")
    value, flag = np.concatenate([one.value, other.value]), np.concatenate([one.flag, other.flag])
    return Points(ms=ms[order], value=value[order], flag=flag[order])


def _left_out(drawn: Iterable[Points], x: Axis, y: Axis) -> Markup:
    """Readings that are there and do not count: hollow diamonds."""
    places = [place for points in drawn for place in zip(*_of(points, points.flag != Flag.NORMAL), strict=True)]
    size = 5 if len(places) < MANY else 3
    marks = [f"M{_n(x(at))} {_n(y(v) - size)}l{size} {size}l-{size} {size}l-{size} -{size}z" for at, v in places]
    return Markup('<path class="left-out" d="{}"/>').format("".join(marks)) if marks else Markup("")


def _of(points: Points, rows: NDArray[np.bool_]) -> tuple[list[int], list[float]]:
    return points.ms[rows].tolist(), points.value[rows].tolist()


def _bounds(event: AlertEvent, y: Axis, say: Texts, unit: str) -> Markup:
    found = Markup("")
    for key, bound in (("ceiling", event.ceiling), ("floor", event.floor)):
        if bound is not None:
            label = say(f"replay_page.{key}", value=f"{number(bound)} {unit}".strip())
            found += Markup(
                '<path class="limit" d="M{l} {y}H{r}"/><text class="limit" x="{t}" y="{y}" dy=".32em">{label}</text>'
            ).format(l=LEFT, r=WIDTH - RIGHT, t=WIDTH - RIGHT + 6, y=_n(y(bound)), label=label)
    return found


def _judged(event: AlertEvent, x: Axis, y: Axis, say: Texts) -> Markup:
    """The judged value, across the window it is the mean of."""
    if event.value is None or event.end_ms is None:
        return Markup("")
    left, right = x(event.start_ms), x(event.end_ms)
    return Markup(
        '<path class="judged" d="M{l} {y}H{r}"/><text class="judged" x="{m}" y="{t}">{label}</text>'
    ).format(
        l=_n(left), r=_n(right), y=_n(y(event.value)), m=_n((left + right) / 2), t=_n(y(event.value) - 8),
        label=number(event.value),
    )  # fmt: skip


def _below(shown: Shown, helper: Points, x: Axis, bottom: float) -> Markup:
    """The flow or the oxygen of the same slots."""
    if not len(helper.ms):
        return Markup("")
    top = bottom - BELOW
    _, high, marks = round_range(0.0, float(helper.value.max()) or 1.0, 2)
    y = Axis(low=0.0, high=high, start=bottom, end=top)
    label = Markup('<text class="mark" x="{}" y="{}" dy=".32em">{}</text>')
    labels = Markup("").join(label.format(LEFT - 8, _n(y(mark)), number(mark)) for mark in marks)
    name = Markup('<text class="name" x="{}" y="{}">{}</text>').format(LEFT, _n(top - 7), shown.helper_label)
    return labels + name + _line(helper, x, y, "helper")


def legend(say: Texts) -> Markup:
    """What the marks mean, once for the page."""
    marks = {
        "used": '<path class="line used" d="M2 9H30"/><path class="dots used" d="M16 9h0"/>',
        "left_out": '<path class="left-out" d="M16 4l5 5l-5 5l-5 -5z"/>',
        "around": '<path class="line around" d="M2 9H30"/><path class="dots around" d="M16 9h0"/>',
        "limit": '<path class="limit" d="M2 9H30"/>',
        "judged": '<path class="judged" d="M2 9H30"/>',
        "window": '<rect class="window" x="2" y="1" width="28" height="16"/>',
    }
    item = Markup('<li><svg viewBox="0 0 32 18" aria-hidden="true">{}</svg>{}</li>')
    return Markup("").join(item.format(Markup(m), say(f"replay_page.legend.{name}")) for name, m in marks.items())


def _n(place: float) -> str:
    """A place on the page with one decimal at the most.

    >>> _n(12.0), _n(12.345)
    ('12', '12.3')
    """
    return f"{place:.1f}".removesuffix(".0")

