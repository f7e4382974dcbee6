"""A process that takes a history of alerts and sends its pages to a webhook. To be killed, and started again."""

import asyncio
import sys
import time
from dataclasses import replace

from engine.database.place import Place
from engine.duty.channels.make import make_channels
from engine.duty.outbox import PageState, page_counts
from engine.duty.sender import ALONE, Sender
from engine.duty.settings import ChannelKind, ChannelSettings, Secret
from rules.alert import AlertEvent, Step
from tests.database_places import place_from
from tests.duty_cases import SETTINGS, desk_in, step, window

ALERTS = 12
LEASE_S = 2.5
"""A page that a sender was at for so long is another's."""


def history() -> list[AlertEvent]:
    """Alerts of hours far apart, each with its end: two pages an alert."""
    opened = [window(3 * n) for n in range(ALERTS)]
    return [event for alert in opened for event in (alert, step(alert, Step.RETURNED))]


async def main(place: Place, url: str, name: str) -> None:
    """Take all of it again from the start, as after a crash, and send until everything is delivered."""
    bot = ChannelSettings(name="bot", kind=ChannelKind.WEBHOOK, url=url, secret=Secret("k"))
    sending = SETTINGS.sending if name == ALONE else replace(SETTINGS.sending, lease_s=LEASE_S)
    settings = replace(SETTINGS, channels=(bot,), sending=sending)
    desk = desk_in(place, settings)
    sender = Sender(desk.db, settings, make_channels(settings.channels), name=name)
    desk.wake = sender.wake
    await sender.start()
    for event in history():
        assert await asyncio.to_thread(desk.take, [event]) is None
    while set(page_counts(desk.db)) != {PageState.DELIVERED.value}:
        await asyncio.sleep(0.02)
    await sender.stop()


def go_wrong(hours: float) -> None:
    """From now on this host's clock is so far ahead."""
    real, real_ns = time.time, time.time_ns
    time.time = lambda: real() + hours * 3600
    time.time_ns = lambda: real_ns() + round(hours * 3600e9)


if __name__ == "__main__":
    go_wrong(float(sys.argv[4]))
    asyncio.run(main(place_from(sys.argv[1]), sys.argv[2], sys.argv[3]))
