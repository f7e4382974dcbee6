"""Senders that take, finish, fail, sleep and die in any order: a page is in one hand at a time, and all get out."""

from collections import Counter
from dataclasses import dataclass, field, replace

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.database.place import Place
from engine.duty.channels.channel import Outcome, Status
from engine.duty.outbox import PageState, attempt_count, load_pages
from engine.duty.sending import Claim, Ended, Me, turn
from tests.database_places import NewPlaces
from tests.duty_cases import SETTINGS, desk_in
from tests.duty_victim import history

SENDING = replace(SETTINGS.sending, lease_s=10.0, attempts_max=3)
OUTCOMES = [
    Outcome(status=Status.DELIVERED),
    Outcome(status=Status.FAILED, retry=True, detail="no route"),
    Outcome(status=Status.FAILED, retry=True, uncertain=True, detail="no answer"),
]
OPEN = {PageState.WAITING, PageState.SENDING}

Move = tuple[str, int, int]
"""What happens, to which sender, and a number that says how."""

moves = st.lists(
    st.tuples(st.sampled_from(["look", "look", "end", "end", "die", "pass"]), st.integers(0, 2), st.integers(0, 20)),
    max_size=60,
)


@dataclass
class World:
    """Three senders on one outbox, and the database's clock."""

    place: Place
    now_ms: int = 1_000_000
    hands: list[dict[str, Claim]] = field(default_factory=lambda: [{}, {}, {}])
    taken_ms: dict[tuple[str, int], int] = field(default_factory=dict)  # by page and attempt
    claims: int = 0

    def __post_init__(self) -> None:
        self.desk = desk_in(self.place)
        self.desk.take(history()[:12])
        self.desk.db.clock = lambda _: self.now_ms

    def make(self, move: Move) -> None:
        what, n, how = move
        match what:
            case "look":
                self.look(n, limit=how % 4)
            case "end" if self.hands[n]:
                claim = self.hands[n].pop(min(self.hands[n]))
                self.look(n, ended=[Ended(claim=claim, outcome=OUTCOMES[how % 3])], limit=0)
            case "die":
                self.hands[n].clear()
            case "pass":
                self.now_ms += how * 1000

    def look(self, n: int, *, limit: int, ended: list[Ended] | None = None) -> None:
        roster, under_way = SETTINGS.roster, frozenset(self.hands[n])
        me = Me(name=f"w{n}", under_way=under_way, sending=SENDING, roster=roster)
        for claim in turn(self.desk.db, me, ended or [], limit=limit).claims:
            assert claim.page.page_id not in self.hands[n]
            self.hands[n][claim.page.page_id] = claim
            self.taken_ms[claim.page.page_id, claim.number] = self.now_ms
            self.claims += 1

    def held(self) -> list[Claim]:
        """Claims in the hands of senders that live, whose lease goes on."""
        lease_ms = SENDING.lease_s * 1000
        claims = [claim for hand in self.hands for claim in hand.values()]
        return [c for c in claims if self.now_ms - self.taken_ms[c.page.page_id, c.number] < lease_ms]

    def check(self) -> None:
        held = self.held()
        assert max(Counter(claim.page.page_id for claim in held).values(), default=1) == 1
        in_line = Counter((c.page.person, c.page.channel) for c in held if c.failures < SENDING.attempts_max)
        assert max(in_line.values(), default=1) == 1

    def finish(self) -> None:
        """From now on everything works."""
        for _ in range(500):
            if not OPEN & {page.state for page in load_pages(self.desk.db)}:
                return
            self.now_ms += 11_000
            for n in range(3):
                self.look(n, limit=8)
                while self.hands[n]:
                    self.make(("end", n, 0))
        raise AssertionError("pages are left")


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(moves=moves)
def test_a_page_is_in_one_hand_at_a_time_and_all_get_out(new_places: NewPlaces, moves: list[Move]) -> None:
    with new_places() as places:
        world = World(places())
        first = {page.page_id for page in load_pages(world.desk.db)}
        for move in moves:
            world.make(move)
            world.check()
        world.finish()
        pages = load_pages(world.desk.db)
        assert first <= {page.page_id for page in pages}
        assert {page.state for page in pages} <= {PageState.DELIVERED, PageState.HANDED_ON}
        assert attempt_count(world.desk.db) == world.claims == sum(page.attempts for page in pages)
        world.desk.db.close()
