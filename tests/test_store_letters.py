"""Dead letters: counted once however often a record comes, with an example, and bounded without losing count."""

from pathlib import Path

import pytest

from engine.log.record import RecordKind, Topic
from engine.log.sqlite import SqliteLog
from engine.stages import DeadLetter
from engine.store import letters
from engine.store.letters import OTHERS, Letter
from engine.store.local import LocalStore
from engine.store.payloads import LogPayloads
from sensors.frames import FrameBatch
from sensors.refusal import Reason, Refusal
from tests.store_cases import MINUTE, NAMES, NOON, facts_of


def refusal(detail: str = "crc 1C80, expected 1D90", *, mn: str = "M1", log_ms: int = NOON, count: int = 8) -> Refusal:
    return Refusal(reason=Reason.BAD_CRC, mn=mn, detail=detail, log_ms=log_ms, row=2, count=count)


@pytest.fixture
def store(tmp_path: Path) -> LocalStore:
    return LocalStore(tmp_path, NAMES, payload_of=lambda partition, offset, row: f"{partition}/{offset}/{row}".encode())


def test_refusals_of_one_kind_are_one_letter_with_the_first_as_its_example(store: LocalStore) -> None:
    store.write(facts_of(log_ms=NOON, offset=7, refused=[refusal(), refusal()]))
    store.write(facts_of(log_ms=NOON + MINUTE, offset=8, refused=[refusal(log_ms=NOON + MINUTE)]))
    assert store.read.dead_letters() == [
        Letter(
            reason="bad_crc",
            mn="M1",
            detail="crc 1C80, expected 1D90",
            count=3,
            readings=24,
            first_ms=NOON,
            last_ms=NOON + MINUTE,
            partition=0,
            offset=7,
            row=2,
            sample=b"0/7/2",
        )
    ]


def test_a_record_that_comes_again_is_not_counted_again(store: LocalStore) -> None:
    for log_ms in (NOON, NOON + 1, NOON, NOON + 1):
        store.write(facts_of(log_ms=log_ms, refused=[refusal()]))
    assert store.read.refusal_counts() == {"bad_crc": 2}


def test_letters_can_be_asked_for_by_reason_and_monitor(store: LocalStore) -> None:
    store.write(facts_of(log_ms=NOON, refused=[refusal(mn="M1"), refusal(mn="M2", log_ms=NOON + 1)]))
    assert [letter.mn for letter in store.read.dead_letters()] == ["M2", "M1"]
    assert [letter.mn for letter in store.read.dead_letters(mn="M1")] == ["M1"]
    assert store.read.dead_letters(reason="bad_json") == []
    assert len(store.read.dead_letters(limit=1)) == 1


def test_a_flood_of_details_shares_a_row_and_every_one_is_counted(store: LocalStore) -> None:
    flood = [refusal(f"crc {n}") for n in range(1000)]
    store.write(facts_of(log_ms=NOON, refused=flood[:300]))
    store.write(facts_of(log_ms=NOON + 1, refused=flood[300:]))
    found = store.read.dead_letters()
    assert len(found) == letters.DETAILS_MAX + 1
    assert {letter.detail: letter.count for letter in found}[OTHERS] == 1000 - letters.DETAILS_MAX
    assert store.read.refusal_counts() == {"bad_crc": 1000}


def test_a_flood_of_monitors_shares_a_row_and_every_one_is_counted(
    store: LocalStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(letters, "LETTERS_MAX", 100)
    store.write(facts_of(log_ms=NOON, refused=[refusal(mn=f"M{n}") for n in range(1000)]))
    found = store.read.dead_letters()
    assert len(found) == 101
    assert {letter.mn: letter.count for letter in found}[""] == 900
    assert store.read.refusal_counts() == {"bad_crc": 1000}


def test_an_example_is_cut_to_4_kib(tmp_path: Path) -> None:
    with LocalStore(tmp_path, NAMES, payload_of=lambda *_: bytes(64 * 1024)) as store:
        store.write(facts_of(log_ms=NOON, offset=1, refused=[refusal()]))
        (letter,) = store.read.dead_letters()
        assert letter.sample == bytes(4096)


def test_a_record_no_stage_could_use_is_kept_once_with_its_bytes(store: LocalStore) -> None:
    letter = DeadLetter(
        stage="detect",
        topic=Topic.FRAMES,
        partition=0,
        offset=5,
        log_ms=NOON,
        detail="frame batch of 3 bytes: too short",
        body=b"abc",
    )
    for _ in range(2):
        assert store.refuse(letter) is None
    (found,) = store.read.refused_records()
    assert (found.stage, found.topic, found.offset, found.body) == ("detect", "frames", 5, b"abc")


def test_the_example_is_taken_from_the_log(tmp_path: Path) -> None:
    with SqliteLog(tmp_path, partitions=1, now_ms=lambda: NOON) as log:
        payloads = [b"##0012bad", b"{}"]
        body = FrameBatch.of([(NOON, "M1", "M1", payload) for payload in payloads]).encode()
        log.append(Topic.FRAMES, 0, RecordKind.FRAMES, body).result()
        log.append(Topic.FRAMES, 0, RecordKind.TICK, b"").result()
        find = LogPayloads(log)
        assert [find(0, 0, row) for row in (0, 1, 2)] == [*payloads, None]
        assert find(0, 1, 0) is None
        assert find(0, 99, 0) is None
