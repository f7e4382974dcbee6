"""The InfluxDB sink: its lines, and what it makes of each answer of the server."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.detect.facts import Outcome, VerdictCode
from engine.log.record import Topic
from engine.stages import DeadLetter
from engine.store.influx import REFUSED, InfluxStore
from engine.store.influx_post import InfluxSettings
from engine.store.lines import lines_of, tag
from engine.store.reader import open_reader
from sensors.reading import Flag
from sensors.refusal import Reason, Refusal
from tests.influx_stand_in import BUCKET, ORG, TOKEN, InfluxDB, parse, running
from tests.store_cases import COD, HOUR, MINUTE, NAMES, NOON, SO2, Row, facts_of, verdict

N, D = Flag.NORMAL, Flag.FAULT


@pytest.fixture(scope="module")
def server() -> Iterator[InfluxDB]:
    with running() as db:
        yield db


@pytest.fixture
def influx(server: InfluxDB) -> InfluxDB:
    """The server, empty and well."""
    server.points.clear()
    server.requests.clear()
    server.oldest_ms, server.trouble = 0, []
    return server


def settings_of(influx: InfluxDB) -> InfluxSettings:
    return InfluxSettings(url=influx.url, token=TOKEN, org=ORG, bucket=BUCKET, lines_max=8)


@pytest.fixture
def store(influx: InfluxDB, tmp_path: Path) -> Iterator[InfluxStore]:
    store = InfluxStore(settings_of(influx), NAMES, tmp_path)
    yield store
    store.close()


def minutes(count: int, *, value: float = 1.5, log_ms: int = NOON + HOUR) -> list[Row]:
    return [(COD, NOON + n * MINUTE, value, N, log_ms) for n in range(count)]


def test_readings_as_lines() -> None:
    rows: list[Row] = [(COD, NOON, 12.5, N, NOON + 5), (SO2, NOON + 1, 1e-07, D, NOON + 5)]
    assert list(lines_of(facts_of(rows), NAMES)) == [
        f'reading,factor=w01018,kind=minute,outlet=out\\ 1 value=12.5,flag="N",rev=0i,recv={NOON + 5}i {NOON}',
        f'reading,factor=a21026,kind=minute,outlet=stack\\,2 value=1e-07,flag="D",rev=0i,recv={NOON + 5}i {NOON + 1}',
    ]


def test_a_corrected_reading_says_so_and_a_refused_one_is_no_line() -> None:
    assert "rev=1i" in next(lines_of(facts_of(minutes(1), outcome=Outcome.CORRECTED), NAMES))
    assert list(lines_of(facts_of(minutes(1), outcome=Outcome.FUTURE), NAMES)) == []


def test_verdicts_as_lines() -> None:
    found = [
        next(lines_of(facts_of(log_ms=1, verdicts=verdict(start_ms=NOON, at_ms=NOON + HOUR, value=v, code=c)), NAMES))
        for v, c in ((68.0, VerdictCode.EXCEEDED), (None, VerdictCode.NOT_JUDGEABLE))
    ]
    head, tail = "verdict,factor=a21026,outlet=stack\\,2,rule=gas-hour,window=hour ", f"recv={NOON + HOUR}i {NOON}"
    assert found == [
        f'{head}value=68.0,code="exceeded",valid=60i,due=60i,rev=0i,{tail}',
        f'{head}code="not_judgeable",valid=60i,due=60i,rev=0i,{tail}',
    ]


@settings(deadline=None)
@given(st.text(min_size=1), st.floats(allow_nan=False, allow_infinity=False))
def test_whatever_an_outlet_is_called_its_line_can_be_read(name: str, value: float) -> None:
    binding = replace(NAMES.registry.bindings[0], outlet="x" + name)
    names = replace(NAMES, registry=replace(NAMES.registry, bindings=(binding,)))
    line = next(lines_of(facts_of([(COD, NOON, value, N, NOON)]), names))
    point = parse(line)
    assert point is not None
    assert (point[1], point[2]["value"]) == (NOON, value)
    assert "\n" not in tag(name)


def test_a_series_the_registry_does_not_know_is_an_error_that_names_it() -> None:
    with pytest.raises(ValueError, match="series 9: expected one of the 2 bindings of the registry"):
        next(lines_of(facts_of([(9, NOON, 1.0, N, NOON)]), NAMES))


def test_points_are_written_in_batches_and_written_twice_they_are_once(store: InfluxStore, influx: InfluxDB) -> None:
    facts = facts_of(minutes(20))
    for _ in range(2):
        assert store.write(facts) is None
    assert influx.requests == [8, 8, 4] * 2
    assert len(influx.points) == 20


TROUBLE = [
    ("too many requests", [429]),
    ("a server in trouble", [500]),
    ("a proxy without a server", [502]),
    ("trouble in the second batch", [None, 503]),
]


@pytest.mark.parametrize("statuses", [t[1] for t in TROUBLE], ids=[t[0] for t in TROUBLE])
def test_trouble_is_waited_for_and_nothing_is_lost(store: InfluxStore, influx: InfluxDB, statuses: list[int | None]) -> None:
    influx.trouble = list(statuses)
    facts = facts_of(minutes(20))
    failed = store.write(facts)
    assert failed is not None
    assert f"bucket outfall: HTTP {statuses[-1]}: in trouble; readings wait in the log" in failed.reason
    assert store.write(facts) is None
    assert len(influx.points) == 20


def test_the_wait_grows_to_a_minute_and_begins_anew_after_a_success(store: InfluxStore, influx: InfluxDB) -> None:
    def waits(tries: int) -> list[float]:
        influx.trouble = [503] * tries
        found = [store.write(facts_of(minutes(1))) for _ in range(tries)]
        return [retry.after_s for retry in found if retry is not None]

    assert waits(9) == [1, 2, 4, 8, 16, 32, 60, 60, 60]
    assert store.write(facts_of(minutes(1))) is None
    assert waits(1) == [1]


def test_a_server_that_is_not_there_is_waited_for(influx: InfluxDB, tmp_path: Path) -> None:
    gone = replace(settings_of(influx), url="http://127.0.0.1:9", timeout_s=1.0)
    store = InfluxStore(gone, NAMES, tmp_path)
    failed = store.write(facts_of(minutes(1)))
    store.close()
    assert failed is not None
    assert "InfluxDB http://127.0.0.1:9 bucket outfall: NewConnectionError" in failed.reason


STOPS = [
    ("a wrong token", {"token": "wrong"}, "HTTP 401: unauthorized access"),
    ("an unknown bucket", {"bucket": "elsewhere"}, "HTTP 404: bucket"),
]


@pytest.mark.parametrize(("changes", "words"), [s[1:] for s in STOPS], ids=[s[0] for s in STOPS])
def test_what_somebody_must_change_stops_the_sink_with_its_words_and_loses_nothing(
    influx: InfluxDB, tmp_path: Path, changes: dict[str, str], words: str
) -> None:
    store = InfluxStore(replace(settings_of(influx), **changes), NAMES, tmp_path)  # type: ignore[arg-type]
    failed = store.write(facts_of(minutes(1)))
    store.close()
    assert failed is not None
    assert words in store.stopped
    assert "expected a token that may write to an existing bucket" in failed.reason
    assert failed.after_s == 60
    assert TOKEN not in repr(settings_of(influx))


def test_lines_beyond_retention_are_dead_letters_and_the_others_are_stored(
    store: InfluxStore, influx: InfluxDB, tmp_path: Path
) -> None:
    influx.oldest_ms = NOON + 3 * MINUTE
    for _ in range(2):
        assert store.write(facts_of(minutes(20))) is None
    assert len(influx.points) == 17
    (letter,) = open_reader(tmp_path).dead_letters(reason=REFUSED)
    assert letter.count == 3
    assert letter.detail.startswith("HTTP 422: failure writing points to database: partial write")
    assert letter.sample is not None
    assert letter.sample.startswith(b"reading,factor=w01018")


def test_a_batch_that_is_refused_as_a_whole_is_not_halved(store: InfluxStore, influx: InfluxDB) -> None:
    influx.oldest_ms = NOON + HOUR
    assert store.write(facts_of(minutes(8))) is None
    assert influx.requests == [8]


def test_one_malformed_line_is_found_and_the_others_are_stored(store: InfluxStore, influx: InfluxDB, tmp_path: Path) -> None:
    rows = minutes(8)
    rows[5] = (COD, NOON + 5 * MINUTE, float("inf"), N, NOON + HOUR)  # never made by the decoder
    assert store.write(facts_of(rows)) is None
    assert len(influx.points) == 7
    (letter,) = open_reader(tmp_path).dead_letters(reason=REFUSED)
    assert letter.detail.startswith("HTTP 400: unable to parse 'reading,factor=w01018")


def test_trouble_in_the_midst_of_halving_is_waited_for(store: InfluxStore, influx: InfluxDB, tmp_path: Path) -> None:
    influx.oldest_ms = NOON + 2 * MINUTE
    facts = facts_of(minutes(8))
    influx.trouble = [422, 503]
    assert store.write(facts) is not None
    assert open_reader(tmp_path).dead_letters() == []
    assert store.write(facts) is None
    assert len(influx.points) == 6


def test_refusals_of_the_judge_and_of_other_stages_are_kept_beside_it(store: InfluxStore, tmp_path: Path) -> None:
    refusal = Refusal(reason=Reason.BAD_CRC, mn="M1", detail="crc", log_ms=NOON)
    for _ in range(2):
        store.write(facts_of(log_ms=NOON, refused=[refusal]))
    letter = DeadLetter(
        stage="duty", topic=Topic.ALERTS, partition=0, offset=1, log_ms=NOON, detail="not an event", body=b"x"
    )
    assert store.refuse(letter) is None
    reader = open_reader(tmp_path)
    assert reader.refusal_counts() == {"bad_crc": 1}
    assert [record.stage for record in reader.refused_records()] == ["duty"]
