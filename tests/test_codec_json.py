"""JSON v1: the examples of its specification, and what is refused of everything else."""

import re
from pathlib import Path

import orjson
import pytest

from sensors.reading import KINDS
from sensors.refusal import Reason
from tests.codec_world import GAS_MN, TEN_MS, WATER_MN, decode, told

SPECIFICATION = Path(__file__).parents[1] / "docs" / "json-v1.md"
EXAMPLE = re.compile(r"```json\n(.*?)```\n\n\|[^\n]*\n\|[-|]*\n((?:\|[^\n]*\n)+)", re.DOTALL)
EXAMPLES = EXAMPLE.findall(SPECIFICATION.read_text("utf-8"))


def test_every_example_of_the_specification_has_its_table() -> None:
    assert len(EXAMPLES) == SPECIFICATION.read_text("utf-8").count("```json") == 3


@pytest.mark.parametrize(("message", "table"), EXAMPLES)
def test_an_example_of_the_specification_gives_its_table(message: str, table: str) -> None:
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines()]
    decoded = decode(message.encode())
    readings = [[r.factor, r.kind.name, str(r.device_ms), f"{r.value:.10g}", r.flag.name] for r in told(decoded)]
    assert readings == [row for row in rows if row[1]]
    assert [refusal.reason for refusal in decoded.refused] == [row[0] for row in rows if not row[1]]


ONE = {"v": 1, "mn": WATER_MN, "kind": "minute", "time": TEN_MS, "readings": {"w01018": {"value": 1, "flag": "N"}}}
MANY = {"v": 1, "mn": WATER_MN, "kind": "minute", "times": [TEN_MS], "columns": {"w01018": {"values": [1]}}}


def one(**changed: object) -> bytes:
    """The first form with something changed."""
    return orjson.dumps({**ONE, **changed})


def many(**changed: object) -> bytes:
    """The second form with something changed."""
    return orjson.dumps({**MANY, **changed})


def test_both_forms_work_as_they_stand() -> None:
    assert [r.value for r in told(decode(b"  \n" + one(), many()))] == [1.0, 1.0]


HUNDRED: dict[str, object] = {f"w{n}": {} for n in range(100)}
MESSAGES = [
    ("text cut short", one()[:-1], Reason.BAD_JSON, "payload:"),
    ("NaN", one().replace(b":1,", b":NaN,"), Reason.BAD_JSON, "payload:"),
    ("an infinite number", one().replace(b'"value":1', b'"value":1e999'), Reason.BAD_JSON, "payload:"),
    ("a hundred thousand braces", b'{"a":' * 10_000, Reason.BAD_JSON, "payload:"),
    ("deep brackets in a value", one(readings={"w01018": {"value": [[[[{"a": 1}]]]]}}), Reason.BAD_JSON, "too deep"),
    ("a name given twice", one().replace(b'"v":1,', b'"v":1,"v":1,'), Reason.BAD_JSON, "given twice"),
    (
        "a factor given twice",
        one().replace(b'{"w01018"', b'{"w01018":{"value":2},"w01018"'), Reason.BAD_JSON, "given twice",
    ),
    ("another version", one(v=2), Reason.BAD_JSON, "v: expected 1, got '2'"),
    ("true for the version", one(v=True), Reason.BAD_JSON, "v: expected 1"),
    ("a misspelt name", one(flags="N"), Reason.BAD_JSON, "flags: expected one of kind, mn, readings, time, v"),
    ("no MN", orjson.dumps({k: v for k, v in ONE.items() if k != "mn"}), Reason.BAD_JSON, "mn: expected one, got none"),
    ("an MN that is a number", one(mn=88), Reason.BAD_JSON, "mn: expected a text"),
    ("a kind nobody knows", one(kind="week"), Reason.BAD_JSON, "kind: expected realtime, minute, hour, day, got 'week'"),
    ("readings that are a list", one(readings=[1]), Reason.BAD_JSON, "readings: expected an object, got list"),
    ("a bare value", one(readings={"w01018": 1}), Reason.BAD_JSON, "readings.w01018: expected an object, got '1'"),
    ("a reading without value", one(readings={"w01018": {}}), Reason.BAD_JSON, "readings.w01018.value: expected one"),
    ("a flag of two letters", one(readings={"w01018": {"value": 1, "flag": "NN"}}), Reason.BAD_JSON, "one letter"),
    ("a unit that is a number", one(readings={"w01018": {"value": 1, "unit": 3}}), Reason.BAD_JSON, "unit: expected a text"),
    ("a column too short", many(times=[TEN_MS, TEN_MS]), Reason.BAD_JSON, "values: expected a list of 2"),
    ("flags too long", many(columns={"w01018": {"values": [1], "flags": "NN"}}), Reason.BAD_JSON, "a text of 1"),
    ("times that are one time", many(times=TEN_MS), Reason.BAD_JSON, "times: expected a list"),
    ("a time without an offset", one(time="2024-01-01T10:00:00.000"), Reason.BAD_TIME, "RFC 3339 with an offset"),
    ("a day no calendar has", one(time="2024-02-30T10:00:00+08:00"), Reason.BAD_TIME, "got '2024-02-30"),
    ("a time that is true", one(time=True), Reason.BAD_TIME, "time: expected ms"),
    ("a time with a fraction", one(time=1.5), Reason.BAD_TIME, "time: expected ms"),
    ("the year 1970", one(time=0), Reason.BAD_TIME, "got '0'"),
    ("the year 30,000", one(time=900_000_000_000_000), Reason.BAD_TIME, "got '900000000000000'"),
    ("a time in a list", many(times=["soon"]), Reason.BAD_TIME, "times[0]"),
    ("another's MN", one(mn=GAS_MN), Reason.MN_NOT_LOGIN, "as in its login"),
    ("another's MN without a single reading", many(mn=GAS_MN, times=[], columns={}), Reason.MN_NOT_LOGIN, "as in its login"),
    ("10,100 readings", many(times=[TEN_MS] * 101, columns=HUNDRED), Reason.TOO_MANY_FACTORS, "at most 10000"),
]  # fmt: skip


@pytest.mark.parametrize(("payload", "reason", "says"), [m[1:] for m in MESSAGES], ids=[m[0] for m in MESSAGES])
def test_a_message_that_is_not_as_specified_is_refused_whole_and_says_where(
    payload: bytes, reason: Reason, says: str
) -> None:
    decoded = decode(payload)
    assert [refusal.reason for refusal in decoded.refused] == [reason]
    assert says in decoded.refused[0].detail
    assert len(decoded.readings) == 0
    assert decoded.counts["payload.refused"] == 1


VALUES = [("true", True), ("null", None), ("a list", [1]), ("a text", "1.5 mg/L"), ("an empty text", "")]


@pytest.mark.parametrize("value", [v[1] for v in VALUES], ids=[v[0] for v in VALUES])
def test_a_value_that_is_no_number_is_refused_alone(value: object) -> None:
    decoded = decode(one(readings={"w01018": {"value": value}, "w21003": {"value": 2}}))
    assert [r.factor for r in told(decoded)] == ["w21003"]
    assert [(r.reason, r.count) for r in decoded.refused] == [(Reason.BAD_VALUE, 1)]


def test_a_stated_unit_goes_before_that_of_the_binding() -> None:
    message = one(mn=GAS_MN, readings={"a21001": {"value": 5, "unit": "ug/m3"}, "a21026": {"value": 5}})
    decoded = decode(message, login=GAS_MN)
    assert [r.value for r in told(decoded)] == [0.005, 5.0]


def test_json_and_hj212_of_one_monitor_stand_in_the_order_of_their_payloads() -> None:
    decoded = decode(one(), many(), one())
    assert decoded.payload_row.tolist() == [0, 1, 2]
    assert set((decoded.readings.series % KINDS).tolist()) == {1}
