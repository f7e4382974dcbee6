"""Small recordings for the tests of replay."""

from pathlib import Path
from typing import Any

from engine.replay.account import Account
from engine.replay.command import recording_of
from engine.replay.recording import replay_recording

ROOT = Path(__file__).parents[1]
RECORDINGS = ROOT / "tests/data/recordings"
MAPPINGS = ROOT / "docs/mappings"
FILES = {
    "bsm2_effluent": "bsm2_effluent_15min.csv.gz",
    "effluent_hourly_cn": "monitor_hourly.csv",
    "river_waterflow": "water-flow.csv",
    "canary_station_b": "Tutorial_Station_B.csv",
}


def recording(name: str) -> tuple[Path, Path]:
    """(file, mapping) of one of the four recordings."""
    return RECORDINGS / name / FILES[name], MAPPINGS / f"{name}.yaml"


def replayed(file: Path, mapping: Path, **how: Any) -> dict[str, Any]:
    """The result of a replay."""
    return replay_recording(recording_of(file, mapping), Account(), **how).result()


def written(folder: Path, text: str, mapping: str, name: str = "r.csv") -> tuple[Path, Path]:
    """A recording and its mapping as files."""
    file, yaml = folder / name, folder / "m.yaml"
    file.write_text(text, encoding="utf-8")
    yaml.write_text(mapping, encoding="utf-8")
    return file, yaml


def told(result: dict[str, Any]) -> list[tuple[Any, ...]]:
    """Alerts in short: rule, outlet, factor, start, value, state."""
    keys = ("rule", "outlet", "factor", "start_ms", "value", "state")
    return [tuple(alert[key] for key in keys) for alert in result["alerts"]]
