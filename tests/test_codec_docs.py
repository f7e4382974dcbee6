"""docs/hj212.md against the code: every tolerance and count is there, every example does what it says."""

import re
from pathlib import Path

import pytest

from sensors.hj212.crc import crc, modbus
from sensors.hj212.tolerance import Tolerance
from tests.codec_world import WATER_MN, decode, frame, told

PAGE = (Path(__file__).parents[1] / "docs" / "hj212.md").read_text("utf-8")
SECTIONS = dict(re.findall(r"^#+ (.+?)\n(.*?)(?=^#|\Z)", PAGE, re.MULTILINE | re.DOTALL))
ROW = re.compile(r"^\| `([a-z_]+)` \| (?:`([^`]+)`)?", re.MULTILINE)
HEADS = ROW.findall(SECTIONS["In the head"])
CONTENTS = ROW.findall(SECTIONS["In the content"])


def tolerated(data: bytes) -> dict[str, int]:
    """The tolerances that reading one frame took; it must give its reading."""
    decoded = decode(data)
    assert [reading.value for reading in told(decoded)] == [38.6]
    return {name: n for name, n in decoded.counts.items() if name.startswith("tolerance.")}


def test_every_tolerance_stands_on_the_page_once() -> None:
    names = [name for name, _ in (*ROW.findall(SECTIONS["Around frames"]), *HEADS, *CONTENTS)]
    assert sorted(names) == sorted(Tolerance)


@pytest.mark.parametrize(("name", "head"), HEADS)
def test_an_example_of_a_head_takes_its_tolerance(name: str, head: str) -> None:
    content = "DataTime=20240101100000;w01018-Avg=38.6,w01018-Flag=N"
    assert tolerated(frame(content, head=head.replace("…", WATER_MN))) == {f"tolerance.{name}": 1}


@pytest.mark.parametrize(("name", "content"), CONTENTS)
def test_an_example_of_a_content_takes_its_tolerance(name: str, content: str) -> None:
    assert tolerated(frame(content)) == {f"tolerance.{name}": 1}


def test_the_check_value_of_the_crc() -> None:
    text, right, wrong = re.findall(r"`(\w+)`", SECTIONS["The CRC"].splitlines()[-2])
    assert (f"{crc(text.encode()):04X}", f"{modbus(text.encode()):04X}") == (right, wrong)


def test_every_count_stands_on_the_page() -> None:
    resent = f"ST=32;CN=2051;PW=123456;MN={WATER_MN};Flag=9;RF=1;"
    waiting = f"ST=32;CN=2051;PW=123456;MN={WATER_MN};Flag=6;PNUM=2;PNO=2;"
    content = "DataTime=20240101100000;011-Avg=38.6,011-Min=1;x-Avg=1;"
    decoded = decode(frame(content, head=resent), frame("w01018-Avg=1", head=waiting), b"?", b"##0000")
    shown = set(re.findall(r"`([a-z0-9_.]+(?:<\w+>)?)`", SECTIONS["Counts"]))
    assert {re.sub(r"^(command|tolerance)\..*", r"\1.", name) for name in decoded.counts} == {
        re.sub(r"<.*", "", name) for name in shown if not name.endswith("*")
    }
