"""`outfall run` asked over HTTP while a real client publishes: the account of every stage holds."""

import json
import time
from pathlib import Path

import pytest

from engine.cli.main import run
from tests.http_host import STAGES, Values, account, total, values_in
from tests.real_host import RealHost, made, means, publish, running


def at_rest(host: RealHost) -> Values:
    """What it counts when nothing waits and no stage is at a record (a tick may be under way)."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        values = values_in(host.get("/metrics"))
        waits = total(values, "outfall_stage_lag_records") + total(values, "outfall_outbox_unsent")
        paged = total(values, "outfall_pages", state="delivered") == 2
        if paged and not waits and all(given == done for given, done in (account(values, s) for s in STAGES)):
            break
        time.sleep(0.05)
    return values


def test_the_account_of_every_stage_holds_after_a_drain(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config, password = made(tmp_path, capsys)
    payloads = [*means([95.0] * 6), b"##0101nonsense", *means([95.0] * 6)]
    with running(config) as host:
        publish(host.port, password, payloads)
        values = at_rest(host)
        accounts = {stage: account(values, stage) for stage in STAGES}
        assert all(given == done > 0 for given, done in accounts.values()), accounts
        assert accounts["intake"] == (len(payloads), len(payloads))
        assert total(values, "outfall_payloads_in_total") == len(payloads)
        assert total(values, "outfall_payloads_total", outcome="refused") == 1
        assert total(values, "outfall_refusals_total", reason="bad_length") == 1
        decoded = total(values, "outfall_readings_decoded_total")
        assert decoded == total(values, "outfall_readings_total") == 12
        assert total(values, "outfall_readings_total", outcome="duplicate") == 6
        assert total(values, "outfall_readings_in_total") == decoded + total(values, "outfall_readings_refused_total")
        assert total(values, "outfall_alerts_standing", **{"class": "early_warning"}) == 2
        assert total(values, "outfall_outbox_unsent") == 0
        assert total(values, "outfall_other_total") == total(values, "outfall_intake_other_total") == 0
        assert not [name for name, _ in values if name in ("outfall_other_total", "outfall_intake_now")]
        assert password not in host.get("/metrics")

        assert run(["status", "--url", f"http://{host.http}", "--json"], {}) == 0
        told = json.loads(capsys.readouterr().out)
        assert (told["ready"], told["stages"]["detect"]["lag"]) == (True, 0)
        assert run(["status", "-c", str(config), "--json"], {}) == 0
        assert json.loads(capsys.readouterr().out)["host"]["http"] == host.http
        assert run(["status", "-c", str(config)], {}) == 0
        assert host.http in capsys.readouterr().out
    assert run(["status", "--url", f"http://{host.http}"], {}) == 1
    assert "does not answer" in capsys.readouterr().err


def test_an_address_that_others_reach_needs_a_token(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config, _ = made(tmp_path, capsys)
    text = config.read_text("utf-8")
    config.write_text(text.replace("http: {port: 0}", "http: {host: 0.0.0.0}"), "utf-8")
    assert run(["check", "-c", str(config)], {}) == 3
    assert "http.host: 0.0.0.0 can be reached by others: expected a loopback address" in capsys.readouterr().err
    token = tmp_path / "token"
    token.write_text("0123456789abcdef")
    token.chmod(0o600)
    config.write_text(text.replace("http: {port: 0}", "http: {host: 0.0.0.0, token_file: token}"), "utf-8")
    assert run(["check", "-c", str(config), "--json"], {}) == 0
    assert "0123456789abcdef" not in capsys.readouterr().out
