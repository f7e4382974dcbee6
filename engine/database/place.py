"""Where the database of a host is: SQLite in its data directory, or a PostgreSQL server."""

from dataclasses import dataclass
from pathlib import Path

from engine.duty.settings import Secret

FILE = "core.db"
"""The SQLite database in a data directory."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PostgresPlace:
    """A database on a PostgreSQL server.

    >>> str(PostgresPlace(url="postgresql://outfall@127.0.0.1/outfall", password=Secret("swordfish")))
    'postgresql://outfall@127.0.0.1/outfall'
    """

    url: str  # as libpq reads it, without a password; may name several hosts
    password: Secret | None = None  # None: the server asks for none, or libpq finds it
    connections_max: int = 8  # of this process

    def __str__(self) -> str:
        return self.url


Place = Path | PostgresPlace
"""A path is a data directory."""


def text_of(place: Place) -> str:
    """What messages call it."""
    return str(place / FILE) if isinstance(place, Path) else str(place)
