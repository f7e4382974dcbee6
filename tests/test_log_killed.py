"""kill -9 at any instant: whatever was answered with `Stored` is in the file once, in order, without gaps."""

import itertools
import random
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from engine.log.reader import LogReader
from engine.log.record import Record, RecordKind, Topic
from sensors.frames import FrameBatch

ROUNDS = 10
Message = tuple[int, int, int]
"""round, publisher, number."""


def kill_a_publisher(data: Path, round_: int, lines: int) -> dict[Message, tuple[int, int]]:
    """Start a publisher, kill it after it said so many lines; what it had said: message -> (partition, offset)."""
    command = [sys.executable, "-m", "tests.log_publisher", str(data), str(round_)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        said = list(itertools.islice(child.stdout, lines))
        child.kill()
        said += child.stdout.readlines()
    whole = [line.split() for line in said if line.endswith(b"\n")]
    return {(round_, int(p), int(n)): (int(partition), int(offset)) for p, n, partition, offset in whole}


def messages(records: list[Record]) -> Iterator[tuple[Message, int]]:
    """Each payload with the offset of its record."""
    for record in records:
        if record.kind is RecordKind.FRAMES:
            batch = FrameBatch.decode(record.body)
            for row in range(len(batch)):
                round_, publisher, number = (int(part) for part in batch.payload(row).split())
                yield (round_, publisher, number), record.offset


def check(data: Path, answered: dict[Message, tuple[int, int]]) -> None:
    found: dict[Message, tuple[int, int]] = {}
    with LogReader(data / "log.db") as reader:
        for partition in (0, 1):
            records = list(reader.records(Topic.FRAMES, partition))
            assert [r.offset for r in records] == list(range(len(records)))
            assert all(a.log_ms < b.log_ms for a, b in itertools.pairwise(records))
            mine = list(messages(records))
            assert len({message for message, _ in mine}) == len(mine), "a payload stands in the log twice"
            for publisher in range(8):
                numbers = [(m[0], m[2]) for m, _ in mine if m[1] == publisher]
                assert numbers == sorted(numbers), "payloads of one publisher changed places"
            found.update((message, (partition, offset)) for message, offset in mine)
        assert not reader.damaged
    lost = {message: place for message, place in answered.items() if found.get(message) != place}
    assert not lost, f"answered with Stored, but not there: {lost}"


def test_no_answered_payload_is_lost_or_doubled_by_kill_9(tmp_path: Path) -> None:
    dice = random.Random(11)
    answered: dict[Message, tuple[int, int]] = {}
    for round_ in range(ROUNDS):
        answered.update(kill_a_publisher(tmp_path, round_, dice.randrange(1, 1500)))
        check(tmp_path, answered)
    assert len(answered) > 1000
