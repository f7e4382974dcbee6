"""Files change, leaders append, die and wake late, in any order: in the end every partition was told of what is in force."""

from dataclasses import dataclass, field, replace

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.cluster.agreeing import Files
from engine.cluster.contents import Kind
from engine.cluster.controls import Controls, DueControl
from engine.cluster.versions import Versions
from engine.database.open import open_database
from engine.database.place import Place
from rules.rule import Judging
from rules.ruleset_json import make_ruleset
from sensors.registry import Binding
from tests.database_places import NewPlaces
from tests.duty_cases import REGISTRY, SETTINGS

PARTITIONS = 2
REGISTRIES = [replace(REGISTRY, bindings=(Binding(outlet="stack-1", factor=f),)) for f in ("a21026", "a34013", "a01011")]
RULES = [make_ruleset(judging=Judging(o2_max=o2), rules=(), limits=()) for o2 in (18.0, 19.0)]

Move = tuple[str, int, int]
moves = st.lists(
    st.tuples(st.sampled_from(["start", "look", "say", "say", "say", "die"]), st.integers(0, 1), st.integers(0, 5)),
    max_size=50,
)


@dataclass
class World:
    """Two workers, either of which may take itself for the leader; and the log."""

    place: Place
    log: list[list[tuple[Kind, str]]] = field(default_factory=lambda: [[] for _ in range(PARTITIONS)])
    hands: list[list[DueControl]] = field(default_factory=lambda: [[], []])

    def __post_init__(self) -> None:
        self.db = open_database(self.place)
        self.controls = Controls(self.db)
        self.versions = Versions(self.db, partitions=PARTITIONS)
        self.start(0, 0)

    def start(self, n: int, how: int) -> None:
        """A worker starts with these files."""
        files = Files(registry=REGISTRIES[how % 3], rules=RULES[how % 2], duty=SETTINGS)
        self.in_force = self.versions.agree(f"w{n}", files)

    def make(self, move: Move) -> None:
        what, n, how = move
        match what:
            case "start":
                self.start(n, how)
            case "look":
                self.hands[n] = self.controls.due()
            case "say" if self.hands[n]:
                self.say(self.hands[n].pop(0))
            case "die":
                self.die(n)

    def say(self, one: DueControl) -> None:
        self.log[one.partition].append((one.kind, one.version))
        self.controls.appended(one, len(self.log[one.partition]) - 1)

    def die(self, n: int) -> None:
        """Of what it has in hand the first is in the log, and nobody has noted that. It was the leader: so it was due."""
        if self.hands[n] and self.hands[n][0] in self.controls.due():
            self.log[self.hands[n][0].partition].append((self.hands[n][0].kind, self.hands[n][0].version))
        self.hands[n] = []

    def finish(self) -> None:
        """One leads, and lives."""
        for _ in range(10):
            due = self.controls.due()
            if not due:
                return
            for one in due:
                self.say(one)
        raise AssertionError("there is always something due")


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(moves=moves)
def test_every_partition_is_told_of_what_is_in_force_last(new_places: NewPlaces, moves: list[Move]) -> None:
    with new_places() as places:
        world = World(places())
        for move in moves:
            world.make(move)
        for hand in world.hands:  # whoever was asleep wakes up, and says what it had in hand
            while hand:
                world.say(hand.pop(0))
        world.finish()
        for said in world.log:
            last = dict(said)
            assert last == {Kind.REGISTRY: str(world.in_force.registry.version), Kind.RULES: world.in_force.rules.version}
        world.db.close()
