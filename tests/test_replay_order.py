"""What a recording may look like besides tidy: formats, orders, wrong cells, unknown names."""

import gzip
import random
from itertools import pairwise

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.replay import sorting
from engine.replay.order import OutOfOrderError, Timed, in_batches, with_log_time
from engine.replay.reader import Read
from engine.replay.refusals import EXAMPLES
from sensors.reading import ReadingBatch
from tests.replay_world import replayed, told, written

START = pd.Timestamp("2024-03-01", tz="Asia/Shanghai")
MAPPING = """
time: {column: t}
every: 10 min
outlet_column: site
factor_column: item
factors: {SO2: {factor: a21026, unit: mg/m3}, O2: a19001}
value_column: v
flag_column: f
flags: {ok: N, "": N}
limits: [{factor: a21026, averaging: hour, ceiling: 50}]
"""


def table(hours=30, seed=1):
    """Two sites, two factors, every 10 minutes; site b is over its limit for two hours."""
    rng = np.random.default_rng(seed)
    rows = []
    for step in range(hours * 6):
        at = START + pd.Timedelta(minutes=10 * step)
        for site in ("a", "b"):
            over = 30 if site == "b" and 60 <= step < 72 else 0
            rows.append((at, site, "SO2", round(30 + over + rng.normal(), 2), "ok"))
            rows.append((at, site, "O2", round(8 + rng.random(), 2), "M" if step % 50 == 0 else "ok"))
    return pd.DataFrame(rows, columns=["t", "site", "item", "v", "f"])


def csv_of(frame):
    return frame.assign(t=frame["t"].dt.strftime("%Y-%m-%d %H:%M:%S")).to_csv(index=False)


@pytest.fixture(scope="module")
def usual(tmp_path_factory):
    return replayed(*written(tmp_path_factory.mktemp("usual"), csv_of(table()), MAPPING))


def test_the_usual_file(usual):
    assert usual["readings"] == 30 * 6 * 4 and usual["refused"] == {}
    assert [(a["outlet"], a["start_ms"]) for a in usual["alerts"]] == [
        ("b", int((START + pd.Timedelta(hours=h)).timestamp() * 1000)) for h in (10, 11)
    ]


def test_json_lines_and_parquet_give_the_same_alerts(tmp_path, usual):
    frame = table()
    _, mapping = written(tmp_path, "", MAPPING)
    lines = tmp_path / "r.jsonl"
    frame.assign(t=frame["t"].map(lambda t: int(t.timestamp() * 1000))).to_json(
        lines, orient="records", lines=True, force_ascii=False
    )
    packed = tmp_path / "r.ndjson.gz"
    packed.write_bytes(gzip.compress(lines.read_bytes()))
    parquet, coded = tmp_path / "r.parquet", tmp_path / "coded.parquet"
    plain = pa.Table.from_pandas(frame, preserve_index=False)
    pq.write_table(plain, parquet)
    pq.write_table(
        plain.set_column(1, "site", plain["site"].dictionary_encode()).set_column(
            2, "item", plain["item"].dictionary_encode()
        ),
        coded,
    )
    for file in (lines, packed, parquet, coded):
        found = replayed(file, mapping)
        assert (found["alerts_sha256"], found["readings"]) == (usual["alerts_sha256"], usual["readings"]), file.name


PARQUET_TIMES = {
    "nanoseconds": pa.array([1_709_222_400_000_000_123], pa.timestamp("ns", "UTC")),
    "seconds without a zone": pa.array([1_709_251_200], pa.timestamp("s")),
    "a day": pa.array([19_783], pa.date32()),
    "milliseconds as a whole number": pa.array([1_709_222_400_000]),
    "text": pa.array(["2024-03-01 00:00:00"]),
}


@pytest.mark.parametrize("kind", PARQUET_TIMES)
def test_parquet_times_of_any_type(tmp_path, kind):
    file, mapping = written(tmp_path, "", "time: {column: t}\nevery: 1 h\noutlet: a\ncolumns: {v: w01018}\n", "r.parquet")
    pq.write_table(pa.table({"t": PARQUET_TIMES[kind], "v": pa.array([7.0])}), file)
    found = replayed(file, mapping)
    assert (found["readings"], found["from_ms"]) == (1, 1_709_222_400_000 + 3_600_000)


def test_parquet_cells_that_are_no_numbers_are_refused(tmp_path):
    import decimal

    mapping = "time: {column: t}\nevery: 1 h\noutlet_column: o\ncolumns: {v: w01018, w: w21003, x: w21001, y: w21011}\n"
    file, mapping_file = written(tmp_path, "", mapping, "r.parquet")
    columns = {
        "t": pa.array([1_709_222_400_000, None, 5]),
        "o": pa.array([[1], [2], None], pa.list_(pa.int64())),
        "v": pa.array([1.5, float("nan"), float("inf")]),
        "w": pa.array([decimal.Decimal("1.25"), None, decimal.Decimal("3.50")]),
        "x": pa.array([[1], [2], [3]]),
        "y": pa.array([True, False, None]),
    }
    pq.write_table(pa.table(columns), file)
    found = replayed(file, mapping_file)
    assert found["readings"] == 0 and sum(found["refused"].values()) == 12
    pq.write_table(pa.table({**columns, "o": pa.array(["a", "a", "a"])}), file)
    found = replayed(file, mapping_file)
    assert (found["readings"], found["refused"]) == (2, {"bad_time": 5, "bad_value": 2, "blank": 3})


def test_a_wide_file_gives_the_same_alerts(tmp_path, usual):
    frame = table()
    wide = frame.pivot_table(index="t", columns=["site", "item"], values="v")
    wide.columns = [f"{site}_{item}" for site, item in wide.columns]
    wide["flag"] = ["M" if n % 50 == 0 else "N" for n in range(len(wide))]
    text = (
        wide.reset_index().assign(t=lambda d: d["t"].dt.strftime("%d.%m.%Y %H.%M")).to_csv(index=False, sep=";", decimal=",")
    )
    mapping = """
time: {column: t, format: "%d.%m.%Y %H.%M"}
every: 10 min
csv: {delimiter: ";", decimal: ","}
columns:
  a_SO2: {factor: a21026, unit: mg/m3, outlet: a}
  b_SO2: {factor: a21026, unit: mg/m3, outlet: b}
  a_O2: {factor: a19001, flag_column: flag, outlet: a}
  b_O2: {factor: a19001, flag_column: flag, outlet: b}
limits: [{factor: a21026, averaging: hour, ceiling: 50}]
"""
    found = replayed(*written(tmp_path, text, mapping))
    assert found["alerts"] == usual["alerts"]


@pytest.mark.parametrize("order", ["shuffled", "by site", "backwards"])
def test_a_file_in_another_order_is_sorted_and_gives_the_same_alerts(tmp_path, usual, order):
    frame = table()
    if order == "shuffled":
        frame = frame.sample(frac=1, random_state=3)
    elif order == "by site":
        frame = frame.sort_values(["site", "item", "t"], kind="stable")
    else:
        frame = frame.iloc[::-1]
    found = replayed(*written(tmp_path, csv_of(frame), MAPPING))
    assert found["alerts_sha256"] == usual["alerts_sha256"]
    assert list(found["notes"]) == ["sorted"]


def test_a_row_from_the_far_future_harms_only_itself(tmp_path, usual):
    rows = csv_of(table()).splitlines()
    rows.insert(100, "2097-01-01 00:00:00,a,SO2,1.0,ok")
    found = replayed(*written(tmp_path, "\n".join(rows), MAPPING))
    assert found["alerts"] == usual["alerts"]
    assert found["readings"] == usual["readings"] + 1


def test_times_that_name_the_end_of_their_span(tmp_path, usual):
    frame = table()
    frame["t"] += pd.Timedelta(minutes=10)
    found = replayed(*written(tmp_path, csv_of(frame), MAPPING.replace("{column: t}", "{column: t, names: end}")))
    assert found["alerts_sha256"] == usual["alerts_sha256"]


def test_date_and_time_in_two_columns(tmp_path, usual):
    frame = table()
    frame.insert(0, "d", frame["t"].dt.strftime("%Y/%m/%d"))
    frame["t"] = frame["t"].dt.strftime("%H:%M")
    found = replayed(*written(tmp_path, frame.to_csv(index=False), MAPPING.replace("{column: t}", "{column: [d, t]}")))
    assert found["alerts_sha256"] == usual["alerts_sha256"]


WRONG = [
    ("soon,a,SO2,1,ok", "bad_time", "t: 'soon': expected a time such as 2024-01-31 08:00:00"),
    (",a,SO2,1,ok", "bad_time", "t: nothing: expected a time"),
    ("1970-01-01 00:00,a,SO2,1,ok", "bad_time", "expected a year from 1990 to 2099"),
    ("2024-03-01 00:00,a,SO2,high,ok", "bad_value", "v: 'high': expected a number"),
    ("2024-03-01 00:00,a,SO2,inf,ok", "bad_value", "v: 'inf': expected a number"),
    ("2024-03-01 00:00,a,SO2,,ok", "blank", "v: nothing: expected a number"),
    ("2024-03-01 00:00,,SO2,1,ok", "unknown_outlet", "site: nothing: expected one of the mapping's outlets"),
    ("2024-03-01 00:00,a,NO,1,ok", "unknown_factor", "item: 'NO': expected a factor of the mapping"),
    ("2024-03-01 00:00,a,SO2,1", "bad_row", "expected 5 cells, got 4"),
    ('2024-03-01 00:00,a,SO2,1,ok,"', "bad_row", "expected 5 cells, got 6"),
]


@pytest.mark.parametrize(("row", "reason", "detail"), WRONG, ids=[f"{reason}: {row}" for row, reason, _ in WRONG])
def test_a_wrong_row_is_refused_with_its_place_and_stops_nothing(tmp_path, usual, row, reason, detail):
    rows = csv_of(table()).splitlines()
    rows.insert(8, row)
    file, mapping = written(tmp_path, "\n".join(rows), MAPPING)
    found = replayed(file, mapping)
    assert found["refused"] == {reason: 1}
    assert found["readings"] == usual["readings"]
    assert found["alerts"] == usual["alerts"]
    (example,) = found["examples"][reason]
    assert example.startswith(f"{file}:9: ") and detail in example


def test_readings_in_are_readings_and_refused(tmp_path):
    rows = csv_of(table(hours=2)).splitlines()
    mixed = rows + [row for row, _, _ in WRONG[:-1]] * 20
    found = replayed(*written(tmp_path, "\n".join(mixed), MAPPING))
    assert found["readings"] + sum(found["refused"].values()) == len(mixed) - 1
    assert all(len(examples) <= EXAMPLES for examples in found["examples"].values())


def test_outlets_that_the_mapping_does_not_list_are_refused_once_it_lists_any(tmp_path):
    mapping = MAPPING + "outlets: {a: {id: stack-1, enterprise: works}}\n"
    found = replayed(*written(tmp_path, csv_of(table(hours=3)), mapping))
    assert found["readings"] == found["refused"]["unknown_outlet"] == 3 * 6 * 2


def test_codes_of_the_catalogue_need_no_list_of_factors(tmp_path):
    text = "t,site,item,v\n2024-03-01 00:00,a,a21026,1\n2024-03-01 00:00,a,a21002,1\n2024-03-01 00:00,a,soot,1\n"
    mapping = "time: {column: t}\nevery: 1 h\noutlet_column: site\nfactor_column: item\nvalue_column: v\n"
    found = replayed(*written(tmp_path, text, mapping))
    assert (found["readings"], found["refused"]) == (2, {"unknown_factor": 1})


def test_flags_nobody_knows_are_told(tmp_path):
    frame = table(hours=2)
    frame.loc[3, "f"] = "?!"
    found = replayed(*written(tmp_path, csv_of(frame), MAPPING))
    assert found["notes"] == {"unknown_flags": {"words": "?!"}}


def test_a_large_unsorted_file_is_merged_from_sorted_runs(tmp_path, usual, monkeypatch):
    monkeypatch.setattr(sorting.in_time_order, "__defaults__", (97,))
    monkeypatch.setattr(sorting, "MERGE_ROWS", 50)
    found = replayed(*written(tmp_path, csv_of(table().sample(frac=1, random_state=5)), MAPPING))
    assert found["alerts_sha256"] == usual["alerts_sha256"]


CADENCE = np.array([10_000, 60_000, 3_600_000, 86_400_000], np.int64)


def read(rows, at=0):
    """Readings from (series, device_ms) rows; the value tells the place in the file."""
    series, device = np.array(rows, np.int64).reshape(-1, 2).T
    count = len(series)
    return Read(
        series=series.astype(np.int32),
        device_ms=device,
        value=np.arange(at, at + count, dtype=np.float64),
        flag=np.ones(count, np.uint8),
        at=at,
    )


ROWS = st.lists(st.tuples(st.integers(0, 15), st.integers(0, 50).map(lambda n: n * 60_000)), max_size=60)


@given(ROWS, st.integers(1, 20), st.integers(1, 9))
@settings(max_examples=150, deadline=None)
def test_merged_runs_are_a_stable_sort(rows, run_rows, piece):
    pieces = [read(rows[n : n + piece], n) for n in range(0, len(rows), piece)]
    found = [v for part in sorting.in_time_order(pieces, CADENCE, run_rows) for v in part.value]
    known = [device + int(CADENCE[series % 4]) for series, device in rows]
    assert found == sorted(range(len(rows)), key=lambda n: known[n])


@given(st.lists(st.integers(0, 12), min_size=1, max_size=60), st.integers(1, 9), st.none() | st.integers(1, 20))
@settings(deadline=None)
def test_batches_end_between_log_times_and_keep_every_row(steps, piece, rows_min):
    log_ms = np.cumsum(np.array(steps) // 4)
    whole = ReadingBatch(
        series=np.arange(len(log_ms), dtype=np.int32),
        device_ms=log_ms,
        value=np.zeros(len(log_ms)),
        flag=np.ones(len(log_ms), np.uint8),
        log_ms=log_ms,
    )
    pieces = [Timed(readings=whole.take(slice(n, n + piece)), at=n) for n in range(0, len(log_ms), piece)]
    batches = [step.readings for step in in_batches(pieces, rows_min)]
    assert np.concatenate([b.series for b in batches]).tolist() == whole.series.tolist()
    assert all(a.log_ms[-1] < b.log_ms[0] for a, b in pairwise(batches))
    assert all(len(b) >= (rows_min or 1) for b in batches[:-1])


def test_a_small_disorder_is_taken_as_it_comes_a_large_one_is_told():
    minute = 60_000
    rows = [(0, n * minute) for n in (0, 1, 2, 5, 3, 4, 6)]
    (step,) = with_log_time([read(rows)], CADENCE, 10 * minute)
    assert (np.diff(step.readings.log_ms) >= 0).all()
    with pytest.raises(OutOfOrderError):
        list(with_log_time([read([*rows, (0, -5 * minute)])], CADENCE, 10 * minute))


def test_random_tidy_files_have_one_hash_in_any_cut(tmp_path):
    random.seed(4)
    file, mapping = written(tmp_path, csv_of(table(hours=26, seed=9)), MAPPING)
    hashes = {replayed(file, mapping, batch=random.choice([1, 7, 500]), partitions=p)["alerts_sha256"] for p in (1, 3, 8)}
    assert len(hashes) == 1


def test_nothing_at_all(tmp_path):
    found = replayed(*written(tmp_path, "t,site,item,v,f\n", MAPPING))
    assert (found["readings"], found["alerts"], told(found)) == (0, [], [])
