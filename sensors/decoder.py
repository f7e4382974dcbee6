"""From payloads to readings: the decoder that live intake, replay and tests share."""

from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sensors import jsonv1
from sensors.frames import FrameBatch
from sensors.hj212 import read as hj212
from sensors.hj212.exact_item import CODE_MAX
from sensors.hj212.packets import Assembler
from sensors.hj212.scan import Scanned, Scanner
from sensors.ledger import Ledger, Payload, Refused
from sensors.lookup import Lookup
from sensors.reading import ReadingBatch
from sensors.refusal import Reason, Refusal
from sensors.registry import Registry
from sensors.resolve import resolve, shown, speaker
from sensors.rows import merged

PAYLOAD_MAX = 64 * 1024
FIELDS_MAX = 10_000
"""Fields (HJ 212) or readings (JSON v1) of one payload."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decoded:
    """What a batch of payloads says.

    `counts`: payload.in = payload.decoded + payload.refused, the same for frame.* and reading.*; command.<CN>;
    tolerance.<name>; field.other (fields that are no reading, kept in the frame only); field.code_2005; frame.resent
    (RF=1); frame.waiting (split packets without a time). A payload is decoded if at least one of its frames is.
    """

    readings: ReadingBatch
    payload_row: NDArray[np.int32]  # (readings,): row of the FrameBatch
    monitor: NDArray[np.int32]  # (payloads,): position in Registry.monitors of who is heard, -1 unknown
    refused: tuple[Refusal, ...] = ()
    counts: dict[str, int] = field(default_factory=dict)


class Decoder:
    """Decodes batches of payloads, in log order. Its only state are split uploads that wait for their packets.

    Payloads in the exact grammar go through compiled code without an object per reading; all others, and only they,
    through the tolerant readers, which give the same for the exact grammar (`compiled=False` sends all that way).
    """

    def __init__(self, registry: Registry, *, compiled: bool = True) -> None:
        self._compiled = compiled
        self._lookup = Lookup(registry)
        self._scanner = Scanner(self._lookup)
        self._assembler = Assembler()

    @property
    def registry(self) -> Registry:
        """The registry it decodes by."""
        return self._lookup.registry

    def with_registry(self, registry: Registry) -> "Decoder":
        """The same decoder from a new version of the registry on; what waited goes on waiting."""
        new = Decoder(registry, compiled=self._compiled)
        new.restore(self.state())
        return new

    def state(self) -> Any:
        """All that a restart must know, as JSON."""
        return {"packets": self._assembler.state()}

    def restore(self, state: Any) -> None:
        """The inverse of `state`."""
        self._assembler.restore(state["packets"])

    def decode(self, batch: FrameBatch) -> Decoded:
        """Everything a batch says. Any bytes give readings or refusals, never an error."""
        scanned = self._scanner.scan(batch) if self._compiled else Scanned.nothing(len(batch))
        ledger = Ledger()
        monitor = scanned.monitor.copy()
        for row in np.flatnonzero(~scanned.done).tolist():
            monitor[row] = self._read(_payload(batch, row), ledger)
        if len(batch):
            hj212.report(self._assembler.expire(int(batch.log_ms[-1])), ledger)
        ledger.counts["payload.in"] += len(batch)
        ledger.counts["payload.decoded"] += int(scanned.done.sum())
        ledger.counts.update(scanned.counts)
        self._refuse_strange(batch, scanned, ledger)
        ledger.counts["reading.decoded"] = len(scanned.columns.row) + len(ledger.rows)
        return _decoded(batch, scanned, ledger, monitor)

    def expire(self, log_ms: int) -> tuple[Refusal, ...]:
        """Report split uploads whose time is over, where a log goes on (ticks) without a payload."""
        ledger = Ledger()
        hj212.report(self._assembler.expire(log_ms), ledger)
        return tuple(ledger.refused)

    def _refuse_strange(self, batch: FrameBatch, scanned: Scanned, ledger: Ledger) -> None:
        """Refuse what the quick way found of factors their outlet does not have, frame by frame."""
        for (row, _, monitor), group in groupby(scanned.strange.tolist(), key=lambda strange: tuple(strange[:3])):
            codes = [strange[3].to_bytes(CODE_MAX, "big").lstrip(b"\0").decode("ascii") for strange in group]
            complaints = {Reason.UNKNOWN_FACTOR: [shown(code) for code in codes]}
            mn = self._lookup.registry.monitors[monitor].mn
            ledger.refuse_all(complaints, _payload(batch, row), mn, self._lookup.outlet(monitor).id)

    def _read(self, payload: Payload, ledger: Ledger) -> int:
        """Read one payload with tolerance; the monitor that was heard."""
        hj212.report(self._assembler.expire(payload.log_ms), ledger)
        try:
            accepted = self._enter(payload, ledger)
        except Refused as refused:
            mn = payload.login or hj212.named_mn(payload.data)
            ledger.refuse(refused.reason, payload, mn, str(refused), refused.readings)
            accepted = False
        ledger.counts["payload.decoded" if accepted else "payload.refused"] += 1
        return self._heard(payload)

    def _enter(self, payload: Payload, ledger: Ledger) -> bool:
        if len(payload.data) > PAYLOAD_MAX:
            detail = f"payload: expected at most {PAYLOAD_MAX} bytes, got {len(payload.data)}"
            raise Refused(Reason.TOO_LARGE, detail)
        if jsonv1.is_json(payload.data):
            self._enter_json(payload, ledger)
            return True
        fields = payload.data.count(b";") + payload.data.count(b",")
        if fields > FIELDS_MAX:
            raise Refused(Reason.TOO_MANY_FACTORS, f"payload: expected at most {FIELDS_MAX} fields, got {fields}")
        return hj212.read_payload(payload, self._lookup, self._assembler, ledger)

    def _enter_json(self, payload: Payload, ledger: Ledger) -> None:
        message = jsonv1.read_message(payload.data)
        monitor = speaker(message.mn, payload, self._lookup, lambda: sum(len(u.sent) for u in message.uploads))
        for upload in message.uploads:
            resolve(upload, monitor, payload, self._lookup, ledger)

    def _heard(self, payload: Payload) -> int:
        """Who was heard, decodable or not: who logged in; behind a gateway, the MN of the topic; in an import, any."""
        if not payload.login:
            mn = hj212.named_mn(payload.data)
        else:
            mn = payload.login if payload.login in self._lookup.mn_no else payload.claimed
        return self._lookup.monitor(mn, payload.log_ms)


def _payload(batch: FrameBatch, row: int) -> Payload:
    return Payload(
        row=row,
        log_ms=int(batch.log_ms[row]),
        login=batch.names[batch.login[row]],
        claimed=batch.names[batch.claimed[row]],
        data=batch.payload(row),
    )


def _decoded(batch: FrameBatch, scanned: Scanned, ledger: Ledger, monitor: NDArray[np.int32]) -> Decoded:
    """Both ways together, in the order of the payloads."""
    rows = merged(scanned.columns, ledger.rows)
    readings = ReadingBatch(
        series=rows.series, device_ms=rows.device_ms, value=rows.value, flag=rows.flag, log_ms=batch.log_ms[rows.row]
    )
    counts = {name: n for name, n in sorted(ledger.counts.items()) if n}
    refused = sorted(ledger.refused, key=lambda refusal: (refusal.log_ms, refusal.row))
    return Decoded(readings=readings, payload_row=rows.row, monitor=monitor, refused=tuple(refused), counts=counts)
