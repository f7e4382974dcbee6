"""What the process says on standard error: one JSON object a line where asked for, a loss said once, a secret never."""

import ast
import io
import json
import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from engine.cli.main import run
from engine.config.load import load_config
from engine.duty.settings import Secret
from engine.logs import LogFormat, LogLevel, LogSettings, fields, set_up_logs
from engine.redaction import Redaction, redaction_of, secrets_in
from tests.real_host import made, means, publish, running
from tests.servers import Influx

SECRET = 'sword"fish\\ 剑鱼/+%'
"""One that looks different in JSON, in an address and in a representation of Python."""


@contextmanager
def logged(settings: LogSettings, *secrets: str) -> Iterator[io.StringIO]:
    """Everything said meanwhile."""
    root = logging.getLogger()
    before, level, stderr = list(root.handlers), root.level, sys.stderr
    said = sys.stderr = io.StringIO()
    try:
        set_up_logs(settings, Redaction(secrets))
        yield said
    finally:
        sys.stderr = stderr
        logging.captureWarnings(False)
        logging.basicConfig(handlers=before, level=level, force=True)


def lines(said: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in said.splitlines()]


JSON = LogSettings(format=LogFormat.JSON)


def test_a_line_is_an_object_with_its_time_and_what_it_is_about() -> None:
    with logged(JSON) as said:
        about = fields(stage="store", partition=3, offset=7, place=Path("data"), message="not this one")
        logging.getLogger("engine.delivery").error("store: refused: %s\nat its end", "报文", extra=about)
        logging.getLogger("engine.delivery").debug("not said")
    (line,) = lines(said.getvalue())
    assert line.pop("time").endswith("Z")
    assert line == {
        "level": "error", "logger": "engine.delivery", "message": "store: refused: 报文\nat its end",
        "stage": "store", "partition": 3, "offset": 7, "place": "data",
    }  # fmt: skip


def test_an_exception_stands_in_its_line() -> None:
    with logged(JSON) as said:
        try:
            raise ArithmeticError("poison")
        except ArithmeticError:
            logging.getLogger("engine").exception("not judged")
    (line,) = lines(said.getvalue())
    assert line["error"].endswith("ArithmeticError: poison")


@pytest.mark.parametrize("form", list(LogFormat))
def test_a_secret_is_stars_in_message_arguments_fields_and_traceback(form: LogFormat) -> None:
    with logged(LogSettings(format=form, level=LogLevel.DEBUG), SECRET) as said:
        log = logging.getLogger("some.library")
        log.debug(f"sent {SECRET}")
        log.info("headers %r, bytes %r", {"key": SECRET}, SECRET.encode())
        log.warning("said", extra=fields(password=SECRET, inside={"deep": [SECRET]}))
        try:
            raise ValueError(SECRET)
        except ValueError:
            log.exception("failed")
    text = said.getvalue()
    assert not any(part in text for part in ("fish", "剑鱼", "\\xe5"))
    assert text.count("***") == (6 if form is LogFormat.JSON else 4)


def test_what_looks_like_a_secret_is_stars_even_where_nobody_knows_it() -> None:
    redaction = Redaction()
    assert redaction.text("postgresql://outfall:hunter2@db:5432/x") == "postgresql://outfall:***@db:5432/x"
    assert redaction.text('"Authorization": "Token abcdefgh1234"') == '"Authorization": "Token ***"'
    assert redaction.text("expected a token authorized for Basic authentication") == (
        "expected a token authorized for Basic authentication"
    )
    assert redaction.text("mqtt://broker:1883/a and a@b") == "mqtt://broker:1883/a and a@b"


def with_secrets(config: Path, influx_url: str, level: str = "debug", bucket: str = "any") -> dict[str, str]:
    """Put a secret everywhere that a configuration takes one; the secrets by file."""
    folder = config.parent
    secrets = {"influx": Influx.token, "webhook": "webhook-key-0815", "http": "http-token-4711"}
    for name, text in secrets.items():
        (folder / name).write_text(text)
        (folder / name).chmod(0o600)
    text = config.read_text("utf-8")
    influx = f"{{url: {influx_url}, org: {Influx.org}, bucket: {bucket}, token_file: influx}}"
    text = text.replace("store:\n", f"store:\n  influx: {influx}\n")
    hook = "{name: hook, kind: webhook, url: 'http://127.0.0.1:9/page?access_token=query-key-1234', secret_file: webhook}"
    text = text.replace("    - {name: screen, kind: terminal}\n", f"    - {hook}\n    - {{name: screen, kind: terminal}}\n")
    text = text.replace("http: {port: 0}", "http: {port: 0, token_file: http}")
    config.write_text(f"{text}\nlogging: {{format: json, level: {level}}}\n", "utf-8")
    return {**secrets, "query": "query-key-1234"}


def test_no_secret_of_a_configuration_is_said_anywhere_even_at_debug(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], influx: Influx, bucket: str
) -> None:
    config, password = made(tmp_path, capsys)
    secrets = {**with_secrets(config, influx.url, bucket=bucket), "mqtt": password}
    with running(config) as host:
        publish(host.port, password, [*means([95.0] * 3), b"##0101nonsense"])
        token = secrets["http"]
        told = [host.get(path, token) for path in ("/metrics", "/ready", "/health")]
        told.append((tmp_path / "data/status.json").read_text("utf-8"))
    said = "".join(host.said)
    assert len(lines(said)) > 20
    assert {"debug", "info", "warning"} <= {line["level"] for line in lines(said)}
    assert "hook: tried again" in said or "over hook" in said
    for text in (said, *told):
        assert [name for name, secret in secrets.items() if secret in text] == []


def test_every_secret_of_a_configuration_is_known_to_its_redaction(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config, _ = made(tmp_path, capsys)
    secrets = with_secrets(config, "http://127.0.0.1:9")
    loaded = load_config(config)
    assert {secret.reveal() for secret in secrets_in(loaded)} == {secrets[name] for name in ("influx", "webhook", "http")}
    assert redaction_of(loaded).text(f"a {secrets['http']} b") == "a *** b"
    assert [name for name, secret in secrets.items() if name != "query" and secret in repr(loaded)] == []


def test_what_is_wrong_with_a_configuration_shows_no_secret(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config, _ = made(tmp_path, capsys)
    secrets = with_secrets(config, "ftp://wrong", level="loud")
    for name in ("influx", "webhook", "http"):
        (tmp_path / name).chmod(0o644)
    for arguments in (["check", "-c", str(config)], ["run", "-c", str(config), "--json"]):
        assert run(arguments, {}) == 3
        out, err = capsys.readouterr()
        assert "chmod 600" in out + err
        assert "loud" in out + err
        assert [name for name, secret in secrets.items() if secret in out + err] == []


def test_a_secret_that_is_printed_by_mistake_is_stars() -> None:
    assert f"{Secret('swordfish')!r} {Secret('swordfish')}" == "*** ***"


def test_every_field_has_its_row_in_the_docs() -> None:
    root = Path(__file__).parent.parent
    calls = [
        node
        for file in (root / "engine").rglob("*.py")
        for node in ast.walk(ast.parse(file.read_text("utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "fields" and node.keywords
    ]
    named = {keyword.arg for call in calls for keyword in call.keywords}
    assert "stage" in named
    rows = [line for line in (root / "docs/logs.md").read_text("utf-8").splitlines() if line.startswith("| `")]
    assert {name for name in named if f"`{name}`" not in "\n".join(rows)} == set()
