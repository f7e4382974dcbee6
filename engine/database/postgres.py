"""The engine of a PostgreSQL database: a bounded pool, and bounds on everything one could wait for."""

from typing import Any

import psycopg
from psycopg.conninfo import conninfo_to_dict
from sqlalchemy import Engine, create_engine

from engine.database.place import PostgresPlace
from engine.store.sqlite import StoreError

CONNECT_S = 5
LOCK_S = 20
STATEMENT_S = 60
IDLE_S = 15
"""A process that was stopped in mid-transaction loses it, and its locks, after so long."""

POOL_WAIT_S = 30
RECYCLE_S = 1800

SESSION = {
    "lock_timeout": f"{LOCK_S}s",
    "statement_timeout": f"{STATEMENT_S}s",
    "idle_in_transaction_session_timeout": f"{IDLE_S}s",
    "tcp_keepalives_idle": "10",  # a host that vanished loses its locks when the server notices: after 10 + 3 * 5 s
    "tcp_keepalives_interval": "5",
    "tcp_keepalives_count": "3",
}

CONNECTION = {
    "connect_timeout": CONNECT_S,
    "application_name": "outfall",
    "target_session_attrs": "read-write",  # of several hosts the one that leads; never a standby
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 20_000,
}

READER = {**CONNECTION, "target_session_attrs": "any"}


def postgres_engine(place: PostgresPlace, *, readonly: bool = False) -> Engine:
    """Connects to nothing yet. A connection that the server has closed meanwhile is replaced before it is used."""
    given = connection_settings(place, readonly=readonly)
    return create_engine(
        "postgresql+psycopg://",
        creator=lambda: psycopg.connect(**given),
        use_native_hstore=False,
        pool_size=place.connections_max,
        max_overflow=0,
        pool_timeout=POOL_WAIT_S,
        pool_pre_ping=True,
        pool_recycle=RECYCLE_S,
    )


def connection_settings(place: PostgresPlace, *, readonly: bool = False) -> dict[str, Any]:
    """How to connect. What the URL says goes before the defaults here. Who only reads may do so from a standby.

    >>> connection_settings(PostgresPlace(url="postgresql://db/outfall?connect_timeout=9"))["connect_timeout"]
    '9'
    """
    try:
        given = conninfo_to_dict(place.url)
    except psycopg.ProgrammingError as error:
        raise StoreError(f"{place}: {str(error).strip()}; expected an address as libpq reads it") from error
    connection = READER if readonly else CONNECTION
    options = " ".join(f"-c {name}={value}" for name, value in SESSION.items())
    password = {} if place.password is None else {"password": place.password.reveal()}
    return {**connection, **given, **password, "options": f"{options} {given.get('options', '')}".rstrip()}
