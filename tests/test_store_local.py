"""The local store: what stands of readings that come twice, late or corrected, before and after sealing."""

import shutil
from dataclasses import fields
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.detect.facts import Outcome, VerdictCode, Verdicts
from engine.store.local import LocalStore
from engine.store.reader import StoredReadings, open_reader
from engine.store.sqlite import StoreError, connect
from sensors.reading import Flag
from tests.store_cases import COD, DAY, HOUR, MINUTE, NAMES, NOON, SO2, Row, facts_of, verdict

N, D, F = Flag.NORMAL, Flag.FAULT, Flag.STOPPED
EVER = (0, NOON + 1000 * DAY)


def table(found: StoredReadings) -> list[tuple[int, float, int, int]]:
    """(device time after noon, value, flag, rev) of each reading."""
    columns = ((found.device_ms - NOON).tolist(), found.value.tolist(), found.flag.tolist(), found.rev.tolist())
    return list(zip(*columns, strict=True))


@pytest.fixture
def store(tmp_path: Path) -> LocalStore:
    return LocalStore(tmp_path, NAMES)


ONE_KEY = [
    ("one reading stands as it came", [(1.5, N, 10)], (1.5, N, 0)),
    ("the same again changes nothing", [(1.5, N, 10), (1.5, N, 20)], (1.5, N, 0)),
    ("a later other value takes its place and counts as a revision", [(1.5, N, 10), (2.5, N, 20)], (2.5, N, 1)),
    ("a fault does not take the place of a normal reading", [(1.5, N, 10), (9.9, D, 20)], (1.5, N, 0)),
    ("a normal reading takes the place of a fault", [(9.9, D, 10), (1.5, N, 20)], (1.5, N, 1)),
    ("a fault takes the place of another", [(9.9, D, 10), (8.8, F, 20)], (8.8, F, 1)),
    ("a record read again after a crash changes nothing", [(1.5, N, 10), (2.5, N, 20), (1.5, N, 10)], (2.5, N, 1)),
]


@pytest.mark.parametrize(("rows", "stands"), [case[1:] for case in ONE_KEY], ids=[case[0] for case in ONE_KEY])
@pytest.mark.parametrize("grouped", [False, True], ids=["a record each", "one record"])
@pytest.mark.parametrize("sealed_after", [0, 1, 9], ids=["sealed first", "sealed between", "never sealed"])
def test_of_readings_with_one_key_one_stands(
    store: LocalStore,
    rows: list[tuple[float, Flag, int]],
    stands: tuple[float, Flag, int],
    grouped: bool,
    sealed_after: int,
) -> None:
    readings: list[Row] = [(COD, NOON, value, flag, NOON + late) for value, flag, late in rows]
    facts = [facts_of(readings)] if grouped else [facts_of([r]) for r in readings]
    for n, one in enumerate(facts):
        assert store.write(one) is None
        if n == sealed_after:
            store.seal(NOON + 30 * DAY)
    assert table(store.read.readings(COD, *EVER)) == [(0, *stands)]


def test_in_one_record_the_last_normal_reading_of_a_key_stands_however_often_it_comes(store: LocalStore) -> None:
    same_time: list[Row] = [(COD, NOON, v, flag, NOON) for v, flag in ((1.0, N), (2.0, N), (7.0, D))]
    for _ in range(3):
        store.write(facts_of(same_time))
    assert table(store.read.readings(COD, *EVER)) == [(0, 2.0, N, 0)]


def test_refused_readings_are_no_readings(store: LocalStore) -> None:
    for n, outcome in enumerate((Outcome.FUTURE, Outcome.TOO_LATE, Outcome.UNJUDGED, Outcome.SUPERSEDED)):
        store.write(facts_of([(COD, NOON + n, float(n), N, NOON + n)], outcome=outcome))
    assert store.read.readings(COD, *EVER).value.tolist() == [2.0, 3.0]


def test_a_question_names_a_series_and_a_half_open_span(store: LocalStore) -> None:
    rows: list[Row] = [(s, NOON + n * MINUTE, float(n), N, NOON + n * MINUTE) for n in range(5) for s in (COD, SO2)]
    store.write(facts_of(rows))
    assert store.read.readings(SO2, NOON + MINUTE, NOON + 3 * MINUTE).value.tolist() == [1.0, 2.0]
    assert len(store.read.readings(SO2 + 1, *EVER)) == 0


def test_a_day_is_sealed_when_the_log_is_72_hours_past_its_end(store: LocalStore, tmp_path: Path) -> None:
    end_of_day = NOON + 12 * HOUR
    store.write(facts_of([(COD, NOON, 1.0, N, NOON), (SO2, end_of_day, 2.0, N, end_of_day)]))
    store.write(facts_of(log_ms=end_of_day + 72 * HOUR - 1))
    assert not list(tmp_path.rglob("*.parquet"))
    store.write(facts_of(log_ms=end_of_day + 73 * HOUR))
    assert [p.relative_to(tmp_path).as_posix() for p in tmp_path.rglob("*.parquet")] == ["sealed/reading/2026-03-01.parquet"]
    assert store.read.readings(COD, *EVER).value.tolist() == [1.0]
    assert store.read.readings(SO2, *EVER).value.tolist() == [2.0]


def test_a_sealed_file_can_be_read_alone(store: LocalStore, tmp_path: Path) -> None:
    store.write(facts_of([(SO2, NOON + 1, 2.0, N, NOON), (COD, NOON, 1.0, N, NOON), (SO2, NOON, 1.5, D, NOON)]))
    (done,) = store.seal(NOON + 30 * DAY)
    found = pq.read_table(done.path).select(["outlet", "factor", "kind", "device_ms", "value"]).to_pylist()
    assert [tuple(row.values()) for row in found] == [
        ("out 1", "w01018", "minute", NOON, 1.0),
        ("stack,2", "a21026", "minute", NOON, 1.5),
        ("stack,2", "a21026", "minute", NOON + 1, 2.0),
    ]


def test_late_data_to_a_sealed_day_is_merged_when_it_is_sealed_again(store: LocalStore, tmp_path: Path) -> None:
    store.write(facts_of([(COD, NOON + n * MINUTE, 1.0, N, NOON) for n in range(3)]))
    store.seal(NOON + 30 * DAY)
    store.write(facts_of([(COD, NOON + MINUTE, 5.0, N, NOON + HOUR), (COD, NOON - MINUTE, 4.0, N, NOON + HOUR)]))
    expected = [(-MINUTE, 4.0, N, 0), (0, 1.0, N, 0), (MINUTE, 5.0, N, 1), (2 * MINUTE, 1.0, N, 0)]
    assert table(store.read.readings(COD, *EVER)) == expected
    (again,) = store.seal(NOON + 30 * DAY)
    assert again.rows == 4
    assert table(store.read.readings(COD, *EVER)) == expected


def test_a_kill_between_renaming_and_deleting_doubles_nothing(store: LocalStore, tmp_path: Path) -> None:
    store.write(facts_of([(COD, NOON + n, float(n), N, NOON) for n in range(3)]))
    shutil.copy(tmp_path / "store.db", tmp_path / "before.db")
    shutil.copy(tmp_path / "store.db-wal", tmp_path / "before.db-wal")
    store.seal(NOON + 30 * DAY)
    store.close()
    for name in ("store.db", "store.db-wal"):
        shutil.copy(tmp_path / name.replace("store", "before"), tmp_path / name)
    with LocalStore(tmp_path, NAMES) as again:
        assert again.read.readings(COD, *EVER).value.tolist() == [0.0, 1.0, 2.0]
        (done,) = again.seal(NOON + 30 * DAY)
        assert done.rows == 3
        assert again.read.readings(COD, *EVER).rev.tolist() == [0, 0, 0]


def test_a_draft_left_by_a_dead_process_is_cleared(tmp_path: Path) -> None:
    draft = tmp_path / "sealed" / "reading" / "2026-03-01.draft"
    draft.parent.mkdir(parents=True)
    draft.write_bytes(b"half")
    LocalStore(tmp_path, NAMES).close()
    assert not draft.exists()


def test_verdicts_are_kept_by_window_and_revised_later_ones_stand(store: LocalStore, tmp_path: Path) -> None:
    hour = NOON - NOON % HOUR
    first = verdict(start_ms=hour, at_ms=hour + HOUR, value=None, code=VerdictCode.NOT_JUDGEABLE)
    later = verdict(start_ms=hour, at_ms=hour + 2 * HOUR, value=120.0, code=VerdictCode.EXCEEDED)
    for facts in (first, later, first):
        store.write(facts_of(verdicts=facts, log_ms=int(facts.at_ms[0])))
    for _ in ("in SQLite", "sealed"):
        found = store.read.verdicts(1, *EVER)
        assert (found.value.tolist(), found.code.tolist(), found.rev.tolist()) == ([120.0], [VerdictCode.EXCEEDED], [1])
        assert store.read.rule_ids()[int(found.rule[0])] == "gas-hour"
        done = store.seal(NOON + 30 * DAY)
    assert done == []
    (path,) = tmp_path.rglob("verdict/*.parquet")
    assert pq.read_table(path)["rule_id"].to_pylist() == ["gas-hour"]


def test_of_two_limits_of_one_rule_the_worse_verdict_of_a_window_is_kept(store: LocalStore) -> None:
    by_limit = [
        verdict(start_ms=NOON, at_ms=NOON + HOUR, value=v, code=c)
        for v, c in ((60.0, VerdictCode.EXCEEDED), (40.0, VerdictCode.NORMAL))
    ]
    both = Verdicts(**{f.name: np.concatenate([getattr(v, f.name) for v in by_limit]) for f in fields(Verdicts)})
    store.write(facts_of(verdicts=both, log_ms=NOON + HOUR))
    assert store.read.verdicts(1, *EVER).code.tolist() == [VerdictCode.EXCEEDED]


def test_a_verdict_without_a_value_stays_one(store: LocalStore) -> None:
    nothing = verdict(start_ms=NOON, at_ms=NOON + HOUR, value=None, code=VerdictCode.NOT_JUDGEABLE)
    store.write(facts_of(verdicts=nothing, log_ms=NOON + HOUR))
    store.seal(NOON + 30 * DAY)
    store.write(facts_of(verdicts=nothing, log_ms=NOON + HOUR))
    found = store.read.verdicts(1, *EVER)
    assert np.isnan(found.value).all()
    assert found.rev.tolist() == [0]


def test_a_reader_of_another_process_sees_what_was_committed(store: LocalStore, tmp_path: Path) -> None:
    reader = open_reader(tmp_path)
    assert len(reader.readings(COD, *EVER)) == 0
    store.write(facts_of([(COD, NOON, 1.0, N, NOON)]))
    assert len(reader.readings(COD, *EVER)) == 1
    assert reader.log_ms() == NOON
    reader.close()


def test_a_store_that_cannot_be_opened_says_which_and_why(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"store\.db: no such file; expected the store of a data directory"):
        open_reader(tmp_path)
    (tmp_path / "store.db").write_bytes(b"not a database, but long enough to be taken for one" * 100)
    with pytest.raises(StoreError, match=r"store\.db: file is not a database"):
        LocalStore(tmp_path, NAMES)
    with pytest.raises(StoreError, match="unable to open database file"):
        LocalStore(tmp_path / "missing", NAMES)


def test_a_store_of_a_newer_version_is_refused(tmp_path: Path) -> None:
    connect(tmp_path / "store.db", schema="CREATE TABLE t (a)", version=99).close()
    with pytest.raises(StoreError, match="made by another version of Outfall: schema 99, expected 1"):
        LocalStore(tmp_path, NAMES)


def test_a_full_disk_is_an_outcome_and_nothing_of_the_record_stays(store: LocalStore) -> None:
    store.write(facts_of([(COD, NOON, 1.0, N, NOON)]))
    pages = store._db.execute("PRAGMA page_count").fetchone()[0]
    store._db.execute(f"PRAGMA max_page_count = {pages}")
    big = facts_of([(COD, NOON + n, 1.0, N, NOON + 1) for n in range(50_000)])
    failed = store.write(big)
    assert failed is not None
    assert "store.db: database or disk is full; expected a disk that can be written" in failed.reason
    assert len(store.read.readings(COD, *EVER)) == 1
    store._db.execute("PRAGMA max_page_count = 4294967294")
    assert store.write(big) is None
    assert len(store.read.readings(COD, *EVER)) == 50_000


values = st.sampled_from([1.0, 2.0, 3.0])
events = st.lists(
    st.tuples(st.sampled_from([COD, SO2]), st.sampled_from([0, 1, 13 * HOUR]), values, st.sampled_from([N, N, D])),
    max_size=12,
)


@settings(max_examples=30, deadline=None)
@given(events=events, cuts=st.sets(st.integers(0, 11)), seals=st.sets(st.integers(0, 11)), again=st.integers(0, 11))
def test_what_stands_depends_neither_on_records_nor_on_sealing_nor_on_reading_again(
    tmp_path_factory: pytest.TempPathFactory,
    events: list[tuple[int, int, float, Flag]],
    cuts: set[int],
    seals: set[int],
    again: int,
) -> None:
    rows: list[Row] = [(s, NOON + t, v, f, NOON + n) for n, (s, t, v, f) in enumerate(events)]
    stands: dict[tuple[int, int], tuple[float, int]] = {}
    for series, device_ms, value, flag, _ in rows:
        held = stands.get((series, device_ms))
        if held is None or flag == N or held[1] != N:
            stands[series, device_ms] = (value, flag)
    with LocalStore(tmp_path_factory.mktemp("store"), NAMES) as store:
        start = 0
        for n in range(len(rows)):
            if n in cuts or n + 1 == len(rows):
                store.write(facts_of(rows[start : n + 1]))
                start = n + 1
            if n in seals:
                store.seal(NOON + 30 * DAY)
            if n == again:
                start = 0
        found = [store.read.readings(s, *EVER) for s in (COD, SO2)]
    kept = {
        (int(s), int(t)): (float(v), int(f))
        for one in found
        for s, t, v, f in zip(one.series, one.device_ms, one.value, one.flag, strict=True)
    }
    assert kept == stands
    assert sum(map(len, found)) == len(stands)
