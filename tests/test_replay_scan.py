"""Numbers, times and words out of text: compiled code and plain Python say the same."""

import math
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.replay.scan.cells import CellState, cells_of
from engine.replay.scan.instants import TimeStyle, instant_of, instants, why_bad
from engine.replay.scan.numbers import NumberStyle, number_of, numbers, parse_numbers
from engine.replay.scan.words import NOTHING, Words
from engine.replay.scan.zone import utc_of_local

OK, BLANK, BAD = CellState.OK, CellState.BLANK, CellState.BAD
STYLE = NumberStyle(blanks=("", "NA", "--"), blank_numbers=(-9999.0,))


@pytest.mark.parametrize(
    ("text", "value", "state"),
    [
        pytest.param("12.50", 12.5, OK, id="a usual number"),
        pytest.param(" -0.3 ", -0.3, OK, id="blanks around it do not matter"),
        pytest.param("+7", 7.0, OK, id="a plus sign is no error"),
        pytest.param(".5", 0.5, OK, id="digits before the point may be missing"),
        pytest.param("1e-3", 0.001, OK, id="an exponent"),
        pytest.param("123456789012345678901", 123456789012345678901.0, OK, id="more digits than an integer holds"),
        pytest.param("1e400", 0.0, BAD, id="too large for a float"),
        pytest.param("", 0.0, BLANK, id="nothing"),
        pytest.param(None, 0.0, BLANK, id="no cell"),
        pytest.param("NA", 0.0, BLANK, id="a word for nothing, as the mapping says"),
        pytest.param("-9999.0", -9999.0, BLANK, id="a number for nothing, however it is written"),
        pytest.param("nan", 0.0, BAD, id="what Python takes for a number is none"),
        pytest.param("1_000", 0.0, BAD, id="an underscore"),
        pytest.param("1,5", 0.0, BAD, id="a comma, where the mapping says point"),
        pytest.param("７", 0.0, BAD, id="digits of another script"),
    ],
)
def test_what_is_a_number(text, value, state):
    values, states = numbers(cells_of([text]), STYLE)
    assert (values[0], states[0]) == (value, state)


@pytest.mark.parametrize(("text", "state"), [("1,5", OK), ("1.5", BAD), ("1.000,5", BAD), ("1", OK)])
def test_a_decimal_comma_leaves_no_room_for_a_point(text, state):
    assert numbers(cells_of([text]), NumberStyle(point=","))[1][0] == state


@given(st.floats(allow_nan=False, allow_infinity=False), st.sampled_from(["{!r}", "{:.3f}", "{:.17g}", "{:e}", "{:g}"]))
def test_a_number_is_read_exactly(value, form):
    text = form.format(value)
    found, state = numbers(cells_of([text]), NumberStyle())
    expected = float(text)
    assert state[0] == (OK if math.isfinite(expected) else BAD)
    assert found[0] == (expected if state[0] == OK else 0.0)


@given(st.lists(st.text(alphabet="0123456789+-.eE, n", max_size=24), max_size=8))
@settings(max_examples=300, deadline=None)
def test_compiled_numbers_are_those_of_plain_python(texts):
    value, state = numbers(cells_of(texts), STYLE)
    assert [(v, CellState(s)) for v, s in zip(value, state, strict=True)] == [number_of(t, STYLE) for t in texts]


def test_the_kernel_runs_uncompiled_too():
    cells = cells_of(["1.5", "x"])
    value, state = np.zeros(2), np.zeros(2, np.uint8)
    parse_numbers.py_func(cells.data, cells.start, cells.stop, cells.kind, ord("."), value, state)
    assert value[0] == 1.5 and state.tolist() == [CellState.OK, CellState.UNSURE]


NEW_YEAR = 1704067200000  # 2024-01-01 08:00 in Shanghai


@pytest.mark.parametrize(
    ("text", "form", "ms"),
    [
        pytest.param("2024-01-01 08:00:00", "iso", NEW_YEAR, id="local time in the mapping's zone"),
        pytest.param("2024/1/1 8:00", "iso", NEW_YEAR, id="slashes and short numbers"),
        pytest.param("2024-01-01T00:00:00Z", "iso", NEW_YEAR, id="UTC"),
        pytest.param("2024-01-01T01:00:00.250+01:00", "iso", NEW_YEAR + 250, id="an offset, and milliseconds"),
        pytest.param("2024-01-01 03:30 +0330", "iso", NEW_YEAR, id="an offset after a blank"),
        pytest.param("2024-01-02", "iso", NEW_YEAR + 16 * 3600_000, id="a day begins at local midnight"),
        pytest.param("20240101080000", "%Y%m%d%H%M%S", NEW_YEAR, id="HJ 212 style"),
        pytest.param("01/01/2024 08:00", "%m/%d/%Y %H:%M", NEW_YEAR, id="a pattern"),
        pytest.param("1 Jan 2024 08:00", "%d %b %Y %H:%M", NEW_YEAR, id="a pattern only Python knows"),
        pytest.param("1704067200", "epoch_s", NEW_YEAR, id="seconds"),
        pytest.param("1704067200000", "epoch_ms", NEW_YEAR, id="milliseconds"),
    ],
)
def test_what_is_a_time(text, form, ms):
    found, state = instants(cells_of([text]), TimeStyle(form=form))
    assert (found[0], state[0]) == (ms, OK)


@pytest.mark.parametrize(
    ("text", "form", "expected"),
    [
        pytest.param("2024-02-30 00:00", "iso", "a time such as", id="a day that no calendar has"),
        pytest.param("2024-01-01 24:00", "iso", "a time such as", id="an hour that no day has"),
        pytest.param("1704067200000", "epoch_s", "a year from 1990 to 2099", id="milliseconds taken for seconds"),
        pytest.param("1704067200", "epoch_ms", "a year from 1990 to 2099", id="seconds taken for milliseconds"),
        pytest.param("yesterday", "%Y", "a time like %Y", id="a word"),
    ],
)
def test_what_is_no_time_says_what_was_expected(text, form, expected):
    style = TimeStyle(form=form)
    assert instants(cells_of([text]), style)[1][0] == BAD
    assert expected in why_bad(text, style)


def test_a_local_time_that_happens_twice_or_never_is_refused():
    style = TimeStyle(zone="Europe/Rome")
    texts = ["2024-10-27 01:59", "2024-10-27 02:30", "2024-03-31 02:30", "2024-03-31 03:00"]
    ms, state = instants(cells_of(texts), style)
    assert state.tolist() == [OK, BAD, BAD, OK]
    assert ms[3] == int(datetime(2024, 3, 31, 1, tzinfo=UTC).timestamp()) * 1000
    assert "Europe/Rome has once" in why_bad(texts[1], style)


@given(st.datetimes(datetime(1990, 1, 2), datetime(2099, 12, 30)), st.sampled_from(["Asia/Shanghai", "Europe/Rome", "UTC"]))
def test_local_times_come_back(utc, zone):
    from zoneinfo import ZoneInfo

    at = utc.replace(microsecond=0, tzinfo=UTC)
    local = at.astimezone(ZoneInfo(zone)).replace(tzinfo=UTC)
    found, certain = utc_of_local(np.array([int(local.timestamp()) * 1000], np.int64), zone)
    assert not certain[0] or found[0] == int(at.timestamp()) * 1000


TIMES = st.builds(
    lambda at, form: at.strftime(form),
    st.datetimes(datetime(1980, 1, 1), datetime(2110, 1, 1)),
    st.sampled_from(
        ["%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%SZ", "%Y/%m/%d %H:%M", "%Y%m%d%H%M%S", "%Y-%m-%dT%H:%M:%S.%f+08:00"]
    ),
)


@given(
    st.lists(TIMES | st.text(alphabet="0123456789-/: TZ+.", max_size=26), max_size=6),
    st.sampled_from(["iso", "%Y%m%d%H%M%S", "%Y-%m-%d %H:%M:%S"]),
)
@settings(max_examples=300, deadline=None)
def test_compiled_times_are_those_of_plain_python(texts, form):
    style = TimeStyle(form=form, zone="Etc/GMT-8")
    ms, state = instants(cells_of(texts), style)
    for text, found, its_state in zip(texts, ms, state, strict=True):
        plain, local, plain_state = instant_of(text, style)
        plain -= 8 * 3600_000 if local else 0
        believed = plain_state == OK and 631152000000 <= plain < 4102444800000
        assert its_state == (BLANK if plain_state == BLANK else OK if believed else BAD)
        assert found == (plain if believed else 0)


@settings(deadline=None)
@given(st.lists(st.lists(st.sampled_from(["a", "b", "排口", "a" * 8, "a" * 9, "", None, "x" * 40]), max_size=9), max_size=5))
def test_a_word_keeps_its_number(columns):
    words = Words()
    for column in columns:
        found = words.numbers(cells_of(column))
        assert [None if n == NOTHING else words.texts[n] for n in found] == [w or None for w in column]
    assert len(set(words.texts)) == len(words.texts)


@settings(deadline=None)
@given(st.lists(st.lists(st.integers(-5, 40) | st.just(10**9), min_size=1, max_size=9), max_size=5))
def test_whole_numbers_are_words_too(columns):
    words = Words()
    for column in columns:
        found = words.whole_numbers(np.array(column, np.int64))
        assert [words.texts[n] for n in found] == [str(v) for v in column]


def test_many_words():
    words = Words()
    texts = [f"outlet-{n}" for n in range(5000)]
    assert words.numbers(cells_of([*texts, *texts])).tolist() == [*range(5000), *range(5000)]


def test_hours_of_a_zone_far_from_a_change_need_no_second_look():
    local = np.array([int((datetime(2024, 6, 1, tzinfo=UTC) + timedelta(hours=h)).timestamp()) * 1000 for h in range(48)])
    utc, certain = utc_of_local(local, "Europe/Rome")
    assert certain.all() and (local - utc == 2 * 3600_000).all()
