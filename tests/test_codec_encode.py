"""Frames made are frames read: editions, answers, commands, values."""

import pytest

from sensors.hj212.edition import Edition
from sensors.hj212.encode import encode_answer, encode_command, encode_data, value_text
from sensors.hj212.frame import Verdict, cut
from sensors.hj212.header import read_frame
from sensors.reading import Flag
from tests.codec_world import NOW_MS, TEN_MS, WATER_MN, decode, told

MADE = [
    ("2005 data has neither QN nor Flag", Edition.Y2005, False, "ST=32;CN=2011;PW=123456;MN="),
    ("2017 data asks for an answer", Edition.Y2017, False, "QN=20240101100500000;ST=32;CN=2011;PW=123456;MN="),
    ("2025 data", Edition.Y2025, False, "QN=20240101100500000;ST=32;CN=2011;PW=123456;MN="),
    ("2025 data sent again", Edition.Y2025, True, "QN=20240101100500000;ST=32;CN=2011;PW=123456;MN="),
]


@pytest.mark.parametrize(("edition", "resend", "begin"), [m[1:] for m in MADE], ids=[m[0] for m in MADE])
def test_data_of_each_edition_is_valid_exact_and_read_back(edition: Edition, resend: bool, begin: str) -> None:
    items = [("w01018", {"Rtd": "38.6", "Flag": "T"})]
    made = encode_data(WATER_MN, 2011, TEN_MS, items, qn_ms=NOW_MS, edition=edition, resend=resend)
    found = cut(made)
    head = read_frame(found.frames[0].data, strict=True)
    assert [one.verdict for one in found.frames] == [Verdict.VALID]
    assert found.frames[0].data.startswith(begin.encode())
    assert (head.edition, head.resent) == (edition, resend)
    assert [(r.device_ms, r.value, r.flag) for r in told(decode(made))] == [(TEN_MS, 38.6, Flag.OVER_RANGE)]


def test_a_resend_mark_is_refused_where_the_edition_has_none() -> None:
    with pytest.raises(ValueError, match="RF is a field of the 2025 edition"):
        encode_data(WATER_MN, 2011, TEN_MS, [], qn_ms=NOW_MS, resend=True)


def test_an_item_that_fits_no_packet_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match="item 'w01018-Info=xxx"):
        encode_data(WATER_MN, 2011, TEN_MS, [("w01018", {"Info": "x" * 1000})], qn_ms=NOW_MS)


ANSWERS = [
    ("2005", Edition.Y2005, "ST=91;CN=9013;PW=123456;MN=88;Flag=0;CP=&&QN=20240101100500000&&"),
    ("2017", Edition.Y2017, "QN=20240101100500000;ST=91;CN=9013;PW=123456;MN=88;Flag=4;CP=&&&&"),
    ("2025", Edition.Y2025, "QN=20240101100500000;ST=91;CN=9013;PW=123456;MN=88;Flag=8;CP=&&&&"),
]


@pytest.mark.parametrize(("edition", "data"), [a[1:] for a in ANSWERS], ids=[a[0] for a in ANSWERS])
def test_an_answer_carries_the_qn_it_answers(edition: Edition, data: str) -> None:
    made = encode_answer(9013, mn="88", qn="20240101100500000", edition=edition)
    assert cut(made).frames[0].data.decode() == data
    read_frame(cut(made).frames[0].data, strict=True)


def test_a_command_with_two_times_is_read_back() -> None:
    fields = [("BeginTime", "20240101000000"), ("EndTime", "20240101120000")]
    made = encode_command(2061, mn="88", qn_ms=NOW_MS, fields=fields)
    head = read_frame(cut(made).frames[0].data, strict=True)
    assert (head.cn, head.area) == (2061, "BeginTime=20240101000000;EndTime=20240101120000")
    assert head.flag is not None
    assert head.flag.answer


VALUES = [
    ("w01018", 38.65, "38.6"),
    ("w01018", 38.75, "38.8"),
    ("w20117", 0.0005, "0.000"),
    ("w20117", 0.0015, "0.002"),
    ("w01012", 2.5, "2"),
    ("a34013", 3.5, "4"),
    ("no such factor", 1.23456, "1.2346"),
]


@pytest.mark.parametrize(("code", "value", "text"), VALUES, ids=[f"{code} {value}" for code, value, _ in VALUES])
def test_values_are_written_with_the_decimals_of_their_type_rounded_half_to_even(code: str, value: float, text: str) -> None:
    assert value_text(code, value) == text
