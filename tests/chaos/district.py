"""The district of the chaos run: configuration, register, secrets of the monitors."""

import json
import socket
from pathlib import Path

from engine.files import CREDENTIALS
from engine.intake.credentials import Credentials
from tests.chaos.frames import Monitor, monitors
from tests.chaos.publish import PLAN

CONFIG = "config.yaml"
SECRET = "the receiver knows it"


def found(folder: Path, *, count: int, rate: float, receiver_port: int) -> int:
    """Write everything into an empty folder; the port of the host to come."""
    port = free_port()
    config = {
        "data": "./data",
        **judged(receiver_port),
        "intake": {"listeners": [{"host": "127.0.0.1", "port": port}]},
        "host": {"partitions": 2, "tick_s": 0.2, "snapshot_s": 0.5, "status_s": 0.5},
    }
    (folder / CONFIG).write_text(json.dumps(config, indent=1))
    write_files(folder, count)
    secrets = Credentials(folder / "data" / CREDENTIALS).add_many({m.mn: () for m in monitors(count)})
    (folder / PLAN).write_text(json.dumps({"port": port, "rate": rate, "secrets": secrets}))
    return port


def write_files(folder: Path, count: int) -> None:
    """The register, and the secret of the receiver of pages."""
    (folder / "registry.yaml").write_text(json.dumps({"enterprises": [_enterprise(m) for m in monitors(count)]}, indent=1))
    (folder / "secret").write_text(SECRET)
    (folder / "secret").chmod(0o600)


def judged(receiver_port: int) -> dict[str, object]:
    """Of a configuration: what is judged, and who is paged.

    Windows, patience and silence are such that alerts of every kind come, change and go within seconds: readings may be
    two hours ahead, so that whole hours become complete, and late ones are judged again every second.
    """
    return {
        "registry": ["registry.yaml"],
        "judging": {"future_max_s": 10_800, "revise_every_s": 1},
        "rules": [
            {"id": "gas-hour", "kind": "exceedance", "select": {"mediums": ["gas"]}},
            {"id": "water-day", "kind": "exceedance", "averaging": "day", "select": {"mediums": ["water"]}},
            {"id": "ph-hour", "kind": "range", "select": {"factors": ["w01001"]}},
            {"id": "early", "kind": "instant", "in_a_row": 2, "select": {"factors": ["a21002", "w21003"]}},
            {"id": "silent", "kind": "offline", "silence_s": 3},
            {"id": "clock", "kind": "clock"},
        ],
        "duty": {
            "people": [{"id": "li", "name": "Li", "lang": "en"}, {"id": "wang", "name": "Wang"}],
            "shifts": [{"id": "all", "squads": [["li", "wang"]], "anchor": "2026-01-01 08:00", "turn_h": 24}],
            "channels": [
                {
                    "name": "room", "kind": "webhook", "url": f"http://127.0.0.1:{receiver_port}/page",
                    "secret_file": "secret", "timeout_s": 1,
                }
            ],
            "sending": {"lease_s": 3, "backoff_first_s": 0.2, "backoff_max_s": 1},
        },
    }  # fmt: skip


def _enterprise(monitor: Monitor) -> dict[str, object]:
    name = monitor.mn[-4:].lower()
    outlet: dict[str, object] = {
        "id": f"out-{name}",
        "medium": "gas" if monitor.gas else "water",
        "monitors": [{"mn": monitor.mn, "realtime_s": 30, "minute_min": 10}],
        **(_STACK if monitor.gas else _OUTFALL),
    }
    return {"id": f"works-{name}", "outlets": [outlet]}


_STACK = {
    "factors": ["a19001", "a21026", {"factor": "a21002", "judged_from": "realtime"}],
    "limits": [
        {"factor": "a21026", "averaging": "hour", "ceiling": 100, "basis": "converted", "reference_o2": 6},
        {"factor": "a21002", "averaging": "hour", "ceiling": 200},
    ],
}
_OUTFALL = {
    "factors": ["w00000", "w01001", "w01018", {"factor": "w21003", "judged_from": "realtime"}],
    "limits": [
        {"factor": "w01018", "averaging": "day", "ceiling": 40, "weighting": "flow"},
        {"factor": "w21003", "averaging": "day", "ceiling": 5},
        {"factor": "w01001", "averaging": "hour", "ceiling": 9, "floor": 6},
    ],
}


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
