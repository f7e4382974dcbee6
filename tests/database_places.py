"""Where tests have their databases: the same tests on SQLite in a folder and on a real PostgreSQL."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol
from urllib.parse import quote

import psycopg

from engine.database.metadata import metadata
from engine.database.open import open_database
from engine.database.place import Place, PostgresPlace
from engine.database.schema import version
from engine.duty.settings import Secret
from tests.servers.postgres import PASSWORD, USER, Postgres
from tests.servers.process import HOST


class Places(Protocol):
    """Databases of one test by name, made when they are first asked for."""

    def __call__(self, name: str = "one") -> Place: ...


NewPlaces = Callable[[], AbstractContextManager[Places]]
"""Makes databases for one example."""


@dataclass
class Folders:
    """A folder for each."""

    parent: Path

    def __call__(self, name: str = "one") -> Path:
        (self.parent / name).mkdir(exist_ok=True)
        return self.parent / name


class Pool:
    """Databases with all tables on a server: each is emptied and used again, which takes a hundredth of making one."""

    def __init__(self, server: Postgres) -> None:
        self.server = server
        self._made = 0
        self._free: list[str] = []

    @contextmanager
    def places(self) -> Iterator["Borrowed"]:
        """For one test."""
        found = Borrowed(self)
        try:
            yield found
        finally:
            for database in found.names.values():
                self._empty(database)
                self._free.append(database)

    def take(self) -> str:
        """The name of an empty one."""
        if self._free:
            return self._free.pop()
        self._made += 1
        name = f"shared_{self._made}"
        with psycopg.connect(self.server.url(), autocommit=True) as connection:
            connection.execute(f"create database {name}".encode())
        open_database(postgres_place(self.server, name)).close()
        return name

    def _empty(self, database: str) -> None:
        names = ", ".join(f'"{table.name}"' for table in metadata.sorted_tables if table is not version)
        with psycopg.connect(self.server.url(database), autocommit=True) as connection:
            others = "from pg_stat_activity where datname = %s and pid <> pg_backend_pid()"
            connection.execute(f"select pg_terminate_backend(pid, 5000) {others}".encode(), [database])
            connection.execute(f"truncate {names} restart identity".encode())


@dataclass
class Borrowed:
    """Databases of a pool, given back after the test."""

    pool: Pool
    names: dict[str, str] = field(default_factory=dict)

    def __call__(self, name: str = "one") -> PostgresPlace:
        if name not in self.names:
            self.names[name] = self.pool.take()
        return postgres_place(self.pool.server, self.names[name])


def place_from(text: str) -> Place:
    """The place that `str` was taken of: for processes of their own."""
    return PostgresPlace(url=text, password=Secret(PASSWORD)) if text.startswith("postgresql:") else Path(text)


def postgres_place(server: Postgres, database: str = "postgres") -> PostgresPlace:
    """As a configuration says it."""
    url = f"postgresql://{quote(USER)}@{HOST}:{server.port}/{database}"
    return PostgresPlace(url=url, password=Secret(PASSWORD), connections_max=4)
