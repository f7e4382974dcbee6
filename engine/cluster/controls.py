"""Control records that are due: written down with the version they announce, appended to the log by whoever leads.

An outbox. The leader appends a record and notes where it stands; if it dies in between, the next one appends it again. The
same version twice in a row changes nothing: no window, no alert, no number of a series depends on how often it is said.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import orjson
from sqlalchemy import Connection, select

from engine.cluster.contents import Kind, body_of
from engine.cluster.tables import control_due, in_force
from engine.database.database import Database, Lock
from engine.log.record import Control, ControlKind

ANNOUNCED = {Kind.REGISTRY: ControlKind.REGISTRY, Kind.RULES: ControlKind.RULES}
"""What the log must hear of. Duty settings are no part of what is judged."""

Append = Callable[[int, Control], Awaitable[int]]
"""Append a control record to a partition of FRAMES; its offset, when it is safe."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DueControl:
    """A control record that a partition of FRAMES must get."""

    number: int
    partition: int
    kind: Kind
    version: str


def ask_for(connection: Connection, kind: Kind, version: str, partitions: int) -> None:
    """Every partition must hear of a version. One that was asked for before and has not been said yet need not be said."""
    c = control_due.c
    connection.execute(control_due.delete().where(c.kind == kind.value, c.log_offset.is_(None)))
    _ask(connection, kind, version, range(partitions))


def _ask(connection: Connection, kind: Kind, version: str, partitions: range) -> None:
    rows = [{"partition": p, "kind": kind.value, "version": version} for p in partitions]
    connection.execute(control_due.insert(), rows)


class Controls:
    """The control records of a database that are due."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def due(self) -> list[DueControl]:
        """Those to be appended, in this order."""
        query = select(control_due).where(control_due.c.log_offset.is_(None)).order_by(control_due.c.number)
        with self._db.read() as connection:
            return [
                DueControl(number=row.number, partition=row.partition, kind=Kind(row.kind), version=row.version)
                for row in connection.execute(query)
            ]

    def told(self, partitions: int) -> bool:
        """Whether every partition has heard of a register and of rules: before that there is nothing to judge by."""
        query = select(control_due.c.partition, control_due.c.kind).where(control_due.c.log_offset.is_not(None)).distinct()
        with self._db.read() as connection:
            said = {(row.partition, row.kind) for row in connection.execute(query)}
        return said >= {(partition, kind.value) for partition in range(partitions) for kind in ANNOUNCED}

    def content(self, kind: Kind, version: str) -> Control:
        """The record that announces a version."""
        with self._db.read() as connection:
            return Control(kind=ANNOUNCED[kind], content=orjson.loads(body_of(connection, kind, version)))

    def appended(self, done: DueControl, offset: int) -> None:
        """It stands in the log there. If it is out of date by now and came after what is in force, that is said again."""
        c = control_due.c
        this = (c.number == done.number) & (c.partition == done.partition)
        this &= (c.kind == done.kind.value) & (c.version == done.version) & c.log_offset.is_(None)
        with self._db.write(Lock.VERSIONS) as connection:
            connection.execute(control_due.update().where(this).values(log_offset=offset))
            wanted = connection.execute(select(in_force.c.version).where(in_force.c.kind == done.kind.value)).scalar()
            said = (c.partition == done.partition) & (c.kind == done.kind.value) & (c.version == wanted)
            before = select(c.number).where(said, c.log_offset < offset)
            if wanted is not None and wanted != done.version and connection.execute(before).first() is not None:
                _ask(connection, done.kind, wanted, range(done.partition, done.partition + 1))

    def restate(self, partition: int) -> None:
        """A partition must hear again of all that is in force: its log begins anew."""
        with self._db.write(Lock.VERSIONS) as connection:
            found = connection.execute(select(in_force).order_by(in_force.c.kind)).all()
            for row in found:
                if (kind := Kind(row.kind)) in ANNOUNCED:
                    _ask(connection, kind, row.version, range(partition, partition + 1))
