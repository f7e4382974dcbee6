"""A process that takes a history of alerts and sends its pages to a webhook. To be killed, and started again."""

import asyncio
import sys
from dataclasses import replace
from pathlib import Path

from engine.duty.channels.make import make_channels
from engine.duty.outbox import PageState, page_counts
from engine.duty.sender import Sender
from engine.duty.settings import ChannelKind, ChannelSettings, Secret
from rules.alert import AlertEvent, Step
from tests.duty_cases import SETTINGS, desk_in, step, window

ALERTS = 12


def history() -> list[AlertEvent]:
    """Alerts of hours far apart, each with its end: two pages an alert."""
    opened = [window(3 * n) for n in range(ALERTS)]
    return [event for alert in opened for event in (alert, step(alert, Step.RETURNED))]


async def main(folder: Path, url: str) -> None:
    """Take all of it again from the start, as after a crash, and send until everything is delivered."""
    bot = ChannelSettings(name="bot", kind=ChannelKind.WEBHOOK, url=url, secret=Secret("k"))
    settings = replace(SETTINGS, channels=(bot,))
    desk = desk_in(folder, settings)
    sender = Sender(desk.db, settings, make_channels(settings.channels))
    desk.wake = sender.wake
    await sender.start()
    for event in history():
        assert await asyncio.to_thread(desk.take, [event]) is None
    while set(page_counts(desk.db)) != {PageState.DELIVERED.value}:
        await asyncio.sleep(0.01)
    await sender.stop()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), sys.argv[2]))
