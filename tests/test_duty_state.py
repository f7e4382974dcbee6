"""The table of alert states."""

import itertools

import pytest

from rules.alert import Step
from rules.alert_state import NEXT, STANDING, Action, State, diagram


def test_every_state_and_event_has_a_row() -> None:
    assert set(NEXT) == set(itertools.product(State, [*Step, *Action]))


def test_every_state_can_be_reached() -> None:
    assert set(NEXT.values()) == set(State)


LIVES = [
    ("seen, then over", [Step.OPENED, Action.ACKNOWLEDGE, Step.RETURNED], State.CLOSED),
    ("over, then seen", [Step.OPENED, Step.RETURNED, Action.ACKNOWLEDGE], State.CLOSED),
    ("over and nobody saw it", [Step.OPENED, Step.RETURNED], State.RETURNED_UNACKNOWLEDGED),
    ("new numbers do not undo an acknowledgement", [Step.OPENED, Action.ACKNOWLEDGE, Step.REVISED], State.ACKNOWLEDGED),
    ("it never was", [Step.OPENED, Action.ACKNOWLEDGE, Step.WITHDRAWN], State.WITHDRAWN),
    ("it never was, and after all it was", [Step.OPENED, Step.WITHDRAWN, Step.REVISED], State.UNACKNOWLEDGED),
]


@pytest.mark.parametrize(("events", "end"), [c[1:] for c in LIVES], ids=[c[0] for c in LIVES])
def test_lives(events: list[Step | Action], end: State) -> None:
    state = State.NORMAL
    for event in events:
        state = NEXT[state, event]
    assert state is end


def test_no_acknowledgement_ends_what_goes_on_and_no_step_acknowledges() -> None:
    for state in State:
        assert (NEXT[state, Action.ACKNOWLEDGE] in STANDING) == (state in STANDING)
    for (state, event), after in NEXT.items():
        if isinstance(event, Step) and after is State.ACKNOWLEDGED:
            assert state is State.ACKNOWLEDGED


def test_the_diagram_has_a_line_for_each_change() -> None:
    changes = [1 for (state, _), after in NEXT.items() if state is not after]
    assert diagram().count("-->") == len(changes) + 1
