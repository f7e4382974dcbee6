"""The board: what it knows of outlets, and that no state is told by colour alone."""

import io

import numpy as np
import pytest
from rich.cells import cell_len
from rich.console import Console

from engine.demo.board import LOOK, View, board, chosen
from engine.demo.rulebook import make_rulebook
from engine.demo.state import BoardState, Condition, OutletView
from engine.demo.story import START_MS
from engine.demo.tally import Tally
from engine.detect.facts import Facts
from rules.alert import AlertEvent, Step
from rules.rule import AlertClass, RuleKind
from sensors.field.district import make_district
from sensors.reading import Kind, ReadingBatch
from sensors.registry import series_no


def state(lang: str = "en") -> BoardState:
    registry = make_district(lang=lang).registry
    return BoardState(registry, make_rulebook(registry))


def facts(board_state: BoardState, offset: int, outlet: str, **values: float) -> Facts:
    """Minute values of an outlet, by factor code."""
    bindings = [board_state.registry.binding_no(outlet, code) for code in values]
    series = [series_no(b, Kind.MINUTE) for b in bindings if b is not None]
    n = len(series)
    batch = ReadingBatch(
        series=np.array(series, np.int32),
        device_ms=np.full(n, START_MS),
        value=np.array(list(values.values())),
        flag=np.ones(n, np.uint8),
        log_ms=np.full(n, START_MS),
    )
    return Facts(log_ms=START_MS, offset=offset, readings=batch, outcome=np.ones(n, np.uint8))


def event(outlet: str, step: Step, seq: int = 0, alert_class: AlertClass = AlertClass.LEGAL) -> AlertEvent:
    return AlertEvent(
        alert_id=f"{outlet}-{alert_class}",
        seq=seq,
        step=step,
        at_ms=START_MS,
        rule="r",
        kind=RuleKind.EXCEEDANCE,
        rule_version="v",
        alert_class=alert_class,
        severity=2,
        outlet=outlet,
        factor="a21026",
        start_ms=START_MS,
        end_ms=None,
    )


def view_of(board_state: BoardState, outlet: str) -> OutletView:
    return next(v for v in board_state.outlets() if v.outlet.id == outlet)


def drawn(board_state: BoardState, width: int = 120, height: int = 40, lang: str = "en") -> str:
    tally = Tally(
        now_ms=START_MS + 10 * 60_000,
        made=5,
        published=5,
        acknowledged=5,
        damaged=0,
        copies=0,
        back_filled=0,
        readings=9,
        copied_readings=0,
        ahead_readings=0,
    )
    view = View(lang=lang, width=width, height=height, tally=tally, started=True, in_log=5, waiting=3, hours=25.5, speed=900)
    console = Console(width=width, height=height, file=io.StringIO(), record=True)
    console.print(board(board_state, view))
    return console.export_text()


def test_an_outlet_shows_the_factor_nearest_to_its_limit() -> None:
    known = state()
    known.facts(facts(known, 0, "landai-w1", w01018=40.0, w21003=8.0))
    assert (view_of(known, "landai-w1").factor, view_of(known, "landai-w1").share) == ("w21003", 0.8)
    assert view_of(known, "landai-w1").condition is Condition.NORMAL
    assert view_of(known, "tinghe-w1").condition is Condition.UNHEARD


def test_a_stack_is_shown_at_its_reference_oxygen() -> None:
    known = state()
    known.facts(facts(known, 0, "suiyan-s1", a21026=50.0, a19001=11.0))
    assert view_of(known, "suiyan-s1").share == pytest.approx(50.0 * 15 / 10 / 100)


def test_a_record_that_comes_twice_counts_once() -> None:
    known = state()
    for _ in range(2):
        known.facts(facts(known, 0, "landai-w1", w01018=40.0))
    assert known.readings == 1 and known.outcomes.sum() == 1


def test_the_worst_open_alert_makes_the_condition_and_its_end_unmakes_it() -> None:
    known = state()
    known.events([event("suiyan-s1", Step.OPENED, alert_class=AlertClass.EARLY_WARNING), event("suiyan-s1", Step.OPENED)])
    assert view_of(known, "suiyan-s1").condition is Condition.LEGAL
    known.events([event("suiyan-s1", Step.RETURNED, seq=1)])
    assert view_of(known, "suiyan-s1").condition is Condition.EARLY_WARNING
    known.events([event("suiyan-s1", Step.RETURNED, seq=1)])
    assert known.steps[Step.RETURNED] == 1


def test_an_outlet_in_alert_shows_the_factor_of_its_alert() -> None:
    known = state()
    known.facts(facts(known, 0, "suiyan-s1", a21026=20.0, a21002=90.0, a19001=6.0))
    assert view_of(known, "suiyan-s1").factor == "a21002"
    known.events([event("suiyan-s1", Step.OPENED)])
    assert view_of(known, "suiyan-s1").factor == "a21026"


def test_every_condition_has_a_shape_of_its_own() -> None:
    shapes = [shape for shape, _ in LOOK.values()]
    assert set(LOOK) == set(Condition) and len(set(shapes)) == len(shapes)


def test_where_not_all_outlets_fit_those_in_trouble_stay() -> None:
    known = state()
    known.facts(facts(known, 0, "landai-w1", w01018=79.0))
    known.events([event("heating-s1", Step.OPENED)])
    views, left_out = chosen(known.outlets(), 2)
    assert [v.outlet.id for v in views] == ["landai-w1", "heating-s1"]
    assert left_out == 32


@pytest.mark.parametrize(("width", "height"), [(120, 40), (80, 24), (200, 60)])
def test_the_board_fits_its_terminal(width: int, height: int) -> None:
    lines = drawn(state(), width, height).rstrip("\n").split("\n")
    assert len(lines) <= height
    assert max(map(cell_len, lines)) <= width


@pytest.mark.parametrize(("lang", "words"), [("en", "Landai Dyeing outlet 1"), ("zh", "澜岱印染 废水1号")])
def test_the_board_speaks_both_languages(lang: str, words: str) -> None:
    assert words in drawn(state(lang), lang=lang)


def test_pages_are_shown_as_they_were_sent() -> None:
    known = state()
    known.page("→ Li Lan  Exceedance, severity 2")
    assert "→ Li Lan  Exceedance, severity 2" in drawn(known)
    assert "pages 1" in drawn(known, 160)
