"""The set-up scripts: POSIX sh, from any folder, and what they fetch and refuse."""

import contextlib
import functools
import http.server
import os
import subprocess
import sys
import threading
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
CONTAINERS = ("docker/mosquitto/start.sh", "docker/standins/build.sh", "docker/standins/postgres-entrypoint.sh")
SCRIPTS = ("script/demo", "script/test", "script/lib.sh", ".ci/run", "docker/smoke.sh", *CONTAINERS)
JUNIT = '<testsuites><testsuite><testcase classname="c" name="n">{}</testcase></testsuite></testsuites>'


def sh(command: str, *, cwd: Path = ROOT, **environ: str) -> subprocess.CompletedProcess[str]:
    """Run a command in sh."""
    env = {**os.environ, **environ}
    shell = ["/bin/sh", "-c", command]
    return subprocess.run(shell, cwd=cwd, env=env, capture_output=True, text=True, check=False, timeout=120)


@pytest.mark.parametrize("script", SCRIPTS)
def test_a_script_is_posix_sh(script: str) -> None:
    assert sh(f"sh -n {script}").returncode == 0
    text = (ROOT / script).read_text("utf-8")
    assert not {"[[", "<<<", "function ", "local ", "$'"} & set(text.split())


@pytest.mark.parametrize("script", ["script/demo", "script/test", ".ci/run", "docker/smoke.sh", "docker/standins/build.sh"])
def test_a_script_can_be_run(script: str) -> None:
    assert os.access(ROOT / script, os.X_OK)


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A small project with the real scripts, whose environment can be made in seconds and without a network."""
    (tmp_path / "script").symlink_to(ROOT / "script")
    (tmp_path / "pyproject.toml").write_text('[project]\nname = "nothing"\nversion = "1"\n')
    return tmp_path


def lib(checkout: Path, command: str, **environ: str) -> subprocess.CompletedProcess[str]:
    """Run a command with the functions of script/lib.sh."""
    return sh(f'ROOT="{checkout}"; . "$ROOT/script/lib.sh"; {command}', cwd=Path("/"), **environ)


def test_the_environment_is_made_once_and_again_when_the_project_changes(checkout: Path) -> None:
    python = checkout / ".venv/bin/python"
    python.parent.mkdir(parents=True)
    calls = checkout / "calls"
    python.write_text(f'#!/bin/sh\ncase "$*" in *install*) echo "$*" >>"{calls}";; *) exec {sys.executable} "$@";; esac\n')
    python.chmod(0o755)
    assert lib(checkout, "ensure_env").returncode == 0
    assert lib(checkout, "ensure_env").returncode == 0
    assert len(calls.read_text().splitlines()) == 1
    assert lib(checkout, "ensure_env test").returncode == 0
    assert calls.read_text().splitlines()[-1].endswith(f"-e {checkout}[test]")
    assert lib(checkout, "ensure_env").returncode == 0
    assert len(calls.read_text().splitlines()) == 2
    (checkout / "pyproject.toml").write_text('[project]\nname = "nothing"\nversion = "2"\n')
    assert lib(checkout, "ensure_env").returncode == 0
    assert len(calls.read_text().splitlines()) == 3


def test_no_python_that_is_new_enough_says_how_to_name_one(checkout: Path) -> None:
    ended = lib(checkout, "make_venv", PATH="/nowhere", PYTHON="")
    assert ended.returncode == 1
    assert "PYTHON=/path/to/python3" in ended.stderr


@contextlib.contextmanager
def served(folder: Path) -> Iterator[str]:
    """A folder over HTTP; yields its address."""
    handler = functools.partial(Quiet, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        pass


def fetch_pip(into: Path, **environ: str) -> subprocess.CompletedProcess[str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("PIP_")}
    command = [sys.executable, str(ROOT / "script/fetch_pip.py"), str(into)]
    return subprocess.run(command, env={**clean, "HOME": str(into), **environ}, capture_output=True, text=True, check=False)


def test_the_newest_pip_comes_from_the_index_that_pip_is_set_up_for(tmp_path: Path) -> None:
    index, into = tmp_path / "simple/pip", tmp_path / "into"
    index.mkdir(parents=True)
    into.mkdir()
    for version in ("9.0", "24.10", "24.9"):
        with zipfile.ZipFile(index / f"pip-{version}-py3-none-any.whl", "w") as wheel:
            wheel.writestr("version", version)
    with served(tmp_path) as address:
        ended = fetch_pip(into, PIP_INDEX_URL=f"{address}/simple", PIP_CONFIG_FILE=os.devnull)
    assert ended.returncode == 0, ended.stderr
    assert [file.name for file in into.iterdir()] == ["pip-24.10-py3-none-any.whl"]


def test_pips_configuration_file_counts_too(tmp_path: Path) -> None:
    wheels = tmp_path / "wheels"
    wheels.mkdir()
    (wheels / "pip-24.0-py3-none-any.whl").write_bytes(b"")
    (tmp_path / "pip.conf").write_text(f"[global]\nfind-links = {wheels}\n")
    assert fetch_pip(tmp_path, PIP_CONFIG_FILE=str(tmp_path / "pip.conf")).returncode == 0
    assert (tmp_path / "pip-24.0-py3-none-any.whl").exists()


def test_where_no_pip_is_to_be_had_it_says_so(tmp_path: Path) -> None:
    ended = fetch_pip(tmp_path, PIP_CONFIG_FILE=os.devnull)
    assert ended.returncode == 1
    assert "PIP_INDEX_URL" in ended.stderr


@pytest.mark.parametrize(("inside", "code"), [("", 0), ('<skipped message="why"/>', 1)], ids=["all ran", "one skipped"])
def test_a_skipped_test_fails_the_run(tmp_path: Path, inside: str, code: int) -> None:
    report = tmp_path / "junit.xml"
    report.write_text(JUNIT.format(inside))
    ended = sh(f"{sys.executable} script/no_skips.py {report}")
    assert ended.returncode == code
    assert ("skipped: c.n: why" in ended.stdout) is bool(code)


def test_the_demo_runs_from_any_folder_and_hands_its_arguments_on(tmp_path: Path) -> None:
    ended = sh(f'"{ROOT}/script/demo" --help', cwd=tmp_path)
    assert ended.returncode == 0, ended.stderr
    assert "outfall demo --speed 3600" in ended.stdout
