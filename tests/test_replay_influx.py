"""Readings written to a real InfluxDB and judged from there: the same alerts, to the last byte."""

import json
from pathlib import Path

import numpy as np
import pytest

from engine.cli.main import run
from engine.config.problem import BadFile
from engine.detect.facts import Facts
from engine.replay.account import Account
from engine.replay.command import recording_of
from engine.replay.mapping.load import read_mapping
from engine.replay.order import in_batches
from engine.replay.recording import Recording, replay_recording
from engine.replay.register import Register
from engine.replay.sources.blocks import NotARecordingError
from engine.replay.sources.influx import InfluxSource
from engine.store.influx import InfluxStore
from engine.store.names import Names
from rules.outcome import Outcome
from sensors.reading import Kind
from tests.influx_rig import minutes, settings_of, sink
from tests.replay_world import MAPPINGS, recording
from tests.servers import Influx
from tests.store_cases import NOON, facts_of

pytestmark = pytest.mark.real

COLUMNS = """
time: {column: time, format: epoch_ms}
outlet_column: outlet
factor_column: factor
value_column: value
flag_column: flag
"""


def keep(influx: Influx, bucket: str, read: Recording, folder: Path) -> int:
    """Write a recording as a host would; how many readings."""
    register = Register(read.mapping)
    store, written = None, 0
    for step in in_batches(read.timed(register, Account(), sort=False), None):
        if store is None or register.grown:
            names = Names(registry=register.registry(), rules=register.rules())
            store = store or InfluxStore(settings_of(influx, bucket, lines_max=5000), names, folder)
            store.update(names)
        outcome = np.full(len(step.readings), Outcome.NEW, np.uint8)
        assert store.write(Facts(log_ms=int(step.readings.log_ms[-1]), readings=step.readings, outcome=outcome)) is None
        written += len(step.readings)
    assert store is not None
    store.close()
    return written


def mapping_for(name: str, folder: Path) -> Path:
    """The mapping of a recording, with the columns of InfluxDB in place of those of its file."""
    lines = (MAPPINGS / f"{name}.yaml").read_text("utf-8").splitlines()
    own, skipping = [], False
    for line in lines:
        if line and not line.startswith((" ", "#")):
            skipping = line.split(":")[0] in ("time", "outlet", "columns")
        if not skipping:
            own.append(line)
    file = folder / f"{name}.yaml"
    file.write_text("\n".join(own) + COLUMNS, "utf-8")
    return file


def config_for(influx: Influx, bucket: str, folder: Path) -> Path:
    """A configuration that names the bucket."""
    token = folder / "token"
    token.write_text(influx.token)
    token.chmod(0o600)
    example = Path(__file__).parent.parent / "registry"
    file = folder / "config.yaml"
    place = f"{{url: {influx.url}, org: {influx.org}, bucket: {bucket}, token_file: token}}"
    file.write_text(f"data: data\nregistry: [{example}]\nstore:\n  influx: {place}\n", "utf-8")
    return file


TO_MS = {"effluent_hourly_cn": 1_614_528_000_000, "bsm2_effluent": 1_711_900_800_000}
"""2021-03-01 and 2024-04-01: a few months will do."""


@pytest.mark.parametrize("name", TO_MS)
def test_a_recording_judged_from_influxdb_gives_the_same_alerts(
    influx: Influx, bucket: str, tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    read = recording_of(*recording(name), TO_MS[name])
    original = replay_recording(read, Account()).result()
    assert len(original["alerts"]) > 3
    written = keep(influx, bucket, read, tmp_path)
    config = config_for(influx, bucket, tmp_path)
    asked = ["--mapping", str(mapping_for(name, tmp_path)), "--config", str(config)]
    assert run(["replay", "influx", *asked, "--json"], {}) == 0
    result = json.loads(capsys.readouterr().out)
    assert result["readings"] == written
    assert result["alerts_sha256"] == original["alerts_sha256"]


def test_pages_neither_lose_nor_double_a_row_whatever_their_size(influx: Influx, bucket: str, tmp_path: Path) -> None:
    months = [NOON + n * 40 * 86_400_000 for n in range(3)]
    rows = [row for start in months for row in minutes(10, start_ms=start)]
    both = [*rows, *((4 + row[0], *row[1:]) for row in rows)]  # two series, so two rows of each instant
    with sink(influx, bucket, tmp_path) as store:
        assert store.write(facts_of(both)) is None
    for page_rows in (1, 2, 3, 7, 1000):
        source = InfluxSource(settings_of(influx, bucket), Kind.MINUTE, ["time", "factor"], page_rows)
        assert source.size == 60
        read = [(t.columns["time"].cell(n), t.columns["factor"].cell(n)) for t, _ in source.tables() for n in range(t.rows)]
        assert sorted(read) == sorted((row[1], "w01018" if row[0] < 4 else "a21026") for row in both)
        assert [at for at, _ in read] == sorted(at for at, _ in read)


def test_an_empty_bucket_is_a_recording_without_readings(influx: Influx, bucket: str, tmp_path: Path) -> None:
    again = recording_of(Path("influx"), mapping_for("bsm2_effluent", tmp_path), config=config_for(influx, bucket, tmp_path))
    assert replay_recording(again, Account()).result()["readings"] == 0


def test_without_a_configuration_that_names_a_server_it_is_said_what_is_missing(tmp_path: Path) -> None:
    with pytest.raises(BadFile, match=r"influx: store\.influx: expected a section store\.influx"):
        recording_of(Path("influx"), mapping_for("bsm2_effluent", tmp_path))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"org": "x", "keep_days": {"minute": 1}}, "bucket .*_minute: HTTP 200: database not found"),
        ({"token": "wrong"}, "HTTP 401: Unauthorized"),
        ({"url": "http://127.0.0.1:9"}, "bucket .*: .*refused"),
    ],
    ids=["no such bucket", "a wrong token", "no server"],
)
def test_what_the_server_says_is_passed_on(influx: Influx, bucket: str, changes: dict[str, str], words: str) -> None:
    with pytest.raises(NotARecordingError, match=words):
        InfluxSource(settings_of(influx, bucket, **changes), Kind.MINUTE, ["time"])
    assert read_mapping(MAPPINGS / "bsm2_effluent.yaml").kind is Kind.MINUTE
