"""Where the time of one reading goes, stage by stage, on one core: us a frame and us a reading.

    python -m bench.flow                       # 1,000 stacks x 8 factors, 75 minutes
    python -m bench.flow --outlets 200 --json  # seconds

Each stage is called as the pipeline calls it, on records of `--batch` frames, and timed alone. 75 minutes, so that an
hour of every outlet is judged. "share" is the part of the sum of all stages. Making the frames is not in it.
"""

import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

from bench._district import MINUTE_MS, Frames, make_registry, make_rules, mn_of
from bench._measure import Report, in_child, parser
from engine.demo.story import START_MS
from engine.detect.facts import Facts
from engine.log.api import Stored
from engine.log.facts_codec import decode_facts, encode_facts
from engine.log.record import RecordKind, Topic
from engine.log.sqlite import SqliteLog
from engine.store.local import LocalStore
from engine.store.names import Names
from rules.judge import Judge
from rules.kinds.monitors import Heard
from rules.planner import plan_for
from sensors.decoder import Decoder
from sensors.frames import FrameBatch
from sensors.mqtt.build import build
from sensors.mqtt.packets import Publish, Version
from sensors.mqtt.reader import PacketReader

FACTORS = 8
T = TypeVar("T")


class Stopwatch:
    """Seconds by stage."""

    def __init__(self) -> None:
        self.seconds: defaultdict[str, float] = defaultdict(float)

    def time(self, stage: str, work: Callable[[], T]) -> T:
        """Do it, and add what it took."""
        start = time.perf_counter()
        result = work()
        self.seconds[stage] += time.perf_counter() - start
        return result


def batches(outlets: int, minutes: int, batch: int) -> Iterator[tuple[int, list[tuple[str, bytes]]]]:
    """(log time, [(MN, payload)]): the outlets one after the other, minute after minute."""
    frames = Frames.make()
    rows: list[tuple[str, bytes]] = []
    log_ms = START_MS
    for minute in range(minutes):
        for outlet in range(outlets):
            over = (outlet + minute) % 500 == 0
            rows.append((mn_of(outlet), frames.payload(outlet, START_MS + minute * MINUTE_MS, over=over)))
            if len(rows) == batch:
                log_ms = max(log_ms + 1, START_MS + (minute + 1) * MINUTE_MS + outlet * MINUTE_MS // outlets)
                yield log_ms, rows
                rows = []


def run(outlets: int, minutes: int, batch: int, folder: str) -> tuple[dict[str, float], int, Counter[str]]:
    """Seconds by stage, frames, and what came of them."""
    registry = make_registry(outlets)
    rules = make_rules(registry)
    watch, came = Stopwatch(), Counter[str]()
    judge, decoder = Judge(plan_for(registry, rules, partition=0, partitions=1)), Decoder(registry)
    with (
        SqliteLog(Path(folder)) as log,
        LocalStore(Path(folder), Names(registry=registry, rules=rules)) as store,
    ):
        for number, (log_ms, rows) in enumerate(batches(outlets, minutes, batch)):
            if number == 2:  # the first records pay for loading compiled code
                watch.seconds.clear()
                came.clear()
            _one_record(watch, came, log_ms, rows, (log, decoder, judge, store))
    return dict(watch.seconds), came["frames"], came


def _one_record(
    watch: Stopwatch,
    came: Counter[str],
    log_ms: int,
    rows: list[tuple[str, bytes]],
    stages: tuple[SqliteLog, Decoder, Judge, LocalStore],
) -> None:
    log, decoder, judge, store = stages
    wire = b"".join(build(Publish(f"outfall/v1/{mn}/up", payload, 1, 1), Version.V311) for mn, payload in rows)
    watch.time("mqtt: read packets", lambda: read_packets(wire))
    batch = watch.time("intake: one record", lambda: FrameBatch.of([(log_ms, mn, mn, p) for mn, p in rows]))
    body = watch.time("intake: encode", batch.encode)
    watch.time("log: commit FRAMES", lambda: _commit(log, Topic.FRAMES, RecordKind.FRAMES, body, log_ms))
    frames = watch.time("detect: open record", lambda: FrameBatch.decode(body))
    decoded = watch.time("detect: decode", lambda: decoder.decode(frames))
    watch.time("detect: judge what is due", lambda: judge.advance(log_ms))
    watch.time("detect: hear", lambda: judge.hear(Heard(monitor=decoded.monitor, log_ms=frames.log_ms)))
    outcome = watch.time("detect: assign and judge", lambda: judge.take(decoded.readings))
    found = judge.drain()
    facts = Facts(log_ms=log_ms, offset=0, readings=decoded.readings, outcome=outcome, counts=decoded.counts)
    said = watch.time("detect: encode facts", lambda: encode_facts(facts))
    watch.time("log: commit READINGS", lambda: _commit(log, Topic.READINGS, RecordKind.DATA, said, log_ms))
    kept = watch.time("store: decode facts", lambda: decode_facts(said))
    watch.time("store: keep readings", lambda: store.write(kept))
    came.update(frames=len(rows), readings=len(outcome), events=len(found.events))


def read_packets(wire: bytes) -> int:
    """Parse PUBLISH packets as the endpoint does, 64 KiB at a time."""
    reader = PacketReader(packet_max=1 << 20)
    count = 0
    for at in range(0, len(wire), 65536):
        reader.feed(wire[at : at + 65536])
        while reader.next() is not None:
            count += 1
    return count


def _commit(log: SqliteLog, topic: Topic, kind: RecordKind, body: bytes, log_ms: int) -> None:
    answer = log.append(topic, 0, kind, body, log_ms=log_ms).result()
    if not isinstance(answer, Stored):
        raise RuntimeError(f"log: expected the record to be stored, got {answer}")


def measured(outlets: int, minutes: int, batch: int) -> tuple[dict[str, float], int, dict[str, int]]:
    """`run` in a folder of its own."""
    with tempfile.TemporaryDirectory() as folder:
        seconds, frames, came = run(outlets, minutes, batch, folder)
    return seconds, frames, dict(came)


def main() -> None:
    """The command."""
    options = parser(__doc__)
    options.add_argument("--outlets", type=int, default=1000)
    options.add_argument("--minutes", type=int, default=75)
    options.add_argument("--batch", type=int, default=500, help="frames a record")
    given = options.parse_args()
    (seconds, frames, came), peak = in_child(measured, given.outlets, given.minutes, given.batch)
    total = sum(seconds.values())
    report = Report(
        bench="bench.flow", title=f"{given.outlets:,} outlets x {FACTORS} factors, records of {given.batch} frames"
    )
    for stage, spent in [*seconds.items(), ("all stages", total)]:
        report.add(
            stage=stage,
            us_a_frame=round(spent / frames * 1e6, 3),
            us_a_reading=round(spent / frames / FACTORS * 1e6, 4),
            readings_s=round(came["readings"] / spent),
            share=round(spent / total, 4),
            peak_mib=round(peak, 1),
        )
    report.notes.append(f"{frames:,} frames, {came['readings']:,} readings, {came['events']:,} alert steps")
    report.show(as_json=given.json)


if __name__ == "__main__":
    main()
