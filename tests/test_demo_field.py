"""The field as a process of its own, against a real endpoint and a real log: what it says it sent is what is there."""

import asyncio
import os
from pathlib import Path

from engine.demo.field_process import FieldOptions, start_field
from engine.demo.story import START_MS
from engine.demo.tally import FieldMemory
from engine.intake.credentials import Credentials
from engine.intake.endpoint import MqttEndpoint
from engine.intake.settings import IntakeSettings
from engine.log.record import RecordKind, Topic
from engine.log.sqlite import SqliteLog
from sensors.field.district import HOUR_MS, make_district, mn_of
from sensors.frames import FrameBatch


async def play(data: Path, hours: float, *, wrong_secret: bool = False) -> tuple[FieldMemory, list[FrameBatch]]:
    memory = FieldMemory(data, start_ms=START_MS)
    credentials = Credentials(data / "devices.json")
    secrets = credentials.add_many({monitor.mn: () for monitor in make_district().registry.monitors})
    if wrong_secret:
        secrets[mn_of(2)] = "guess"
    with SqliteLog(data, now_ms=memory.now_ms) as log:
        endpoint = MqttEndpoint(IntakeSettings(port=0), log, credentials, lambda _mn: 0)
        await endpoint.start()
        field = start_field(
            FieldOptions(folder=str(data), parent=os.getpid(), secrets=secrets, seed=1, hours=hours, step_s=60, speed=0.0)
        )
        memory.raw.port = endpoint.port
        while field.poll() is None:
            await asyncio.sleep(0.02)
        await endpoint.stop()
        records = log.read(Topic.FRAMES, 0, 0, 100_000)
    return memory, [FrameBatch.decode(r.body) for r in records if r.kind is RecordKind.FRAMES]


def test_every_frame_of_half_an_hour_is_acknowledged_and_in_the_log_at_its_time(tmp_path: Path) -> None:
    memory, batches = asyncio.run(play(tmp_path, 0.5))
    tally = memory.tally()
    sent = [frame for frame in make_district().frames(START_MS, START_MS + HOUR_MS // 2) if frame.mn]
    assert memory.trouble == ""
    assert tally.made == tally.published == tally.acknowledged == len(sent) == sum(map(len, batches))
    assert tally.readings == sum(frame.readings for frame in sent)
    times = [int(log_ms) for batch in batches for log_ms in batch.log_ms]
    assert all(START_MS < log_ms <= START_MS + HOUR_MS // 2 + 1000 for log_ms in times)


def test_a_monitor_with_a_wrong_secret_ends_the_field_with_a_word(tmp_path: Path) -> None:
    memory, batches = asyncio.run(play(tmp_path, 0.5, wrong_secret=True))
    assert mn_of(2) in memory.trouble and "login refused" in memory.trouble
    assert batches == [] and memory.tally().published == 0
