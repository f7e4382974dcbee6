"""What a Mosquitto says it has thrown away: messages that it had acknowledged to their senders."""

import logging

log = logging.getLogger("outfall.intake")

TOPIC = "$SYS/broker/publish/messages/dropped"
"""Messages dropped since the broker started, for whomever they were. Told every `sys_interval`; retained."""


class Dropped:
    """Follows the broker's own count, and says so when it grows.

    >>> counts = {"broker_dropped": 0}
    >>> dropped = Dropped("127.0.0.1:1883", counts)
    >>> [dropped.saw(text) for text in (b"7", b"7", b"9", b"1", b"nonsense")]
    [0, 0, 2, 0, 0]
    >>> counts
    {'broker_dropped': 2}
    """

    def __init__(self, place: str, counts: dict[str, int]) -> None:
        self._place = place
        self._counts = counts
        self._last: int | None = None

    def saw(self, payload: bytes) -> int:
        """The broker's count: how many more than last time. A broker that started again begins at 0."""
        if not payload.isdigit():
            return 0
        now, last = int(payload), self._last
        self._last = now
        more = now - last if last is not None and now > last else 0
        if more:
            self._counts["broker_dropped"] += more
            why = "see max_queued_messages, and outfall doctor"
            log.error("%s: the broker has thrown away %d messages that it had acknowledged; %s", self._place, more, why)
        return more
