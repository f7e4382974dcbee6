"""A simulated monitor: the frames it sends over a span of time. Pure; asked twice, it answers the same bytes."""

import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from sensors.field.happenings import ClockAhead, Happening, LineNoise, LinkCut, PowerCut, Storm, Surge
from sensors.field.signals import LOCAL_MS, sample
from sensors.field.trades import Trade
from sensors.hj212.encode import Item, encode_data
from sensors.reading import Kind
from sensors.registry import Monitor

COMMAND = {Kind.REALTIME: 2011, Kind.MINUTE: 2051, Kind.HOUR: 2061, Kind.DAY: 2031}
SEND_S = {Kind.REALTIME: 1, Kind.MINUTE: 3, Kind.HOUR: 6, Kind.DAY: 9}
"""Seconds from the end of a period (the instant of a real-time value) until its frame is sent."""

SHOTS = 4
"""Instants that make a minute value; Min and Max are theirs."""

H = TypeVar("H", bound=Happening)


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldFrame:
    """One payload as a monitor sends it."""

    at_ms: int  # true time of sending
    mn: str
    kind: Kind
    readings: int  # factors with a value, as sent
    payload: bytes
    copy: bool = False  # sent before, the same bytes
    damaged: bool = False  # not the bytes the monitor meant
    back_filled: bool = False  # sent long after its period
    ahead: bool = False  # its device time lies ahead of true time


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldMonitor:
    """A monitor, what stands behind it, and what happens to it."""

    monitor: Monitor
    trade: Trade  # with the levels of this outlet
    seed: int
    happenings: tuple[Happening, ...] = ()

    def frames(self, from_ms: int, to_ms: int) -> list[FieldFrame]:
        """What it sends in [from_ms, to_ms) of true time, in order of sending."""
        made = [frame for kind in Kind for frame in self._regular(kind, from_ms, to_ms)]
        made += [frame for cut in self._of(LinkCut) for frame in self._back_fill(cut, from_ms, to_ms)]
        sent = [frame for frame in made if frame.back_filled or not self._is_cut(frame.at_ms)]
        return sorted((f for frame in sent for f in self._on_the_line(frame)), key=lambda f: f.at_ms)

    def _regular(self, kind: Kind, from_ms: int, to_ms: int) -> list[FieldFrame]:
        """The frames of one kind whose time of sending lies in the span."""
        length = self.monitor.cadence_s(kind) * 1000
        shift = LOCAL_MS if kind is Kind.DAY else 0
        first = self._sent_after_ms(kind) - shift
        numbers = np.arange(-((first - from_ms) // length), -((first - to_ms) // length))
        starts = self._measured(kind, numbers * length - shift)
        return list(self._encoded(kind, starts))

    def _sent_after_ms(self, kind: Kind) -> int:
        """From the start of a period (the instant of a real-time value) until its frame is sent."""
        period = 0 if kind is Kind.REALTIME else self.monitor.cadence_s(kind) * 1000
        return period + SEND_S[kind] * 1000 + self._own_ms

    def _measured(self, kind: Kind, starts: NDArray[np.int64]) -> NDArray[np.int64]:
        """The periods in which the monitor had power all the time."""
        length = 0 if kind is Kind.REALTIME else self.monitor.cadence_s(kind) * 1000
        for cut in self._of(PowerCut):
            starts = starts[(starts + length <= cut.from_ms) | (starts >= cut.to_ms)]
        return starts

    def _back_fill(self, cut: LinkCut, from_ms: int, to_ms: int) -> Iterator[FieldFrame]:
        """The minute frames kept during a cut, a second apart, all at `back_ms`."""
        if not from_ms <= cut.back_ms < to_ms:
            return
        for number, frame in enumerate(self._regular(Kind.MINUTE, cut.from_ms, cut.to_ms)):
            yield replace(frame, at_ms=cut.back_ms + number * 1000, back_filled=True)

    def _encoded(self, kind: Kind, starts: NDArray[np.int64]) -> Iterator[FieldFrame]:
        """One frame for each period; the clock that counts is the one at the time of sending."""
        if not len(starts):
            return
        columns = [self._texts(kind, n, starts) for n in range(len(self.trade.signals))]
        for row, start in enumerate(starts.tolist()):
            at_ms = start + self._sent_after_ms(kind)
            ahead = sum(c.ahead_ms for c in self._of(ClockAhead) if c.from_ms <= at_ms < c.to_ms)
            items: list[Item] = [(s.code, c[row]) for s, c in zip(self.trade.signals, columns, strict=True)]
            payload = encode_data(
                self.monitor.mn, COMMAND[kind], start + ahead, items, qn_ms=at_ms + ahead, st=self.trade.system
            )
            yield FieldFrame(
                at_ms=at_ms, mn=self.monitor.mn, kind=kind, readings=len(items), payload=payload, ahead=ahead > 0
            )

    def _texts(self, kind: Kind, number: int, starts: NDArray[np.int64]) -> list[dict[str, str]]:
        """The fields of one factor in each frame."""
        signal = self.trade.signals[number]
        surges = self._of(Surge)

        def text(value: float) -> str:
            return f"{value:.{signal.decimals}f}"

        if kind is Kind.REALTIME:
            return [{"Rtd": text(v), "Flag": "N"} for v in sample(signal, self.seed, starts, surges).tolist()]
        minute_ms = self.monitor.minute_min * 60_000
        minutes = self.monitor.cadence_s(kind) * 1000 // minute_ms
        offsets = np.arange(minutes * SHOTS) * (minute_ms // SHOTS)
        shots = sample(signal, self.seed, starts[:, None] + offsets, surges).reshape(len(starts), minutes, SHOTS)
        means = np.round(shots.mean(axis=2), signal.decimals).mean(axis=1)
        rows = zip(shots.min(axis=(1, 2)).tolist(), means.tolist(), shots.max(axis=(1, 2)).tolist(), strict=True)
        return [{"Min": text(low), "Avg": text(mean), "Max": text(high), "Flag": "N"} for low, mean, high in rows]

    def _on_the_line(self, frame: FieldFrame) -> Iterable[FieldFrame]:
        """What arrives of one frame sent: itself, damaged, or many times."""
        if any(n.from_ms <= frame.at_ms < n.to_ms for n in self._of(LineNoise)):
            return [replace(frame, payload=damage(frame.payload, self.seed), damaged=True)]
        copies = max((s.copies for s in self._of(Storm) if s.from_ms <= frame.at_ms < s.to_ms), default=1)
        return [frame, *(replace(frame, copy=True) for _ in range(copies - 1))]

    def _is_cut(self, at_ms: int) -> bool:
        cuts: Sequence[PowerCut | LinkCut] = (*self._of(PowerCut), *self._of(LinkCut))
        return any(c.from_ms <= at_ms < c.to_ms for c in cuts)

    def _of(self, kind: type[H]) -> tuple[H, ...]:
        return tuple(h for h in self.happenings if isinstance(h, kind))

    @property
    def _own_ms(self) -> int:
        """Milliseconds by which its frames lie behind the full second, so that a field does not speak all at once."""
        return zlib.crc32(self.monitor.mn.encode()) % 1000


def damage(payload: bytes, seed: int) -> bytes:
    """The payload with one byte of its data segment changed; the CRC of HJ 212 finds any such change.

    >>> damage(b"##0004data1234", 3)
    b'##0004d`ta1234'
    """
    at = 6 + (zlib.crc32(payload) + seed) % max(1, len(payload) - 12)
    return payload[:at] + bytes([payload[at] ^ 1]) + payload[at + 1 :]
