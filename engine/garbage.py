"""When Python looks for garbage: not while a host starts, and afterwards never at what the start made.

Register, rules and plans are millions of objects that stay. A collection that walks through them takes seconds, finds
nothing, and stops every thread meanwhile: 15 s of the start and two seconds now and then, with 100,000 outlets.
"""

import contextlib
import gc
from collections.abc import Callable, Iterator


@contextlib.contextmanager
def start_kept() -> Iterator[Callable[[], None]]:
    """Collect nothing until the function that this gives is called, and nothing of what is there then until the end."""
    gc.disable()

    def started() -> None:
        gc.freeze()
        gc.enable()

    try:
        yield started
    finally:
        gc.unfreeze()
        gc.enable()
