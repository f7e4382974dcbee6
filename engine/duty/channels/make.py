"""Channels from their settings."""

from collections.abc import Callable, Iterable

from engine.duty.channels.channel import Channel
from engine.duty.channels.terminal import Terminal, to_stdout
from engine.duty.channels.webhook import Webhook
from engine.duty.settings import ChannelKind, ChannelSettings, Secret


def make_channels(settings: Iterable[ChannelSettings], *, show: Callable[[str], None] = to_stdout) -> dict[str, Channel]:
    """By name. `show` is where terminal pages go."""
    return {one.name: _make(one, show) for one in settings}


def _make(one: ChannelSettings, show: Callable[[str], None]) -> Channel:
    match one.kind:
        case ChannelKind.TERMINAL:
            return Terminal(show)
        case ChannelKind.WEBHOOK:
            return Webhook(url=one.url, secret=one.secret or Secret(""), timeout_s=one.timeout_s)
