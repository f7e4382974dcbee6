"""What a recording offers, whatever its format."""

from collections.abc import Iterator
from typing import Protocol

from engine.replay.scan.column import Table


class Source(Protocol):
    """A recording that can be read from the start any number of times."""

    size: int  # of the file, in bytes

    def names(self) -> tuple[str, ...]:
        """The columns it has, as far as its beginning tells."""

    def tables(self) -> Iterator[tuple[Table, int]]:
        """Its rows in pieces, in order, each with how many bytes of the file were read so far."""
