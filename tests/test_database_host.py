"""`outfall run` and the commands on a real PostgreSQL: which may be away while monitors publish."""

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from engine.cli.main import run
from engine.database.schema import HEAD
from sensors.hj212.encode import seal
from sensors.hj212.times import data_time
from tests.real_host import MN, made, publish, running
from tests.servers import Postgres

pytestmark = pytest.mark.real


@pytest.fixture
def server() -> Iterator[Postgres]:
    """One of its own: it is stopped."""
    with Postgres.running() as found:
        yield found


def with_database(folder: Path, server: Postgres, database: str = "postgres") -> str:
    """What a configuration says of it; the password stands in a file."""
    secret = folder / "secrets/postgres"
    secret.parent.mkdir(exist_ok=True)
    secret.write_text(server.password)
    secret.chmod(0o600)
    url = f"postgresql://{server.user}@127.0.0.1:{server.port}/{database}"
    return f"database: {{url: '{url}', password_file: secrets/postgres}}\n"


def answer(capsys: pytest.CaptureFixture[str], *arguments: str, code: int = 0) -> Any:
    assert run([*arguments, "--json"], {}) == code
    return json.loads(capsys.readouterr().out)


def over_the_limit() -> list[bytes]:
    """Three ten-minute means of COD over the permit's 40 mg/L, the last of them the present one."""
    now = time.time_ns() // 1_000_000 // 600_000 * 600_000
    head = f"ST=32;CN=2051;PW=123456;MN={MN};Flag=5;CP=&&"
    starts = [now - n * 600_000 for n in (3, 2, 1)]
    return [seal(f"{head}DataTime={data_time(ms)};w01018-Avg=95.0,w01018-Flag=N&&") for ms in starts]


def until(condition: Callable[[], bool], seconds: float = 40) -> None:
    """Wait for it."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_what_monitors_publish_while_the_server_is_away_is_paged_when_it_is_back(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], server: Postgres
) -> None:
    (tmp_path / "secrets").mkdir()
    config, password = made(tmp_path, capsys, with_database(tmp_path, server))
    place = ("-c", str(config))
    with running(config) as host:
        server.stop()
        publish(host.port, password, over_the_limit())
        until(lambda: any("duty: waits:" in line for line in host.said))
        server.start()
        until(lambda: any("duty: goes on after" in line for line in host.said))
        until(lambda: set(answer(capsys, "status", *place)["pages"]) == {"delivered"})
    found = answer(capsys, "alerts", *place, "--all")["alerts"]
    assert {(a["rule"], a["value"]) for a in found} == {("cod-early", 95.0), ("instant", 95.0)}
    assert [step["step"] for step in answer(capsys, "explain", found[0]["alert_id"], *place)["steps"]] == ["opened"]
    assert answer(capsys, "database", "status", *place)["schema"] == HEAD
    assert not (tmp_path / "data/core.db").exists()
    said = "".join(host.said)
    assert f"postgresql://outfall@127.0.0.1:{server.port}/postgres" in said
    assert server.password not in said


def test_the_tables_are_made_by_hand(tmp_path: Path, capsys: pytest.CaptureFixture[str], postgres: Postgres) -> None:
    with postgres.database() as url:
        config, _ = made(tmp_path, capsys, with_database(tmp_path, postgres, url.rpartition("/")[2]))
        place = ("-c", str(config))
        assert answer(capsys, "database", "status", *place, code=1)["schema"] == ""
        refused = answer(capsys, "alerts", *place, code=14)["error"]["text"]
        assert f"schema none, expected {HEAD}: bring it up to date with: outfall database upgrade" in refused
        assert answer(capsys, "database", "upgrade", *place)["up_to_date"] is True
        assert run(["database", "status", *place], {}) == 0
        assert f"schema {HEAD}, up to date" in capsys.readouterr().out
        assert answer(capsys, "alerts", *place)["alerts"] == []


def test_a_server_that_is_not_there_ends_the_command_and_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], server: Postgres
) -> None:
    config, _ = made(tmp_path, capsys, with_database(tmp_path, server))
    server.stop()
    error = answer(capsys, "alerts", "-c", str(config), code=14)["error"]
    assert "Connection refused" in error["text"]
    assert "expected a database that can be read" in error["text"]
    assert server.password not in error["text"]
