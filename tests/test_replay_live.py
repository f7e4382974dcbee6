"""A recording by the live path: over MQTT into a real host, and the same alerts as by a plain replay."""

import json
import math
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.config.problem import BadFile
from engine.exit_codes import ExitCode
from engine.replay.account import Account
from engine.replay.alerts import CHARTED
from engine.replay.command import recording_of, run_replay
from engine.replay.live.times import Clock
from engine.replay.live.uploads import uploads
from engine.replay.mapping.load import read_mapping
from engine.replay.options import ReplayOptions
from engine.replay.recording import replay_recording
from engine.replay.register import Register
from sensors.decoder import Decoder
from sensors.frames import FrameBatch
from sensors.jsonv1 import is_json
from sensors.reading import Flag, Kind, ReadingBatch
from sensors.registry import series_no

ROOT = Path(__file__).parent.parent
RECORDINGS = ROOT / "tests/data/recordings"
NOON_MS = 1_704_081_600_000

MAPPING = """
time: {{column: at, zone: Asia/Shanghai}}
every: 1 h
outlet_column: outlet
columns:
  cod: {{factor: w01018, unit: mg/L}}
  own: {{factor: x-ray/2, unit: Bq, name: of our own}}
limits:
  - {{factor: w01018, averaging: hour, ceiling: {ceiling}, source: a test}}
"""


@pytest.fixture
def mapping(tmp_path: Path) -> Path:
    file = tmp_path / "mapping.yaml"
    file.write_text(MAPPING.format(ceiling=50), encoding="utf-8")
    return file


def recording(folder: Path, *rows: str) -> Path:
    file = folder / "recording.csv"
    file.write_text("\n".join(["at,outlet,cod,own", *rows]) + "\n", encoding="utf-8")
    return file


def judged(capsys: pytest.CaptureFixture[str], file: Path, mapping: Path, **more: object) -> tuple[int, dict]:
    code = run_replay(ReplayOptions(file=file, mapping=mapping, live=True, json=True, quiet=True, **more))  # type: ignore[arg-type]
    return code, json.loads(capsys.readouterr().out)


def register_of(mapping: Path) -> Register:
    """Two outlets with a catalogue factor and one of their own: bindings 0 to 3."""
    register = Register(read_mapping(mapping))
    words = np.array([register.outlet_words.number(name) for name in ("east", "西口")], np.int32)
    for _, measured in register.mapping.wide:
        register.series_of(measured, words)
    return register


def batch(*rows: tuple[int, Kind, int, float, Flag]) -> ReadingBatch:
    """(binding, kind, device time, value, flag), all known at one log time."""
    binding, kind, device_ms, value, flag = zip(*rows, strict=True)
    return ReadingBatch(
        series=np.array([series_no(b, k) for b, k in zip(binding, kind, strict=True)], np.int32),
        device_ms=np.array(device_ms, np.int64),
        value=np.array(value, np.float64),
        flag=np.array(flag, np.uint8),
        log_ms=np.full(len(rows), NOON_MS, np.int64),
    )


def decoded(readings: ReadingBatch, register: Register) -> tuple[list[tuple], list[bytes]]:
    """What a live host reads in the uploads, and the uploads."""
    sent = list(uploads(readings, register))
    frames = FrameBatch.of([(NOON_MS, "a gateway", upload.mn, upload.payload) for upload in sent])
    read = Decoder(register.registry()).decode(frames)
    assert read.refused == () and sum(upload.readings for upload in sent) == len(readings)
    return rows_of(read.readings), [upload.payload for upload in sent]


def rows_of(readings: ReadingBatch) -> list[tuple]:
    columns = (readings.series, readings.device_ms, readings.value, readings.flag)
    return sorted(zip(*(column.tolist() for column in columns), strict=True))


FLAGS = st.sampled_from([flag for flag in Flag if flag is not Flag.EMPTY])
VALUES = st.floats(min_value=-99_999, max_value=99_999)
TIMES = st.integers(0, 86_400).map(lambda s: NOON_MS - s * 1000) | st.integers(NOON_MS - 10**7, NOON_MS)
ROWS = st.tuples(st.integers(0, 3), st.sampled_from(Kind), TIMES, VALUES, FLAGS)


@settings(deadline=None)  # the first call compiles
@given(rows=st.lists(ROWS, min_size=1, max_size=30))
def test_any_readings_are_decoded_to_the_same_doubles(tmp_path_factory: pytest.TempPathFactory, rows: list) -> None:
    file = tmp_path_factory.getbasetemp() / "any.yaml"
    file.write_text(MAPPING.format(ceiling=50), encoding="utf-8")
    readings = batch(*rows)
    assert decoded(readings, register_of(file))[0] == rows_of(readings)


@pytest.mark.parametrize(
    ("row", "as_json"),
    [
        pytest.param(
            (0, Kind.HOUR, NOON_MS, 173.87624342592593, Flag.NORMAL), False, id="an hour in all its digits is a frame"
        ),
        pytest.param((0, Kind.REALTIME, NOON_MS, 1.0, Flag.UNSTATED), False, id="no flag is no flag in a frame"),
        pytest.param(
            (1, Kind.MINUTE, NOON_MS, 1.0, Flag.NORMAL), False, id="an outlet in Chinese has an MN that fits a frame"
        ),
        pytest.param((0, Kind.HOUR, NOON_MS + 1, 1.0, Flag.NORMAL), True, id="a time between two seconds is JSON"),
        pytest.param((0, Kind.HOUR, NOON_MS, 1e-300, Flag.NORMAL), True, id="a number of 300 digits is JSON"),
        pytest.param((2, Kind.HOUR, NOON_MS, 1.0, Flag.NORMAL), True, id="a code with a hyphen is JSON"),
    ],
)
def test_hj212_where_it_has_a_word_for_it_else_json(mapping: Path, row: tuple, as_json: bool) -> None:
    readings = batch(row)
    read, (payload,) = decoded(readings, register_of(mapping))
    assert (read, is_json(payload)) == (rows_of(readings), as_json)


def test_a_factor_given_twice_for_one_time_is_sent_twice_in_the_order_given(mapping: Path) -> None:
    twice = batch(*((0, Kind.HOUR, NOON_MS, value, Flag.NORMAL) for value in (2.0, 1.0)))
    sent = [upload.payload for upload in uploads(twice, register_of(mapping))]
    assert [b"Avg=2.0" in sent[0], b"Avg=1.0" in sent[1], len(sent)] == [True, True, 2]


@given(times=st.lists(st.integers(0, 50), min_size=1).map(sorted), cut=st.integers(0, 50))
def test_log_time_is_that_of_the_recording_and_always_grows_from_record_to_record(times: list[int], cut: int) -> None:
    clock = Clock(-1)
    parts = [part for part in (times[:cut], times[cut:]) if part]
    given_ms = [clock.along(np.array(part, np.int64)).tolist() for part in parts]
    assert all(before[-1] < after[0] for before, after in pairwise(given_ms))
    assert all(
        0 <= ms - time <= 1
        for part, time_part in zip(given_ms, parts, strict=True)
        for ms, time in zip(part, time_part, strict=True)
    )


@pytest.mark.parametrize(
    ("name", "file", "to_time", "readings", "alerts"),
    [
        pytest.param("effluent_hourly_cn", "monitor_hourly.csv", None, 4561, 74, id="effluent_hourly_cn"),
        pytest.param(
            "bsm2_effluent",
            "bsm2_effluent_15min.csv.gz",
            datetime(2024, 3, 1, tzinfo=UTC),
            40544,
            4,
            id="bsm2_effluent to March",
        ),
    ],
)
def test_a_recording_gives_the_same_alerts_by_live_path_and_by_replay(
    capsys: pytest.CaptureFixture[str], name: str, file: str, to_time: datetime | None, readings: int, alerts: int
) -> None:
    code, told = judged(capsys, RECORDINGS / name / file, ROOT / f"docs/mappings/{name}.yaml", to_time=to_time)
    live = told["live"]
    assert (code, told["ok"]) == (ExitCode.OK, True)
    assert told["alerts_sha256"] == told["replayed_sha256"]
    assert (told["readings"], len(told["alerts"])) == (readings, alerts)
    assert live["published"] == live["acknowledged"] == live["in_log"] == told["payloads"]["decoded"]


def test_outlets_in_any_order_and_factors_of_ones_own_go_the_same_way(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, mapping: Path
) -> None:
    file = recording(tmp_path, "2024-01-03 05:00,西口,70,1", "2024-01-01 05:00,east,60,2", "2024-01-02 05:00,西口,40,")
    code, told = judged(capsys, file, mapping)
    assert (code, told["notes"], told["refused"]) == (ExitCode.OK, {"sorted": {}}, {"blank": 1})
    assert [(a["outlet"], a["value"]) for a in told["alerts"]] == [("east", 60.0), ("西口", 70.0)]


def test_a_value_that_no_monitor_could_send_shows_as_a_difference(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, mapping: Path
) -> None:
    code, told = judged(capsys, recording(tmp_path, "2024-01-01 05:00,east,1000000,1"), mapping)
    assert (code, told["ok"], told["refused"]) == (ExitCode.FAILED, False, {"out_of_type": 1})
    assert told["alerts_sha256"] != told["replayed_sha256"]


def test_a_recording_without_readings_has_nothing_to_publish(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, mapping: Path
) -> None:
    code, told = judged(capsys, recording(tmp_path, "2024-01-01 05:00,east,,"), mapping)
    assert (code, told["live"]["published"], told["readings"]) == (ExitCode.OK, 0, 0)
    assert math.isclose(told["live"]["seconds"], 0.0)


def test_people_are_told_in_their_language(capsys: pytest.CaptureFixture[str], tmp_path: Path, mapping: Path) -> None:
    file = recording(tmp_path, "2024-01-01 05:00,east,60,1")
    code = run_replay(ReplayOptions(file=file, mapping=mapping, live=True, quiet=True, lang="zh"))
    out = capsys.readouterr().out
    assert (code, "已确认（PUBACK）1 条" in out, "报警相同" in out) == (ExitCode.OK, True, True)


def test_a_log_has_been_live_already(tmp_path: Path) -> None:
    with pytest.raises(BadFile, match="--live publishes a recording: expected --mapping"):
        run_replay(ReplayOptions(file=tmp_path, live=True, quiet=True))


def test_thousands_of_alerts_have_one_hash_however_they_come(tmp_path: Path) -> None:
    mapping = tmp_path / "strict.yaml"
    text = (ROOT / "docs/mappings/effluent_hourly_cn.yaml").read_text("utf-8")
    mapping.write_text(text.replace("ceiling: 15", "ceiling: 1"), encoding="utf-8")
    file = RECORDINGS / "effluent_hourly_cn/monitor_hourly.csv"
    whole, parts = (replay_recording(recording_of(file, mapping), Account(), batch=n).result() for n in (None, 300))
    assert len(whole["alerts"]) > 2 * CHARTED and all(alert["n_valid"] for alert in whole["alerts"])
    assert parts["alerts_sha256"] == whole["alerts_sha256"]
