"""`outfall run` behind a real Mosquitto, without a listener of its own: an alert, and what `outfall status` says."""

import json
import re
from pathlib import Path

import pytest

from engine.cli.main import run
from engine.intake.bridge.memory import Gap, MemoryFile
from tests.bridge_rig import NAME, Broker
from tests.intake_rig import MN, soon
from tests.test_cli_host import answer, host, minutes_over_the_limit, publish

pytestmark = pytest.mark.real


def configured(folder: Path, broker: Broker) -> Path:
    """The example's configuration with a bridge in the place of the listener."""
    assert run(["init", str(folder), "--json"], {}) == 0
    (folder / "secrets").mkdir(exist_ok=True)
    secret = folder / "secrets" / "bridge"
    secret.write_text(broker.secrets[NAME])
    secret.chmod(0o600)
    config = folder / "config.yaml"
    text = (
        config.read_text("utf-8")
        .replace("    - {host: 127.0.0.1, port: 1883}\n", "    []\n")
        .replace("  #bridges:", "  bridges:")
    )
    bridge = f"  - {{port: {broker.port}, user: {NAME}, password_file: secrets/bridge}}"
    config.write_text(re.sub(r"  #  - \{.*user: outfall-bridge.*\}", bridge, text), "utf-8")
    return config


def test_a_host_behind_a_broker(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with Broker.running() as broker:
        config = configured(tmp_path, broker)
        capsys.readouterr()
        gap = Gap(at_ms=1_767_225_600_000, from_ms=1_767_225_000_000, to_ms=1_767_225_600_000, asked=3, done=True)
        MemoryFile(tmp_path / "data" / "bridges", NAME).add_gap(gap)
        with host(config, says=r"takes outfall/v1/\+/up from 127\.0\.0\.1:(\d+)") as (_, port):
            assert port == broker.port
            publish(port, broker.secrets[MN], [*minutes_over_the_limit(), b"##0101nonsense"])
            assert soon(lambda: len(answer(capsys, "alerts", "-c", str(config), "--all")["alerts"]) == 2)
            assert soon(lambda: answer(capsys, "status", "-c", str(config))["host"]["intake"].get("acknowledged") == 4)
        (bridge,) = answer(capsys, "status", "-c", str(config), code=1)["bridges"]
        assert (bridge["client_id"], bridge["place"], bridge["doubt"]) == (NAME, f"127.0.0.1:{port}", "")
        assert run(["status", "-c", str(config), "--lang", "en"], {}) == 1
    said = capsys.readouterr().out
    assert "Bridge outfall-bridge" in said
    assert "3 monitors asked for their history" in said
    assert json.dumps(broker.secrets[NAME]) not in said
