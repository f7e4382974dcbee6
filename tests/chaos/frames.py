"""What a monitor of the chaos run says: HJ 212 frames, each unlike any other, made without the project's own encoder."""

import re
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone

CHINA = timezone(timedelta(hours=8))
SLOT_S = 600
HOURS_BACK, HOURS_AHEAD = 26, 2
SLOTS = (HOURS_BACK + HOURS_AHEAD) * 6
REALTIME_EVERY, WRONG_CLOCK_EVERY = 8, 97


@dataclass(frozen=True)
class Monitor:
    """One monitor: a stack or an outfall."""

    mn: str
    gas: bool
    quiet: bool = False  # falls silent now and then


def monitors(count: int) -> list[Monitor]:
    """So many monitors, stacks and outfalls by turns; the first two fall silent now and then."""
    return [Monitor(mn=f"{0xC4A05 << 64 | n:024X}", gas=n % 2 == 0, quiet=n < 2) for n in range(count)]


SPAN = re.compile(rb"BeginTime=(\d{14}),?;?EndTime=(\d{14})")
"""What a request for history names."""


@dataclass(frozen=True)
class Speech:
    """What one monitor says, message by message, when its run began at `began_s`; and what it has said, by when."""

    monitor: Monitor
    began_s: float
    said: list[tuple[float, bytes]] = field(default_factory=list)

    def message(self, number: int) -> bytes:
        """Message `number`, said now."""
        payload = self._message(number)
        self.said.append((time.time(), payload))
        return payload

    def history(self, request: bytes) -> list[bytes]:
        """What it said in the span that a request for minute means (CN=2051) names; nothing for any other command.

        A monitor of the field would look for data times; the walk of this one has nothing to do with the time of day.
        """
        span = SPAN.search(request)
        if span is None or b"CN=2051" not in request:
            return []
        begin_s, end_s = map(_seconds, span.groups())
        return [payload for at_s, payload in self.said if begin_s <= at_s <= end_s]

    def _message(self, number: int) -> bytes:
        """Mostly ten minutes of a walk over the last day that begins again and again with other values."""
        if number % WRONG_CLOCK_EVERY == WRONG_CLOCK_EVERY - 1:
            return self._frame(number, "2011", time.time() + 86_400, self._realtime(number))
        if number % REALTIME_EVERY == 0:
            return self._frame(number, "2011", time.time(), self._realtime(number))
        walked = number - number // REALTIME_EVERY
        slot, round_ = walked % SLOTS, walked // SLOTS
        start = self.began_s // 3600 * 3600 + (slot - HOURS_BACK * 6) * SLOT_S
        return self._frame(number, "2051", start, self._minutes(slot // 6, round_))

    def _realtime(self, number: int) -> dict[str, float]:
        """Five readings over the limit, then seven below it."""
        high = number // REALTIME_EVERY % 12 < 5
        return {"a21002-Rtd": 250.0 if high else 120.0} if self.monitor.gas else {"w21003-Rtd": 7.5 if high else 2.0}

    def _minutes(self, hour: int, round_: int) -> dict[str, float]:
        """Every fifth hour is over the limit; which one changes from round to round, so that alerts come and go."""
        high = (hour + 3 * round_) % 5 == 0
        if self.monitor.gas:
            return {"a21026-Avg": (150.0 if high else 60.0) + round_, "a19001-Avg": 7.5}
        return {"w01018-Avg": (90.0 if high else 20.0) + round_, "w00000-Avg": 12.5, "w01001-Avg": 9.6 if high else 7.2}

    def _frame(self, number: int, command: str, when_s: float, values: dict[str, float]) -> bytes:
        """QN counts messages from the beginning of the run: no two frames of a monitor are alike."""
        qn = _local(self.began_s + number / 1000)
        area = ";".join(f"{name}={value:.2f},{name.split('-')[0]}-Flag=N" for name, value in values.items())
        system = 31 if self.monitor.gas else 32
        head = f"QN={qn:%Y%m%d%H%M%S}{qn.microsecond // 1000:03d};ST={system};CN={command};PW=123456;MN={self.monitor.mn}"
        data = f"{head};Flag=4;CP=&&DataTime={_local(when_s):%Y%m%d%H%M%S};{area}&&".encode()
        return b"##%04d%b%04X\r\n" % (len(data), data, crc(data))


def crc(data: bytes) -> int:
    """The check sum of HJ 212-2017, annex A.

    >>> f"{crc(b'123456789'):04X}"
    '2F80'
    """
    register = 0xFFFF
    for byte in data:
        register = (register >> 8) ^ byte
        for _ in range(8):
            register = (register >> 1) ^ (0xA001 if register & 1 else 0)
    return register


def _seconds(local: bytes) -> float:
    return datetime.strptime(local.decode(), "%Y%m%d%H%M%S").replace(tzinfo=CHINA).timestamp()


def _local(seconds: float) -> datetime:
    return datetime.fromtimestamp(round(seconds, 3), UTC).astimezone(CHINA)
