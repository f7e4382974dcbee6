"""docs/log.md says what is so."""

import asyncio
import re
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from engine.exit_codes import ExitCode
from engine.lifecycle import Host
from engine.log.record import RecordKind, Topic
from engine.log.sqlite import SqliteLog
from engine.settings import HostSettings
from engine.status import Health
from tests.app_parts import Hand, Shelf
from tests.app_publisher import parts_in, settings_in

PAGE = (Path(__file__).parent.parent / "docs" / "log.md").read_text()


def test_the_example_of_the_reader_runs(tmp_path: Path) -> None:
    with SqliteLog(tmp_path) as log:
        for _ in range(3):
            log.append(Topic.FRAMES, 0, RecordKind.TICK, b"").result()
    (code,) = (block for block in re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL) if "LogReader" in block)
    code = code.replace("data/log.db", str(tmp_path / "log.db")).replace("lambda: False", "lambda: True")
    exec(compile(code, "docs/log.md", "exec"), {})


@pytest.mark.parametrize("code", list(ExitCode), ids=lambda code: code.name)
def test_every_exit_code_is_in_the_table(code: ExitCode) -> None:
    table = PAGE[PAGE.index("| code | |") : PAGE.index("## Figures")]
    assert int(code) in {int(n) for n in re.findall(r"\d+", table)}


def test_every_count_of_a_host_is_in_the_table(tmp_path: Path) -> None:
    async def main() -> Counter[str]:
        host = Host(settings_in(tmp_path), replace(parts_in(tmp_path), intake=Hand))
        running = asyncio.create_task(host.run())
        await host.ready.wait()
        assert isinstance(host.intake, Hand)
        assert isinstance(host.health, Health)
        for text in ("a", "poison"):
            await host.intake.publish(text)
        host.stop()
        await running
        return host.counts

    counts = asyncio.run(main())
    assert Shelf(tmp_path / "shelf.db").rows("select count(*) from letter") == [(1,)]
    assert counts["detect.taken"]
    assert [name for name in counts if f"`{name}`" not in PAGE] == []


def test_the_settings_it_speaks_of_exist() -> None:
    for name in re.findall(r"`((?:retain|snapshot|drain|status)_\w+)`", PAGE):
        assert name in HostSettings.__dataclass_fields__ or name == "status_failed", name
