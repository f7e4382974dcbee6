"""A file that was cut short or has a flipped byte: said with file, topic, partition and offset, and read around."""

import itertools
import random
import shutil
from pathlib import Path

import pytest

from engine.log.errors import Damage, LogError
from engine.log.reader import LogReader
from engine.log.record import Record, RecordKind, Topic
from engine.log.sqlite import SqliteLog

RECORDS = 300


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A log of records that say their own number, 700 bytes each, in two partitions of FRAMES."""
    data = tmp_path_factory.mktemp("sound")
    with SqliteLog(data, partitions=2) as log:
        for n in range(RECORDS):
            for partition in (0, 1):
                future = log.append(Topic.FRAMES, partition, RecordKind.TICK, body(n), log_ms=10 * n + 10)
        future.result()
    return data


def body(n: int) -> bytes:
    return b"record %03d " % n * 63 + b"."


def copy(sound: Path, tmp_path: Path) -> Path:
    shutil.copytree(sound, tmp_path / "data")
    return tmp_path / "data"


def read_all(file: Path, partition: int = 0) -> tuple[list[Record], list[Damage]]:
    said: list[Damage] = []
    with LogReader(file, said.append) as reader:
        records = list(reader.records(Topic.FRAMES, partition))
        assert list(reader.damaged.values()) == said
    return records, said


def test_a_flipped_byte_in_a_record_is_named_and_the_others_are_read(sound: Path, tmp_path: Path) -> None:
    file = copy(sound, tmp_path) / "log.db"
    content = bytearray(file.read_bytes())
    content[content.index(body(100)) + 20] ^= 1  # the first of the two partitions to have it
    file.write_bytes(content)
    records, said = read_all(file)
    assert [str(d) for d in said] == [f"{file}: frames/0 offset 100: its checksum is wrong"]
    assert [r.offset for r in records] == list(range(RECORDS))
    assert [r.body for r in records if r.offset != 100] == [body(n) for n in range(RECORDS) if n != 100]
    stand_in = records[100]
    assert (stand_in.kind, stand_in.log_ms, stand_in.body) == (RecordKind.TICK, records[99].log_ms + 1, b"damaged")
    assert read_all(file, 1)[1] == []


def test_a_damaged_page_costs_its_own_records_only(sound: Path, tmp_path: Path) -> None:
    file = copy(sound, tmp_path) / "log.db"
    content = bytearray(file.read_bytes())
    page = content.index(body(200)) // 4096 * 4096
    content[page : page + 8] = b"\xff" * 8
    file.write_bytes(content)
    records, said = read_all(file)
    assert [r.offset for r in records] == list(range(RECORDS))
    assert 200 in {d.offset for d in said}
    assert len(said) < 10
    lost = {d.offset for d in said}
    assert all(r.body == body(r.offset) for r in records if r.offset not in lost)
    assert all(a.log_ms < b.log_ms for a, b in itertools.pairwise(records))


def test_the_stand_in_of_a_damaged_record_does_not_depend_on_where_reading_starts(sound: Path, tmp_path: Path) -> None:
    file = copy(sound, tmp_path) / "log.db"
    content = bytearray(file.read_bytes())
    for n in (0, 1, 150, 151, 152, 299):
        content[content.index(body(n)) + 20] ^= 1
    file.write_bytes(content)
    whole, _ = read_all(file)
    with LogReader(file, lambda damage: None) as reader:
        single = [reader.read(Topic.FRAMES, 0, offset, 1)[0] for offset in range(RECORDS)]
    assert single == whole


def test_a_writer_refuses_a_file_cut_short_and_says_what_is_left(sound: Path, tmp_path: Path) -> None:
    data = copy(sound, tmp_path)
    file = data / "log.db"
    with file.open("r+b") as stream:
        stream.truncate(file.stat().st_size // 2 // 4096 * 4096)
    with pytest.raises(LogError) as caught:
        SqliteLog(data, partitions=2)
    message = str(caught.value)
    assert message.startswith(f"{file}: cut short: ")
    assert "frames/0 can be read up to offset " in message
    assert f" of {RECORDS - 1}; frames/1 can be read up to offset " in message
    records, said = read_all(file)
    assert len(records) == RECORDS
    assert 0 < len(said) < RECORDS
    assert all(r.body in (body(r.offset), b"damaged") for r in records)


def test_a_file_cut_inside_its_first_page_is_named(sound: Path, tmp_path: Path) -> None:
    data = copy(sound, tmp_path)
    with (data / "log.db").open("r+b") as stream:
        stream.truncate(1000)
    with pytest.raises(LogError, match=r"log.db: cut short: \d+ pages .* Nothing of it can be read"):
        SqliteLog(data, partitions=2)


def test_no_flipped_bit_makes_a_reader_fail_or_tell_a_lie(sound: Path, tmp_path: Path) -> None:
    """Seeded: 100 single bits anywhere in the file. It is refused by name, or what is read is true and complete."""
    pristine = (sound / "log.db").read_bytes()
    dice = random.Random(3)
    file = tmp_path / "log.db"
    refused = reported = 0
    for _ in range(100):
        content = bytearray(pristine)
        content[dice.randrange(len(content))] ^= 1 << dice.randrange(8)
        file.write_bytes(content)
        try:
            seen = [read_all(file, partition) for partition in (0, 1)]
        except LogError as error:
            refused += 1
            assert str(file) in str(error)
            continue
        reported += any(said for _, said in seen)
        for records, said in seen:
            lost = {d.offset for d in said}
            true = [(r.offset, r.body, r.log_ms) for r in records if r.offset not in lost]
            assert true == [(n, body(n), 10 * n + 10) for n in range(RECORDS) if n not in lost]
    assert reported > 80


def test_an_end_that_was_set_back_is_no_reason_to_forget_records(sound: Path, tmp_path: Path) -> None:
    data = copy(sound, tmp_path)
    with SqliteLog(data, partitions=2) as log:
        log.run(lambda db: db.execute("update partition set next = 100 where no = 1")).result()
    with pytest.raises(LogError, match=r"frames/0: expected no record from offset 100 on, found 299: its end is dam"):
        SqliteLog(data, partitions=2)
