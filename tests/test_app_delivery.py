"""Runs of records: handed over together, and where that cannot be, one by one, so that only the bad ones are refused."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pytest

from engine.agents import is_done
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
    delivery.start_at({0: 0})
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


def stage(pile: Pile, counts: Counter[str], folder: Path) -> Delivery[str]:
    """One whose words begin with the offset of the FRAMES record that they follow from."""
    thread = StageThread("store")
    letters = DeadLetters(Shelf(folder / "shelf.db"), thread, counts)
    hand_over, offset_of = pile.take, lambda word: int(word[0])
    return Delivery(
        "store", decode=decode, hand_over=hand_over, thread=thread, letters=letters, counts=counts, offset_of=offset_of
    )


def test_what_a_replaced_worker_says_late_is_known_and_changes_nothing(tmp_path: Path) -> None:
    pile, counts = Pile(), Counter[str]()
    store = stage(pile, counts, tmp_path)
    store.start_at({0: 0})
    asyncio.run(store.take([record(0, "1a"), record(1, "2b"), record(2, "3c")]))
    asyncio.run(store.take([record(3, "2b"), record(4, "4d")]))
    assert pile.runs == [["1a", "2b", "3c"], ["4d"]]
    assert (counts["store.taken"], counts["store.contained"], store.next) == (4, 1, {0: 5})


def test_records_of_a_partition_that_went_elsewhere_are_passed_over(tmp_path: Path) -> None:
    pile, counts = Pile(), Counter[str]()
    store = stage(pile, counts, tmp_path)
    store.start_at({0: 0})
    store.let_go({0})
    asyncio.run(store.take([record(0, "1a")]))
    assert (pile.runs, store.next, counts["store.let_go"]) == ([], {}, 1)


def test_what_waits_for_a_store_is_given_up_when_its_partition_goes_elsewhere(tmp_path: Path) -> None:
    async def main() -> None:
        taking = asyncio.create_task(store.take([record(0, "1a")]))
        while not store.blocked:
            await asyncio.sleep(0)
        store.let_go({0})
        await asyncio.wait_for(taking, 5)

    pile, counts = Pile(), Counter[str]()
    pile.busy = 1_000_000_000
    store = stage(pile, counts, tmp_path)
    store.start_at({0: 0})
    asyncio.run(main())
    assert (pile.runs, store.blocked, counts["store.let_go"]) == ([], "", 1)


def test_what_was_passed_over_is_not_acknowledged_so_that_the_next_worker_finds_it(tmp_path: Path) -> None:
    shelf, counts, thread = Shelf(tmp_path / "shelf.db"), Counter[str](), StageThread("store")
    letters = DeadLetters(shelf, thread, counts)
    delivery = Delivery("store", decode=decode, hand_over=Pile().take, thread=thread, letters=letters, counts=counts)

    async def main() -> None:
        delivery.start_at({0: 0})
        await delivery.take([record(0, "a")])
        assert is_done(delivery, record(0, "a"))
        delivery.let_go({0})
        await delivery.take([record(1, "b")])
        assert not is_done(delivery, record(1, "b"))

    asyncio.run(main())
    thread.close()
    assert counts["store.let_go"] == 1
