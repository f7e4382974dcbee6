"""The live board: outlets, stages and pages as one screen. State is never told by colour alone."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text as Line

from engine.demo.state import BoardState, Condition, OutletView
from engine.demo.story import START_MS, playing
from engine.demo.tally import Tally
from engine.demo.words import CONDITION, say
from rules.alert import Step
from sensors.factors import factor
from sensors.field.names import DISTRICT

LOOK = {
    Condition.UNHEARD: ("·", "dim"),
    Condition.NORMAL: ("●", "green"),
    Condition.INTEGRITY: ("✖", "magenta"),
    Condition.EARLY_WARNING: ("▲", "yellow"),
    Condition.LEGAL: ("■", "bold red"),
}
"""Shape and colour of each condition."""

BAR = 15
BAR_END = 1.5  # the bar shows 0 to one and a half times the limit
CELL = 58
FIXED_LINES = 10
PAGES_MIN = 4
SHORT = {"w21003": "NH3-N", "w21001": "TN", "w21011": "TP", "w01018": "COD", "a34013": "PM", "a24088": "NMHC"}


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """What is drawn besides the state: how wide, how far, how fast."""

    lang: str
    width: int
    height: int
    tally: Tally
    started: bool  # the field is connected
    in_log: int  # payloads
    waiting: int  # records of the log that a stage has not finished
    hours: float  # to be played
    speed: float


def board(state: BoardState, view: View) -> RenderableType:
    """One screen."""
    rows_for_outlets = max(4, view.height - FIXED_LINES - PAGES_MIN)
    columns = max(1, view.width // CELL)
    shown, left_out = chosen(state.outlets(), rows_for_outlets * columns)
    used = -(-len(shown) // columns)
    room = max(PAGES_MIN, view.height - FIXED_LINES - used)
    return Group(
        _head(view),
        *_scenes(view),
        Line(),
        _outlets(shown, columns, view),
        _legend(left_out, view.lang),
        Line(),
        *_stages(state, view),
        Line(f"{say('pages as they go out', view.lang)}", style="bold"),
        *_pages(list(state.pages)[-room:], view.lang),
    )


def chosen(views: Sequence[OutletView], places: int) -> tuple[list[OutletView], int]:
    """The outlets that fit, in their order, and how many do not: those nearest to trouble come first."""
    if len(views) <= places:
        return list(views), 0
    by_urgency = sorted(views, key=lambda v: (-v.condition, 0.0 if math.isnan(v.share) else -v.share))
    return sorted(by_urgency[:places], key=lambda v: v.number), len(views) - places


def bar(share: float) -> str:
    """Where a value stands between 0 and its limit, and beyond it; the limit is the upright stroke.

    >>> bar(0.5), bar(1.2), bar(9.0)
    ('─────●────│────', '──────────│●───', '──────────│───▶')
    """
    cells = ["─"] * BAR
    cells[round(BAR / BAR_END)] = "│"
    if not math.isnan(share):
        place = int(share / BAR_END * BAR)
        cells[min(place, BAR - 1)] = "●" if place < BAR else "▶"
    return "".join(cells)


def clock(at_ms: int) -> str:
    """Local date and time of the district."""
    return f"{datetime.fromtimestamp(at_ms / 1000, UTC) + timedelta(hours=8):%m-%d %H:%M}"


def short_name(enterprise: str) -> str:
    """The name of an enterprise without the district it is in.

    >>> short_name("Suiyan Power of Qingting"), short_name("青汀燧堰热电")
    ('Suiyan Power', '燧堰热电')
    """
    return enterprise.removesuffix(f" of {DISTRICT.en}").removeprefix(DISTRICT.zh[:2])


def _head(view: View) -> Line:
    part = min(1.0, (view.tally.now_ms - START_MS) / (view.hours * 3_600_000))
    done = round(part * 20)
    line = Line("Outfall demo", style="bold")
    line.append(f"  {DISTRICT.say(view.lang)}  {clock(view.tally.now_ms)}  ×{view.speed:g}  ", style="default")
    line.append("█" * done + "░" * (20 - done) + f" {part:.0%}", style="cyan")
    return line


def _scenes(view: View) -> list[Line]:
    scenes = playing(view.tally.now_ms)
    if not view.started:
        return [Line(f"♪ {say('starting', view.lang)}", style="dim"), Line()]
    if not scenes:
        return [Line(f"♪ {say('no scene', view.lang)}", style="dim"), Line()]
    if len(scenes) == 1:
        return [Line(f"♪ {scenes[0].title.say(view.lang)}", style="bold"), _cut(f"  {scenes[0].tells.say(view.lang)}")]
    return [_cut(f"♪ {s.title.say(view.lang)}: {s.tells.say(view.lang)}") for s in scenes[-2:]]


def _cut(text: str) -> Line:
    """One line, however long the text is."""
    return Line(text, no_wrap=True, overflow="ellipsis")


def _outlets(views: Sequence[OutletView], columns: int, view: View) -> Table:
    table = Table.grid(padding=(0, 2), expand=False)
    for _ in range(columns):
        table.add_column(no_wrap=True, width=CELL - 2, overflow="ellipsis")
    rows = -(-len(views) // columns)
    for row in range(rows):
        table.add_row(*(_cell(v) for v in views[row::rows]))
    return table


def _cell(view: OutletView) -> Line:
    shape, style = LOOK[view.condition]
    line = Line(f"{shape} {view.number:2d} ", style=style)
    name = Line(f"{short_name(view.enterprise)} {view.outlet.name}", style="default")
    name.truncate(CELL - 35, overflow="ellipsis", pad=True)
    line.append_text(name)
    line.append(f" {_factor_name(view.factor):5.5s} ", style="dim")
    line.append(bar(view.share), style=style)
    line.append("    -" if math.isnan(view.share) else f" {view.share:4.0%}", style=style)
    return line


def _factor_name(code: str) -> str:
    known = factor(code)
    return SHORT.get(code) or (known.name_en if known else code)


def _legend(left_out: int, lang: str) -> Line:
    line = Line(style="dim")
    for condition in reversed(Condition):
        shape, style = LOOK[condition]
        line.append(f"{shape} ", style=style).append(f"{CONDITION[condition].say(lang)}   ")
    if left_out:
        line.append(say("more", lang).format(n=left_out))
    return line


def _stages(state: BoardState, view: View) -> tuple[Line, Line]:
    """The way of the frames with the count at each stage; and what was refused, what waits."""
    stages = (
        ("sent", view.tally.made),
        ("acknowledged", view.tally.acknowledged),
        ("in log", view.in_log),
        ("decoded", state.counts["payload.decoded"]),
        ("readings", state.readings),
        ("alerts", state.steps[Step.OPENED]),
        ("pages", state.paged),
    )
    way = Line(no_wrap=True, overflow="ellipsis")
    for number, (word, count) in enumerate(stages):
        way.append(" → " if number else "", style="dim")
        way.append(f"{say(word, view.lang)} ", style="dim").append(f"{count:,}", style="bold")
    refused = Line(
        f"{say('refused', view.lang)} {sum(state.refused.values()):,}", style="yellow" if state.refused else "dim"
    )
    reasons = ", ".join(f"{reason} {count}" for reason, count in sorted(state.refused.items()))
    refused.append(f" ({reasons})" if reasons else "", style="dim")
    refused.append(f"   {view.waiting} {say('waiting', view.lang)}", style="dim")
    return way, refused


def _pages(pages: Sequence[str], lang: str) -> list[Line]:
    """The last pages, as they were sent."""
    if not pages:
        return [Line(say("none yet", lang), style="dim")]
    return [_cut(page) for page in pages]
