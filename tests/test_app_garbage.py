"""What a start makes is not looked through again while the host runs, and is garbage like any other afterwards."""

import gc
import weakref

from engine.garbage import start_kept


class Knot:
    """A cycle: only a collection can free it."""

    def __init__(self) -> None:
        self.itself = self


def test_nothing_is_collected_while_a_host_starts_and_what_it_made_not_before_its_end() -> None:
    with start_kept() as started:
        assert not gc.isenabled()
        before = weakref.ref(Knot())
        started()
        assert gc.isenabled()
        after = weakref.ref(Knot())
        gc.collect()
        assert (before() is None, after() is None) == (False, True)
    gc.collect()
    assert before() is None


def test_a_start_that_fails_leaves_collecting_as_it_should_be() -> None:
    try:
        with start_kept():
            raise OSError("port in use")
    except OSError:
        assert gc.isenabled()
