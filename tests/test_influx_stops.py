"""What stops the InfluxDB sink until somebody changes something; its buckets, the bound on its series, its metrics."""

import time
from pathlib import Path

import pytest
from influxdb_client import Permission, PermissionResource

from engine.store.influx import InfluxStore
from engine.store.letters import Letter
from engine.store.reader import open_reader
from engine.store.reasons import SinkReason
from sensors.reading import Flag
from tests.influx_rig import held, minutes, settings_of, sink
from tests.servers import Influx
from tests.store_cases import COD, HOUR, MINUTE, NOON, SO2, facts_of

pytestmark = pytest.mark.real


def letters(folder: Path, reason: SinkReason = SinkReason.REFUSED) -> list[Letter]:
    return open_reader(folder).dead_letters(reason=reason.value)


def token_for(influx: Influx, *buckets: str) -> str:
    """A token that may write to these buckets (to all, where none is named), and nothing else."""
    with influx.client() as client:
        (org,) = client.organizations_api().find_organizations(org=influx.org)
        ids = [client.buckets_api().find_bucket_by_name(name).id for name in buckets] or [None]
        resources = [PermissionResource(type="buckets", id=one, org_id=org.id) for one in ids]
        permissions = [Permission(action="write", resource=resource) for resource in resources]
        return str(client.authorizations_api().create_authorization(org_id=org.id, permissions=permissions).token)


# 401, 403, 404: waits for somebody, loses nothing, goes on by itself


def test_a_wrong_token_stops_the_sink_until_its_file_holds_the_right_one(
    influx: Influx, bucket: str, tmp_path: Path
) -> None:
    file = tmp_path / "token"
    file.write_text("wrong\n")
    with sink(influx, bucket, tmp_path, token="wrong", token_file=file) as store:
        failed = store.write(facts_of(minutes(1)))
        assert failed is not None
        assert failed.after_s == 60
        assert "HTTP 401: unauthorized access" in store.stopped
        assert "expected a token that may write to an existing bucket" in failed.reason
        file.write_text(influx.token)
        assert store.write(facts_of(minutes(1))) is None
        assert store.stopped == ""
    assert held(influx, bucket) == [(NOON, 1.5)]
    assert letters(tmp_path) == []
    assert influx.token not in repr(settings_of(influx, bucket))


def test_a_token_without_the_right_to_the_bucket_stops_the_sink(influx: Influx, bucket: str, tmp_path: Path) -> None:
    with influx.fresh_bucket() as other, sink(influx, bucket, tmp_path, token=token_for(influx, other)) as store:
        assert store.write(facts_of(minutes(1))) is not None
        assert "HTTP 403: insufficient permissions for write" in store.stopped


def test_a_bucket_that_is_gone_stops_a_sink_that_may_only_write_until_it_is_back(influx: Influx, tmp_path: Path) -> None:
    with sink(influx, "not-yet-there", tmp_path, token=token_for(influx)) as store:
        assert store.write(facts_of(minutes(1))) is not None
        assert 'HTTP 404: bucket "not-yet-there" not found' in store.stopped
        assert open_reader(tmp_path).dead_letters() == []
        with influx.client() as client:
            made = client.buckets_api().create_bucket(bucket_name="not-yet-there", org=influx.org)
            assert store.write(facts_of(minutes(1))) is None
            assert held(influx, "not-yet-there") == [(NOON, 1.5)]
            client.buckets_api().delete_bucket(made)


# Buckets and series


def test_missing_buckets_are_made_with_what_they_keep(influx: Influx, prefix: str, tmp_path: Path) -> None:
    now_ms = time.time_ns() // 1_000_000
    with sink(influx, prefix, tmp_path, keep_days={"minute": 2, "verdict": 400}) as store, influx.client() as client:
        assert store.write(facts_of(minutes(1, start_ms=now_ms))) is None
        buckets = client.buckets_api().find_buckets(limit=100).buckets
        found = {one.name: one for one in buckets if one.name.startswith(prefix)}
        kept = {name: [rule.every_seconds for rule in one.retention_rules] for name, one in found.items()}
        assert kept == {prefix: [0], f"{prefix}_minute": [2 * 86_400], f"{prefix}_verdict": [400 * 86_400]}
        assert [len(held(influx, name)) for name in (prefix, f"{prefix}_minute")] == [0, 1]
        for one in found.values():
            client.buckets_api().delete_bucket(one)


def test_a_bucket_that_keeps_something_else_is_left_as_it_is_and_said(
    influx: Influx, bucket: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with influx.client() as client:
        mine = client.buckets_api().create_bucket(bucket_name=f"{bucket}_minute", org=influx.org)
        with sink(influx, bucket, tmp_path, keep_days={"minute": 2}) as store:
            assert store.write(facts_of(minutes(1))) is None
        client.buckets_api().delete_bucket(mine)
    assert f"{bucket}_minute keeps everything, store.influx.keep_days says 2 days; left as it is" in caplog.text


def test_series_beyond_the_bound_are_dead_letters_and_known_ones_go_on(
    influx: Influx, bucket: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with sink(influx, bucket, tmp_path, series_max=1) as store:
        assert store.write(facts_of([*minutes(1), (SO2, NOON, 9.0, Flag.NORMAL, NOON + HOUR)])) is None
        assert store.write(facts_of(minutes(2, log_ms=NOON + 2 * HOUR))) is None
    assert held(influx, bucket) == [(NOON, 1.5), (NOON + MINUTE, 1.5)]
    (letter,) = letters(tmp_path, SinkReason.SERIES_MAX)
    assert letter.detail == "expected at most 1 series (store.influx.series_max)"
    assert letter.sample is not None
    assert letter.sample.startswith(b"reading,factor=a21026,kind=minute,outlet=stack")
    assert "InfluxDB: 1 series of at most 1 (store.influx.series_max)" in caplog.text


# Metrics


def measured(store: InfluxStore) -> dict[str, float]:
    """Its metrics by name and label."""
    return {
        " ".join([metric.name.removeprefix("outfall_influx_"), *labels]): value for metric, labels, value in store.samples()
    }


def test_its_metrics_account_for_every_line(influx: Influx, bucket: str, tmp_path: Path) -> None:
    rows = [*minutes(5), (COD, NOON - MINUTE, float("inf"), Flag.NORMAL, NOON + HOUR), (SO2, NOON, 9.0, Flag.NORMAL, NOON)]
    with sink(influx, bucket, tmp_path, series_max=1) as store:
        assert store.write(facts_of(rows)) is None
        lines = {"lines_total stored": 5, "lines_total influx_refused": 1, "lines_total influx_series_max": 1}
        assert measured(store) == {**lines, "series": 1, "stopped": 0, "ill": 0}
    with sink(influx, bucket, tmp_path, token="wrong") as store:
        assert store.write(facts_of(rows)) is not None
        assert measured(store)["stopped"] == 1
