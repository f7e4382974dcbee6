"""Facts and alert events survive the log to the last bit."""

from dataclasses import fields, replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from engine.detect.facts import Facts, Verdicts
from engine.log.events_codec import decode_events, encode_events
from engine.log.facts_codec import READING_COLUMNS, VERDICT_COLUMNS, decode_facts, encode_facts, says_something
from rules.alert import Evidence
from sensors.frames import RecordDamaged
from sensors.reading import ReadingBatch
from sensors.refusal import Reason, Refusal
from tests.app_parts import event

refusals = st.builds(
    Refusal,
    reason=st.sampled_from(Reason),
    mn=st.text(max_size=5),
    detail=st.text(max_size=20),
    log_ms=st.integers(0, 1 << 50),
    row=st.integers(-1, 9),
    count=st.integers(0, 9),
)


def columns(types: dict[str, Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.integers(0, 5).flatmap(lambda n: st.fixed_dictionaries({k: npst.arrays(t, n) for k, t in types.items()}))


@st.composite
def facts_of(draw: st.DrawFn) -> Facts:
    readings = ReadingBatch(**draw(columns(READING_COLUMNS)))
    verdicts = draw(st.none() | columns(VERDICT_COLUMNS).map(lambda found: Verdicts(**found)))
    return Facts(
        log_ms=draw(st.integers(0, 1 << 50)),
        partition=draw(st.integers(0, 8)),
        offset=draw(st.integers(-1, 1 << 40)),
        readings=readings,
        outcome=draw(npst.arrays(np.uint8, len(readings))),
        verdicts=verdicts,
        refused=tuple(draw(st.lists(refusals, max_size=3))),
        counts=draw(st.dictionaries(st.text(max_size=4), st.integers(0, 1 << 40), max_size=3)),
    )


def same(one: Any, other: Any) -> bool:
    """Equal to the bit, NaN included."""
    if isinstance(one, np.ndarray):
        return one.dtype == other.dtype and one.tobytes() == other.tobytes()
    if isinstance(one, Facts | ReadingBatch | Verdicts):
        return all(same(getattr(one, f.name), getattr(other, f.name)) for f in fields(one))
    return bool(one == other)


@settings(max_examples=40, deadline=None)
@given(facts_of())
def test_facts_come_back_as_they_were(facts: Facts) -> None:
    assert same(decode_facts(encode_facts(facts)), facts)


def test_events_travel_with_facts_as_well_but_without_their_evidence() -> None:
    told = event("a", 1)
    facts = Facts(log_ms=1, events=(replace(told, evidence=Evidence(slot_ms=(1,), value=(2.0,), flag=(1,))),))
    assert says_something(facts)
    assert not says_something(Facts(log_ms=1))
    assert decode_facts(encode_facts(facts)).events == (replace(told, evidence=Evidence()),)


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False) | st.none(), max_size=5))
def test_events_come_back_as_they_were(values: list[float | None]) -> None:
    evidence = Evidence(slot_ms=tuple(range(len(values))), value=tuple(values), flag=(1,) * len(values))
    events = (replace(event("a", 1), evidence=evidence), event("b", 2))
    assert decode_events(encode_events(events)) == events


BROKEN = {
    "not facts at all": (decode_facts, b"abcd", "expected b'OFR1' first, got b'abcd'"),
    "facts that end early": (decode_facts, encode_facts(Facts(log_ms=1, counts={"a": 1}))[:-5], "facts of"),
    "facts with something behind them": (decode_facts, encode_facts(Facts(log_ms=1)) + b"x", "expected"),
    "not events at all": (decode_events, b"[1]", "alert events of 3 bytes"),
    "events that end early": (decode_events, encode_events([event("a", 1)])[:-5], "alert events of"),
}


@pytest.mark.parametrize(("decode", "body", "message"), BROKEN.values(), ids=BROKEN)
def test_other_bytes_are_damage(decode: Any, body: bytes, message: str) -> None:
    with pytest.raises(RecordDamaged, match=message):
        decode(body)
