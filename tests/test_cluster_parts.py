"""The parts of a worker by themselves: whether it is sure of itself, and whether it gets on."""

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from engine.cluster import stalled
from engine.cluster.stalled import Stalled
from engine.log.errors import FencedError
from engine.log.kafka import membership
from engine.log.kafka.membership import Membership
from engine.log.record import Topic


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The monotonic clock, in a list of one."""
    now = [1000.0]
    for module in (membership, stalled):
        monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=lambda: now[0]))
    return now


def test_a_worker_is_sure_of_itself_for_one_session_after_each_word_of_the_brokers(clock: list[float]) -> None:
    mine = Membership(10.0)
    mine.joined(3)
    clock[0] += 9
    assert mine.is_sure
    mine.heard(asked_at=clock[0] - 2)
    clock[0] += 7.9
    assert mine.is_sure
    clock[0] += 0.1
    assert not mine.is_sure


def test_one_that_wakes_up_unsure_waits_for_the_next_word(clock: list[float]) -> None:
    async def main() -> None:
        mine = Membership(10.0)
        mine.joined(3)
        clock[0] += 60
        waiting = asyncio.create_task(mine.sure())
        await asyncio.sleep(0)
        assert not waiting.done()
        mine.heard(asked_at=clock[0])
        await asyncio.wait_for(waiting, 5)

    asyncio.run(main())


def test_one_that_others_have_replaced_is_told_so_wherever_it_goes_on() -> None:
    mine = Membership(10.0)
    mine.joined(3)
    mine.lose()
    assert not mine.is_sure
    assert isinstance(mine.failure, FencedError)
    for question in (mine.sure, mine.confirmed):
        with pytest.raises(FencedError, match="goes on without this one"):
            asyncio.run(question())


class Worker:
    """A worker with one stage that stands at offset 5 of a partition whose log goes up to 9."""

    def __init__(self) -> None:
        stage, thread = SimpleNamespace(next={0: 5}, blocked=""), SimpleNamespace(busy_s=0.0)
        self.stage, self.thread, self.end, self.trouble, self.unready = stage, thread, 9, "", ""
        stages: Any = SimpleNamespace(by_topic={Topic.FRAMES: stage}, thread_of={Topic.FRAMES: thread})
        self.watch = Stalled(stages, lambda *_: self.end, lambda: self.trouble, lambda: self.unready, 60.0)

    def look(self) -> None:
        asyncio.run(self.watch.look())


def test_a_worker_that_finishes_nothing_while_its_log_grows_is_found(clock: list[float]) -> None:
    worker = Worker()
    worker.look()
    clock[0] += 59
    worker.look()
    assert worker.watch.failure is None
    clock[0] += 2
    worker.look()
    assert "frames/0: at offset 5 for 61 s, the log goes up to 9" in str(worker.watch.failure)


EXCUSES = {
    "it finishes a record now and then": lambda w: w.stage.next.update({0: w.stage.next[0] + 1}),
    "it is at the end": lambda w: setattr(w, "end", 5),
    "the brokers are away": lambda w: setattr(w, "trouble", "no answer for 12 s"),
    "it waits for its store": lambda w: setattr(w.stage, "blocked", "influx: connection refused"),
    "a call is under way": lambda w: setattr(w.thread, "busy_s", 70.0),
}


@pytest.mark.parametrize("excuse", EXCUSES.values(), ids=EXCUSES)
def test_a_worker_with_a_reason_is_left_alone(clock: list[float], excuse: Any) -> None:
    worker = Worker()
    worker.end = 1000
    for _ in range(5):
        excuse(worker)
        worker.look()
        clock[0] += 40
    assert worker.watch.failure is None


def test_a_worker_that_is_given_nothing_for_long_is_found(clock: list[float]) -> None:
    worker = Worker()
    worker.end, worker.unready = 5, "the group has given it no partitions yet"
    worker.look()
    clock[0] += 121
    worker.look()
    assert "the group has given it no partitions yet" in str(worker.watch.failure)
