"""Leases: what only one process of a cluster may do at a time, until when, and how a late one is told apart."""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from sqlalchemy import Connection, Row, select

from engine.cluster.tables import lease
from engine.database.database import Database, Lock


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """A lease that this process has.

    The token grows with every owner and is never given twice: what carries an older one comes from an owner of before.

    >>> held = Lease(name="leader", owner="w1", token=7, until_s=100.0)
    >>> held.holds(99.9), held.holds(100.0)
    (True, False)
    """

    name: str
    owner: str
    token: int
    until_s: float  # of this host's monotonic clock; never later than the database lets others have it

    def holds(self, now_s: float) -> bool:
        """Whether its owner may still act on it at a time of the monotonic clock."""
        return now_s < self.until_s


class Leases:
    """The leases of a database. Only the database's clock decides when one is over: those of the hosts may differ.

    DatabaseUnavailableError where it cannot be asked: what is held goes on until its time is over, and no longer.
    """

    def __init__(self, db: Database, *, monotonic_s: Callable[[], float] = time.monotonic) -> None:
        self._db = db
        self._monotonic_s = monotonic_s

    def take(self, name: str, owner: str, ttl_s: float) -> Lease | None:
        """The lease, if nobody has it or its time is over; None while another has it.

        An owner that asks again (started again under its name, say) gets it at once, with a token that ends the one before.
        """
        asked_s = self._monotonic_s()
        with self._db.write(Lock.LEASE) as connection:
            now_ms, held = self._db.clock(connection), _held(connection, name)
            if held is not None and held.expires_ms > now_ms and held.owner != owner:
                return None
            token = 1 + (held.token if held else 0)
            values = {"owner": owner, "token": token, "expires_ms": now_ms + round(ttl_s * 1000)}
            if held is None:
                connection.execute(lease.insert().values(name=name, **values))
            else:
                connection.execute(lease.update().where(lease.c.name == name).values(values))
        return Lease(name=name, owner=owner, token=token, until_s=asked_s + ttl_s)

    def renew(self, held: Lease, ttl_s: float) -> Lease | None:
        """The same lease for longer; None if another has had it meanwhile. Its time may have been over: nobody took it."""
        asked_s = self._monotonic_s()
        with self._db.write(Lock.LEASE) as connection:
            expires_ms = self._db.clock(connection) + round(ttl_s * 1000)
            mine = (lease.c.name == held.name) & (lease.c.token == held.token) & (lease.c.expires_ms > 0)
            if not connection.execute(lease.update().where(mine).values(expires_ms=expires_ms)).rowcount:
                return None
        return replace(held, until_s=asked_s + ttl_s)

    def release(self, held: Lease) -> None:
        """Let the next one have it at once. No more to do if another has had it meanwhile."""
        with self._db.write(Lock.LEASE) as connection:
            mine = (lease.c.name == held.name) & (lease.c.token == held.token)
            connection.execute(lease.update().where(mine).values(expires_ms=0))

    def owner(self, name: str) -> str:
        """Who has it now; "" for nobody."""
        with self._db.read() as connection:
            found = _held(connection, name)
            return found.owner if found is not None and found.expires_ms > self._db.clock(connection) else ""


def still_held(connection: Connection, held: Lease) -> bool:
    """Whether nobody has taken the lease since, asked inside a transaction: until that ends, nobody can.

    Whoever changes shared rows as the holder of a lease asks so first, and changes nothing if it is not.
    """
    token = connection.execute(select(lease.c.token).where(lease.c.name == held.name).with_for_update()).scalar()
    return token == held.token


def _held(connection: Connection, name: str) -> Row[tuple[str, str, int, int]] | None:
    return connection.execute(select(lease).where(lease.c.name == name)).first()
