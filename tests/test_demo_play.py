"""The demo itself: the field, the real pipeline and the account, as a user runs it."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import orjson

from engine.exit_codes import ExitCode

CODE = "import sys; from engine.demo.main import DemoOptions, run_demo; sys.exit(run_demo(DemoOptions({options})))"


def start(options: str) -> "subprocess.Popen[str]":
    command = [sys.executable, "-c", CODE.format(options=options)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, encoding="utf-8")


def lines_until(demo: "subprocess.Popen[str]", words: str) -> Iterator[str]:
    assert demo.stdout is not None
    for line in demo.stdout:
        yield line
        if words in line:
            return


def test_a_quarter_of_an_hour_adds_up_and_is_one_json_object(tmp_path: Path) -> None:
    demo = start(f"json=True, hours=0.25, data_dir=__import__('pathlib').Path({str(tmp_path)!r})")
    out, err = demo.communicate(timeout=120)
    told = orjson.loads(out)
    assert (demo.returncode, err) == (ExitCode.OK, "")
    assert told["ok"] is True and told["trouble"] == ""
    assert [(a["rule"], a["outlet"]) for a in told["alerts"]] == [("gas-early", "suiyan-s2")]
    assert told["alerts_sha256"] == told["replayed_sha256"]
    assert told["frames"]["in_log"] == told["frames"]["sent"]["acknowledged"] > 400
    assert (tmp_path / "log.db").exists()


def test_ctrl_c_ends_in_order_and_the_account_of_what_was_played_holds() -> None:
    demo = start("hours=25.5, speed=600, lang='zh'")
    seen = list(lines_until(demo, "预警"))
    demo.send_signal(signal.SIGINT)
    out, err = demo.communicate(timeout=120)
    assert any("剧情" in line for line in seen)
    assert (demo.returncode, err) == (ExitCode.INTERRUPTED, "")
    assert "账目相符" in out


def test_a_directory_that_holds_something_is_refused(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("mine")
    demo = start(f"json=True, data_dir=__import__('pathlib').Path({str(tmp_path)!r})")
    out, err = demo.communicate(timeout=60)
    assert (demo.returncode, out) == (ExitCode.FAILED, "")
    assert "expected a new or empty directory, found thesis.txt in it" in " ".join(err.split())


def test_a_port_in_use_is_named(tmp_path: Path) -> None:
    import socket

    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        demo = start(f"json=True, port={port}")
        out, err = demo.communicate(timeout=60)
    assert (demo.returncode, out) == (ExitCode.FAILED, "")
    assert str(port) in err


def test_the_field_ends_with_its_parent(tmp_path: Path) -> None:
    demo = start(f"json=True, data_dir=__import__('pathlib').Path({str(tmp_path)!r})")
    field = None
    while field is None and demo.poll() is None:
        children = Path(f"/proc/{demo.pid}/task/{demo.pid}/children")
        field = next((int(pid) for pid in children.read_text().split()), None) if children.exists() else None
    demo.kill()
    demo.wait()
    assert field is not None
    deadline = subprocess.run(["timeout", "20", "tail", "-s", "0.1", f"--pid={field}", "-f", "/dev/null"], check=False)
    assert deadline.returncode == 0
