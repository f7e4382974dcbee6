"""Where a consumer stands in each partition: what it handed out, what came back, how far it may commit."""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Protocol

from engine.log.file import Place

IN_HAND_MAX = 64
"""Records of one partition handed out and not acknowledged yet."""


class Handed(Protocol):
    """What a consumer hands out: a message of Faust."""

    offset: int
    acked: bool


@dataclass(slots=True)
class _Stand:
    next: int = 0
    moves: int = 0
    in_hand: deque[Handed] = field(default_factory=deque)


class Positions:
    """Positions of the partitions a consumer reads."""

    def __init__(self) -> None:
        self._stands: dict[Place, _Stand] = {}
        self._frozen: dict[Place, int] | None = None
        self._moves = 0

    def __iter__(self) -> Iterator[Place]:
        return iter(self._stands)

    def go_to(self, place: Place, offset: int) -> None:
        """Hand out `offset` next; what is out already no longer counts."""
        stand = self._stands.setdefault(place, _Stand())
        stand.next = offset
        self._moves += 1
        stand.moves = self._moves
        stand.in_hand.clear()

    def forget(self, place: Place) -> None:
        """Hand out nothing of it any more; what is out does not count."""
        self._stands.pop(place, None)

    def next(self, place: Place) -> int | None:
        """Offset to hand out next; None before the first `go_to`."""
        stand = self._stands.get(place)
        return None if stand is None else stand.next

    def moves(self, place: Place) -> int:
        """Changes whenever `go_to` or `forget` was called: records read before that are not to be handed out."""
        stand = self._stands.get(place)
        return -1 if stand is None else stand.moves

    def hand_out(self, place: Place, message: Handed) -> None:
        """A record goes to the agents."""
        stand = self._stands[place]
        stand.next = message.offset + 1
        stand.in_hand.append(message)

    def in_hand(self, place: Place) -> int:
        """How many records are out, counted from the first one that is not acknowledged."""
        return len(self._unacknowledged(place))

    def room(self, place: Place) -> int:
        """How many more may go out: none until half came back, so that the log is not asked record by record."""
        room = IN_HAND_MAX - self.in_hand(place)
        return room if room >= IN_HAND_MAX // 2 else 0

    def committable(self, place: Place) -> int:
        """The next offset that may be committed: never past a record that somebody still works on."""
        if self._frozen is not None:
            return self._frozen[place]
        out = self._unacknowledged(place)
        return out[0].offset if out else self._stands[place].next

    def freeze(self) -> None:
        """Let `committable` stay as it is now: Faust acknowledges whatever an agent held when it was cancelled."""
        self._frozen = None
        self._frozen = {place: self.committable(place) for place in self._stands}

    def _unacknowledged(self, place: Place) -> deque[Handed]:
        out = self._stands[place].in_hand
        while out and out[0].acked:
            out.popleft()
        return out
