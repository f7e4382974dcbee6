"""How long a batch waits for company: streams of every kind, played in seconds that nobody waits for."""

import heapq
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from engine.intake.company import ENOUGH, LINGER_S, Company

COMMIT_S = 0.003


@dataclass
class Played:
    """What became of a stream."""

    records: int = 0
    waits_s: list[float] = field(default_factory=list)  # of each payload, from its arrival to its answer


Next = Callable[[float], float | None]
"""A client: when it sends again after an answer; None: it is over."""


def play(begin: list[tuple[float, int]], again: dict[int, Next], until_s: float = 5.0) -> Played:
    """The loop of `CommitQueue.run` on made-up time. `begin`: (instant, client) of payloads that come by themselves."""
    company, played = Company(), Played()
    coming = sorted(begin)
    waiting: list[tuple[float, int]] = []
    now = 0.0

    def arrive(upto: float) -> None:
        while coming and coming[0][0] <= upto:
            waiting.append(heapq.heappop(coming))

    while coming and now < until_s:
        now = max(now, coming[0][0]) if not waiting else now
        arrive(now)
        wanted, ends = company.wanted(now=now), now + LINGER_S
        while len(waiting) < wanted and now < ends:
            now = min(ends, coming[0][0]) if coming else ends
            arrive(now)
        batch, now = list(waiting), now + COMMIT_S
        arrive(now)
        company.saw(len(waiting), now=now)
        del waiting[: len(batch)]
        played.records += 1
        for at, client in batch:
            played.waits_s.append(now - at)
            if client in again and (next_s := again[client](now)) is not None:
                heapq.heappush(coming, (next_s, client))
    return played


def closed(think_s: float = 0.0005) -> Next:
    """A client that sends its next message when it has the answer."""
    return lambda now: now + think_s


def test_a_client_that_waits_for_each_answer_waits_for_nobody_else() -> None:
    played = play([(0.0, 0)], {0: closed()})
    assert max(played.waits_s) == pytest.approx(COMMIT_S)


def test_clients_that_wait_for_each_answer_go_together() -> None:
    played = play([(n / 1000, n) for n in range(20)], {n: closed(0.0005 + n / 40_000) for n in range(20)})
    assert len(played.waits_s) / played.records > 19
    assert sorted(played.waits_s)[len(played.waits_s) // 2] < 2 * COMMIT_S


@pytest.mark.parametrize("a_second", [500, 1667, 3000])
def test_a_steady_stream_makes_a_few_dozen_records_a_second(a_second: int) -> None:
    played = play([(n / a_second, 0) for n in range(5 * a_second)], {})
    assert played.records / 5 < 70
    assert max(played.waits_s) < LINGER_S + 3 * COMMIT_S


def test_a_flood_waits_for_nothing() -> None:
    played = play([(n / 50_000, 0) for n in range(50_000)], {}, until_s=1.0)
    late = played.waits_s[5000:]
    assert max(late) < 3 * COMMIT_S
    assert len(played.waits_s) / played.records > ENOUGH


def test_after_a_crowd_a_lone_client_has_its_answer_at_once_again() -> None:
    crowd = [(0.0, n) for n in range(100)]
    played = play([*crowd, (3.0, 500)], {500: closed()})
    assert max(played.waits_s[100:]) == pytest.approx(COMMIT_S)
