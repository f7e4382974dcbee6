"""Transactions with the same promises on SQLite and PostgreSQL."""

import hashlib
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as NoConnectionError

from engine.database.errors import DatabaseUnavailableError, passes


class Lock(StrEnum):
    """What only one transaction may work on at a time, over all hosts. See docs/database.md for what relies on each."""

    SCHEMA = "schema"
    DUTY = "duty"  # alerts, their episodes, the order of pages
    OUTBOX = "outbox"  # which sender takes which page
    LEASE = "lease"
    VERSIONS = "versions"  # of registry, rules and policy


Clock = Callable[[Connection], int]
"""What time it is in ms UTC, inside a transaction."""

PATIENCE = ("lock_timeout", "statement_timeout", "idle_in_transaction_session_timeout")
READ_ONE_MOMENT = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}


class Database:
    """An open database. May be used from any thread.

    DatabaseUnavailableError where a transaction fails for a reason that passes: the caller waits and does all of it again.
    Whether the last one was kept is then unknown, so every transaction must bear being done twice.
    """

    def __init__(self, engine: Engine, place: str, *, readonly: bool = False, clock: Clock | None = None) -> None:
        self.engine = engine
        self._readonly = readonly
        self.place = place  # for messages
        self.is_shared = engine.dialect.name == "postgresql"  # other hosts may work on it
        self.clock: Clock = clock or (server_ms if self.is_shared else host_ms)

    @contextmanager
    def write(self, lock: Lock | None = None, *, patience_s: int | None = None) -> Iterator[Connection]:
        """A transaction: all of the block's changes, or none.

        Only one of a lock goes on at a time, and it sees all that those before it changed. SQLite has one writer in all.
        `patience_s`: for a long one; it may wait so long for its lock, and be silent so long.
        """
        options: dict[str, Any] = {"postgresql_readonly": self._readonly} if self.is_shared else {"writes": True}
        with self._told("written"), self.engine.connect().execution_options(**options) as connection, connection.begin():
            if self.is_shared:
                for name in PATIENCE if patience_s is not None else ():
                    connection.execute(text(f"SET LOCAL {name} = '{patience_s}s'"))
                if lock is not None:
                    connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": lock_key(lock)})
            yield connection

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A view of one moment."""
        options: dict[str, Any] = READ_ONE_MOMENT if self.is_shared else {}
        with self._told("read"), self.engine.connect().execution_options(**options) as connection, connection.begin():
            yield connection

    def close(self) -> None:
        """Close all connections."""
        self.engine.dispose()

    @contextmanager
    def _told(self, use: str) -> Iterator[None]:
        try:
            yield
        except NoConnectionError as error:
            reason = f"{self.place}: all connections are in use; expected a free one"
            raise DatabaseUnavailableError(reason) from error
        except DBAPIError as error:
            if not passes(error):
                raise
            said = " ".join(str(error.orig).split())
            raise DatabaseUnavailableError(f"{self.place}: {said}; expected a database that can be {use}") from error


def lock_key(lock: Lock) -> int:
    """The number of a lock on the server, the same in every version.

    >>> lock_key(Lock.DUTY) == lock_key(Lock.DUTY) != lock_key(Lock.OUTBOX)
    True
    """
    return int.from_bytes(hashlib.sha256(f"outfall.{lock}".encode()).digest()[:8], "big", signed=True)


def host_ms(_: Connection | None = None) -> int:
    """The host's clock: that of SQLite, which only one host works on."""
    return time.time_ns() // 1_000_000


def server_ms(connection: Connection) -> int:
    """The server's clock: the same for all hosts, however theirs differ."""
    now = text("SELECT CAST(extract(epoch FROM clock_timestamp()) * 1000 AS bigint)")
    return int(connection.execute(now).scalar_one())
