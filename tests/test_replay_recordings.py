"""The four recordings, judged by their mappings and counted independently with pandas."""

import numpy as np
import pandas as pd
import pytest

from tests.replay_world import RECORDINGS, recording, replayed

DAY_MS = 86_400_000


@pytest.fixture(scope="module")
def results():
    return {
        name: replayed(*recording(name))
        for name in ("bsm2_effluent", "effluent_hourly_cn", "river_waterflow", "canary_station_b")
    }


def ms_of(times):
    return (times - pd.Timestamp(0, tz="UTC")) // pd.Timedelta(milliseconds=1)


def test_bsm2_days_over_the_flow_weighted_limits_are_those_pandas_counts(results):
    table = pd.read_csv(RECORDINGS / "bsm2_effluent/bsm2_effluent_15min.csv.gz", parse_dates=["time"])
    day = table["time"].dt.tz_localize("Asia/Shanghai").dt.normalize()
    expected = {}
    for column, factor, ceiling in (
        ("nh4_n", "w21003", 4),
        ("TN", "w21001", 18),
        ("tss", "w01012", 30),
        ("COD", "w01018", 100),
        ("BOD5", "w01017", 10),
    ):
        mass, flow = (table[column] * table["flow_m3_d"]).groupby(day).sum(), table["flow_m3_d"].groupby(day).sum()
        mean = (mass / flow)[table.groupby(day).size() >= 0.75 * 96]
        expected |= {
            (factor, int(ms)): value
            for ms, value in zip(ms_of(mean.index.tz_convert("UTC")), mean, strict=True)
            if value > ceiling
        }
    found = {(a["factor"], a["start_ms"]): a["value"] for a in results["bsm2_effluent"]["alerts"]}
    assert found.keys() == expected.keys()
    assert len([key for key in found if key[0] == "w21003"]) == 9
    assert all(found[key] == pytest.approx(expected[key], abs=2e-6) for key in expected)


def test_bsm2_every_reading_is_accounted_for(results):
    assert (results["bsm2_effluent"]["readings"], results["bsm2_effluent"]["refused"]) == (34945 * 7, {})


def test_effluent_hours_and_days_over_the_assumed_limits_are_those_pandas_counts(results):
    table = pd.read_csv(RECORDINGS / "effluent_hourly_cn/monitor_hourly.csv", parse_dates=["monitorTime"]).dropna()
    at = table["monitorTime"].dt.tz_localize("Asia/Shanghai")
    hours = set(ms_of(at[table["monitorAvgValue"] > 15].dt.tz_convert("UTC")))
    days = table["monitorAvgValue"].groupby(at.dt.normalize()).agg(["mean", "size"])
    over = days[(days["size"] >= 18) & (days["mean"] > 5)]
    alerts = results["effluent_hourly_cn"]["alerts"]
    assert {a["start_ms"] for a in alerts if a["rule"] == "exceedance-hour"} == hours
    assert {a["start_ms"] for a in alerts if a["rule"] == "exceedance-day"} == set(ms_of(over.index.tz_convert("UTC")))
    assert all(a["unverified"] for a in alerts)


def test_effluent_blanks_are_counted_and_named(results):
    result = results["effluent_hourly_cn"]
    assert (result["readings"], result["refused"]) == (4561, {"blank": 18})
    assert result["examples"]["blank"][0].endswith("monitor_hourly.csv:101: monitorAvgValue: nothing: expected a number")


def test_river_hours_of_low_flow_and_silences_are_those_pandas_counts(results):
    table = pd.read_csv(RECORDINGS / "river_waterflow/water-flow.csv")
    at = pd.to_datetime(table["Time"], utc=True)
    low = set(ms_of(at[table["Water flow [l/s]"] < 60]))
    alerts = results["river_waterflow"]["alerts"]
    assert {a["start_ms"] for a in alerts if a["rule"] == "range-hour"} == low
    gaps = at[:-1][(at.diff().shift(-1) > pd.Timedelta(hours=1.5))[:-1]]
    silences = [a for a in alerts if a["rule"] == "silent"]
    assert {a["start_ms"] - 3_600_000 for a in silences} == set(ms_of(gaps))  # an hour is known when it has ended
    assert len(silences) == 10 and all(a["state"] == "returned" for a in silences)


def test_canary_operations_do_not_flood(results):
    result = results["canary_station_b"]
    assert result["refused"] == {"blank": 18}
    assert len(result["alerts"]) <= 20  # in fourteen weeks
    assert {(a["rule"], a["outlet"]) for a in result["alerts"]} == {("range-hour", "plant")}


@pytest.mark.parametrize(
    ("name", "batch", "partitions"),
    [("river_waterflow", 1, 3), ("river_waterflow", 7, 1), ("river_waterflow", 500, 8), ("effluent_hourly_cn", 500, 3)],
)
def test_one_hash_whatever_the_batch_and_the_partitions(results, name, batch, partitions):
    found = replayed(*recording(name), batch=batch, partitions=partitions)
    assert found["alerts_sha256"] == results[name]["alerts_sha256"]


def test_two_outlets_of_the_canary_file_may_be_judged_apart(results):
    found = replayed(*recording("canary_station_b"), batch=500, partitions=3)
    assert found["alerts_sha256"] == results["canary_station_b"]["alerts_sha256"]
    assert np.array(found["readings"]) == 43182
