"""Runs of records: handed over together, and where that cannot be, one by one, so that only the bad ones are refused."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pytest

from engine.delivery import DeadLetters, Delivery
from engine.log.reader import STAND_IN
from engine.log.record import Record, RecordKind, Topic
from engine.stage_thread import StageThread
from engine.stages import Retry
from sensors.frames import RecordDamaged
from tests.app_parts import Shelf


class Pile:
    """Takes words; "bad" it never will, and while `busy` it asks for another try."""

    def __init__(self) -> None:
        self.runs: list[list[str]] = []
        self.busy = 0

    def take(self, run: Sequence[str]) -> Retry | None:
        if self.busy:
            self.busy -= 1
            return Retry(reason="busy", after_s=0.0)
        if "bad" in run:
            raise ValueError("bad")
        self.runs.append(list(run))
        return None


def decode(body: bytes) -> str:
    if body == b"garbled":
        raise RecordDamaged("garbled")
    return body.decode()


def record(offset: int, text: str, kind: RecordKind = RecordKind.DATA) -> Record:
    return Record(topic=Topic.READINGS, partition=0, offset=offset, log_ms=offset, kind=kind, body=text.encode())


def deliver(folder: Path, pile: Pile, records: Sequence[Record]) -> tuple[Delivery[str], list[tuple[object, ...]]]:
    """What it has come to, and the letters."""
    shelf, counts = Shelf(folder / "shelf.db"), Counter[str]()
    thread = StageThread("store")
    letters = DeadLetters(shelf, thread, counts)
    delivery = Delivery("store", decode=decode, hand_over=pile.take, thread=thread, letters=letters, counts=counts)
    asyncio.run(delivery.take(records))
    thread.close()
    assert counts["store.taken"] + counts["store.refused"] == len(records)
    return delivery, shelf.rows("select offset, detail from letter order by offset")


def test_a_run_is_handed_over_together(tmp_path: Path) -> None:
    pile = Pile()
    delivery, letters = deliver(tmp_path, pile, [record(n, f"w{n}") for n in range(5)])
    assert pile.runs == [["w0", "w1", "w2", "w3", "w4"]]
    assert (delivery.next, letters) == ({0: 5}, [])


def test_a_run_that_must_wait_comes_again_as_a_whole(tmp_path: Path) -> None:
    pile = Pile()
    pile.busy = 3
    deliver(tmp_path, pile, [record(n, f"w{n}") for n in range(2)])
    assert pile.runs == [["w0", "w1"]]


BAD = {
    "one that is never taken": (record(1, "bad"), "ValueError: bad"),
    "one that cannot be read": (record(1, "garbled"), "garbled"),
    "one that was damaged in the log": (record(1, STAND_IN.decode(), RecordKind.TICK), "damaged in the log"),
}


@pytest.mark.parametrize(("bad", "detail"), BAD.values(), ids=BAD)
def test_of_a_run_only_what_is_bad_is_refused_and_the_order_stays(tmp_path: Path, bad: Record, detail: str) -> None:
    pile = Pile()
    delivery, letters = deliver(tmp_path, pile, [record(0, "a"), bad, record(2, "c")])
    assert [word for run in pile.runs for word in run] == ["a", "c"]
    assert letters == [(1, detail)]
    assert delivery.next == {0: 3}
