"""The InfluxDB sink on a real server: what it writes, and what it makes of each answer."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from influxdb_client import BucketRetentionRules
from influxdb_client.client.write_api import SYNCHRONOUS

from engine.cli.main import run
from engine.detect.facts import Facts
from engine.log.record import Topic
from engine.stages import DeadLetter
from engine.store.influx import InfluxStore
from engine.store.letters import Letter
from engine.store.reader import open_reader
from engine.store.reasons import SinkReason
from sensors.reading import Flag
from sensors.refusal import Reason, Refusal
from tests.influx_proxy import Proxy, in_front_of
from tests.influx_rig import held, minutes, sink
from tests.servers import Influx
from tests.store_cases import COD, DAY, HOUR, MINUTE, NOON, facts_of

pytestmark = pytest.mark.real


@pytest.fixture
def store(influx: Influx, bucket: str, tmp_path: Path) -> Iterator[InfluxStore]:
    with sink(influx, bucket, tmp_path) as store:
        yield store


@pytest.fixture
def proxy(influx: Influx) -> Iterator[Proxy]:
    with in_front_of(influx.url) as proxy:
        yield proxy


def letters(folder: Path, reason: SinkReason = SinkReason.REFUSED) -> list[Letter]:
    return open_reader(folder).dead_letters(reason=reason.value)


def test_points_are_written_in_batches_and_written_twice_they_are_once(
    influx: Influx, bucket: str, proxy: Proxy, tmp_path: Path
) -> None:
    with sink(influx, bucket, tmp_path, url=proxy.url) as store:
        for _ in range(2):
            assert store.write(facts_of(minutes(20))) is None
    assert proxy.writes == [8, 8, 4] * 2
    assert held(influx, bucket) == [(NOON + n * MINUTE, 1.5) for n in range(20)]


def test_a_corrected_value_takes_the_place_of_the_first(store: InfluxStore, influx: Influx, bucket: str) -> None:
    store.write(facts_of(minutes(1, value=1.5)))
    store.write(facts_of(minutes(1, value=2.5, log_ms=NOON + 2 * HOUR)))
    assert held(influx, bucket) == [(NOON, 2.5)]


# 400 and 422: exactly the offending lines are dead letters


def test_one_malformed_line_is_found_and_the_others_are_stored(
    store: InfluxStore, influx: Influx, bucket: str, tmp_path: Path
) -> None:
    rows = minutes(20)
    rows[13] = (COD, NOON + 13 * MINUTE, float("inf"), Flag.NORMAL, NOON + HOUR)  # never made by the decoder
    for _ in range(2):
        assert store.write(facts_of(rows)) is None
    assert held(influx, bucket) == [(NOON + n * MINUTE, 1.5) for n in range(20) if n != 13]
    (letter,) = letters(tmp_path)
    assert letter.count == 1
    assert letter.detail.startswith("HTTP 400: unable to parse 'reading,factor=w01018")
    assert letter.sample is not None
    assert b"value=inf" in letter.sample


def test_lines_beyond_retention_are_dead_letters_and_the_others_are_stored(influx: Influx, tmp_path: Path) -> None:
    now_ms = time.time_ns() // 1_000_000
    old, new = minutes(3, start_ms=now_ms - 3 * HOUR), minutes(17, start_ms=now_ms - 30 * MINUTE)
    with influx.client() as client:
        hour = [BucketRetentionRules(type="expire", every_seconds=3600)]
        made = client.buckets_api().create_bucket(bucket_name="an-hour", org=influx.org, retention_rules=hour)
        with sink(influx, "an-hour", tmp_path) as store:
            assert store.write(facts_of([*old, *new])) is None
        assert held(influx, "an-hour") == [(row[1], 1.5) for row in new]
        client.buckets_api().delete_bucket(made)
    found = letters(tmp_path)
    assert sum(letter.count for letter in found) == 3
    assert all("HTTP 422: " in one.detail and "retention policy" in one.detail for one in found)


def test_a_conflict_of_types_costs_the_lines_of_that_week_only(influx: Influx, bucket: str, tmp_path: Path) -> None:
    with influx.client() as client:
        line = f'reading,outlet=other value="a text" {NOON}'
        client.write_api(write_options=SYNCHRONOUS).write(bucket, record=line, write_precision="ms")
    later = minutes(5, start_ms=NOON + 30 * DAY)
    with sink(influx, bucket, tmp_path) as store:
        assert store.write(facts_of([*minutes(2), *later])) is None
    assert held(influx, bucket) == [(row[1], 1.5) for row in later]
    found = letters(tmp_path)
    assert sum(letter.count for letter in found) == 2
    assert all("field type conflict" in letter.detail for letter in found)


def test_a_batch_that_is_refused_as_a_whole_is_not_halved(influx: Influx, bucket: str, proxy: Proxy, tmp_path: Path) -> None:
    with influx.client() as client:
        client.write_api(write_options=SYNCHRONOUS).write(bucket, record=f'reading value="a" {NOON}', write_precision="ms")
    with sink(influx, bucket, tmp_path, url=proxy.url) as store:
        assert store.write(facts_of(minutes(8))) is None
    assert proxy.writes == [8]
    assert sum(letter.count for letter in letters(tmp_path)) == 8


# 429, 5xx, no answer: waits for ever


def test_a_server_that_was_killed_is_waited_for_and_nothing_is_lost(tmp_path: Path) -> None:
    with Influx.running() as influx, influx.fresh_bucket() as bucket, sink(influx, bucket, tmp_path) as store:
        assert store.write(facts_of(minutes(10))) is None
        influx.kill()
        failed = store.write(facts_of(minutes(20)))
        assert failed is not None
        assert f"InfluxDB {influx.url} bucket {bucket}: " in failed.reason
        assert failed.reason.endswith("readings wait in the log")
        influx.start()
        assert store.write(facts_of(minutes(20))) is None
        assert len(held(influx, bucket)) == 20


def test_a_server_that_does_not_answer_is_waited_for(influx: Influx, bucket: str, tmp_path: Path) -> None:
    with sink(influx, bucket, tmp_path, timeout_s=0.3) as store:
        influx.freeze()
        try:
            failed = store.write(facts_of(minutes(20)))
        finally:
            influx.thaw()
        assert failed is not None
        assert "timed out" in failed.reason
    with sink(influx, bucket, tmp_path) as patient:
        assert patient.write(facts_of(minutes(20))) is None
    assert len(held(influx, bucket)) == 20


def test_a_server_that_asks_for_patience_gets_it(influx: Influx, bucket: str, proxy: Proxy, tmp_path: Path) -> None:
    with sink(influx, bucket, tmp_path, url=proxy.url) as store:
        proxy.trouble = [(429, {"Retry-After": "7"}), (503, {})]
        waits = [store.write(facts_of(minutes(20))) for _ in range(3)]
    assert [wait and wait.after_s for wait in waits] == [7, 2, None]
    assert len(held(influx, bucket)) == 20


def test_the_wait_grows_to_a_minute_and_begins_anew_after_a_success(
    influx: Influx, bucket: str, proxy: Proxy, tmp_path: Path
) -> None:
    with sink(influx, bucket, tmp_path, url=proxy.url) as store:

        def waits(tries: int) -> list[float]:
            proxy.trouble = [(503, {})] * tries
            found = [store.write(facts_of(minutes(1))) for _ in range(tries)]
            return [retry.after_s for retry in found if retry is not None]

        assert waits(9) == [1, 2, 4, 8, 16, 32, 60, 60, 60]
        assert store.write(facts_of(minutes(1))) is None
        assert waits(1) == [1]


# A 500 that stays: the server, or a line?

FULL = [
    "--storage-cache-max-memory-size=200",
    "--storage-cache-snapshot-memory-size=100000000",
    "--storage-cache-snapshot-write-cold-duration=1h",
]
"""A real 500 for every write, as after a full disk: its memory for writes is full and never emptied."""


def attempts(store: InfluxStore, facts: Facts, most: int) -> tuple[list[str], bool]:
    """Why it failed each time, and whether it was taken in the end."""
    reasons = []
    for _ in range(most):
        failed = store.write(facts)
        if failed is None:
            return reasons, True
        reasons.append(failed.reason)
    return reasons, False


def test_a_server_that_refuses_even_a_probe_is_ill_and_its_restart_is_asked_for(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with (
        Influx.running(flags=FULL) as influx,
        influx.fresh_bucket() as bucket,
        sink(influx, bucket, tmp_path, lines_max=5000) as store,
    ):
        reasons, taken = attempts(store, facts_of(minutes(20)), 6)
        assert not taken
        said = "HTTP 500: unexpected error writing points to database: engine: cache-max-memory-size exceeded"
        assert said in reasons[0]
        assert reasons[2].endswith("readings wait in the log")
        advice = "it refuses even a probe point: if its disk was full, make room and restart InfluxDB"
        assert reasons[3].endswith(advice)
        assert caplog.text.count(advice) == 1
        assert letters(tmp_path) == []


def test_a_line_that_is_answered_500_while_others_are_taken_is_a_dead_letter(
    influx: Influx, bucket: str, proxy: Proxy, tmp_path: Path
) -> None:
    proxy.poison = lambda lines: b"value=66.6" in lines
    rows = minutes(8)
    rows[5] = (COD, NOON + 5 * MINUTE, 66.6, Flag.NORMAL, NOON + HOUR)
    with sink(influx, bucket, tmp_path, url=proxy.url) as store:
        reasons, taken = attempts(store, facts_of(rows), 5)
    assert taken
    assert len(reasons) == 3
    assert held(influx, bucket) == [(NOON + n * MINUTE, 1.5) for n in range(8) if n != 5]
    (letter,) = letters(tmp_path)
    assert letter.detail == "HTTP 500: said by the proxy"
    assert letter.sample is not None
    assert b"value=66.6" in letter.sample


def test_a_shard_that_stays_closed_costs_no_line(influx: Influx, bucket: str, proxy: Proxy, tmp_path: Path) -> None:
    closed = NOON + 30 * DAY
    proxy.poison = lambda lines: any(line.endswith(b"%d" % closed) for line in lines.splitlines())
    facts = facts_of([*minutes(7), *minutes(1, start_ms=closed)])
    with sink(influx, bucket, tmp_path, url=proxy.url) as store:
        reasons, taken = attempts(store, facts, 5)
        assert not taken
        assert "restart InfluxDB" in reasons[-1]
        proxy.poison = lambda _lines: False
        assert store.write(facts) is None
    assert len(held(influx, bucket)) == 8
    assert letters(tmp_path) == []


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


def test_what_was_refused_can_be_read_on_the_command_line(
    store: InfluxStore, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert store.write(facts_of([(COD, NOON, float("inf"), Flag.NORMAL, NOON + HOUR)])) is None
    assert run(["frames", "--data", str(tmp_path), "--reason", "influx_refused", "--lang", "en"], {"COLUMNS": "200"}) == 0
    said = capsys.readouterr().out
    assert "refused by InfluxDB" in said
    assert "HTTP 400: unable to parse" in said
